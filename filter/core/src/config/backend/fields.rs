//! The fields of backends.

use crate::config::backend::resilience::HedgeAfter;
use crate::config::fields::access::BACKEND_AUTH;
use crate::config::fields::table::{Table, Value, optional, required};

const COUNT: Value = Value::Whole(1, 1_000_000);
const FOLLOWS: Value = Value::Words(&["pass", "follow"]);

pub(crate) static BACKEND: Table = Table {
    place: "backends.NAME",
    fields: &[
        required("url", Value::Url, "scheme, host, optional port and base path, without `/v2/`"),
        optional("cluster", Value::Text, "the Envoy cluster that reaches it"),
        optional("owner_cluster", Value::Text, "the Envoy cluster for writes to it"),
        optional(
            "names",
            Value::List(&Value::Fields(&REWRITE)),
            "names that start with `front` here start with `backend` there",
        ),
        optional("tls", Value::Fields(&TLS), "how its certificate is verified"),
        optional(
            "auth",
            Value::Any(&[Value::Words(&["token", "basic"]), Value::OneField(&BACKEND_AUTH)]),
            "what it wants to see",
        ),
        optional("credential", Value::Text, "the proxy's own for it, one of `credentials`"),
        optional(
            "redirect_handling",
            Value::Any(&[FOLLOWS, Value::ByText(&FOLLOWS)]),
            "who fetches what it redirects to: the client or the proxy, or one of them per region",
        )
        .formerly("redirects"),
        optional(
            "followed_redirects",
            Value::Fields(&FOLLOWED_REDIRECTS),
            "where the proxy follows redirects to",
        )
        .formerly("follow"),
        optional(
            "upload_paths",
            Value::List(&Value::Text),
            "where it goes on with uploads outside of its `/v2/`",
        ),
        optional(
            "connect_proxy",
            Value::Url,
            "the proxy that is asked to connect to it, such as `http://proxy.example.com:3128`",
        ),
        optional("drained", Value::Flag, "true: it takes no reads"),
        optional(
            "hides_missing",
            Value::Flag,
            "true: its 401 or 403 may mean that it has no such content",
        ),
        optional(
            "attempt_timeouts",
            Value::Fields(&ATTEMPT_TIMEOUTS),
            "how long it may take to begin its answer",
        ),
        optional("connect_timeout", Value::Time, "how long a connection to it may take"),
        optional(
            "hedge_after",
            Value::Any(&[Value::Time, Value::Words(&[HedgeAfter::USUAL, HedgeAfter::NEVER])]),
            "after which time without an answer the next is asked too; `usual`, if left out: by what its answers take; `off`: never, and it is not asked early itself",
        ),
        optional(
            "idle_timeout",
            Value::Time,
            "how long an answer of it that has begun may stand still",
        ),
        optional("write_timeouts", Value::Fields(&WRITE_TIMEOUTS), "how long writes may take"),
        optional("health_check", Value::Fields(&HEALTH_CHECK), "how it is found to be down"),
        optional("ejection", Value::Fields(&EJECTION), "when its connection failures take it out"),
        optional("limits", Value::Fields(&LIMITS), "the most that is sent to it at once"),
    ],
};

pub(crate) static TLS: Table = Table {
    place: "backends.NAME.tls",
    fields: &[
        optional("ca_file", Value::Text, "a PEM file of CA certificates; the system's if left out"),
        optional(
            "server_name",
            Value::Text,
            "the name in the certificate; the URL's host if left out",
        ),
        optional("certificate_file", Value::Text, "a PEM file of the proxy's own certificate"),
        optional("key_file", Value::Text, "a PEM file of that certificate's key"),
    ],
};

pub(crate) static REWRITE: Table = Table {
    place: "backends.NAME.names[]",
    fields: &[
        required(
            "front",
            Value::TextOrNothing,
            "the start of names here; it ends with `/`, or is empty",
        ),
        required(
            "backend",
            Value::TextOrNothing,
            "the start of names there; it ends with `/`, or is empty",
        ),
    ],
};

pub(crate) static FOLLOWED_REDIRECTS: Table = Table {
    place: "backends.NAME.followed_redirects",
    fields: &[
        optional("hosts", Value::List(&Value::Text), "`host`, `host:port` or `*.host`"),
        optional(
            "private_addresses",
            Value::Flag,
            "true: these hosts may be in a network of your own",
        ),
        optional("ca_file", Value::Text, "a PEM file of the CA certificates of these hosts"),
    ],
};

pub(crate) static ATTEMPT_TIMEOUTS: Table = Table {
    place: "backends.NAME.attempt_timeouts",
    fields: &[
        optional("manifests", Value::Time, "of manifests, tags and referrers"),
        optional("blobs", Value::Time, "of blobs"),
    ],
};

pub(crate) static WRITE_TIMEOUTS: Table = Table {
    place: "backends.NAME.write_timeouts",
    fields: &[
        optional("content", Value::Time, "of requests that carry content"),
        optional("session", Value::Time, "of requests that begin or end an upload"),
    ],
};

pub(crate) static HEALTH_CHECK: Table = Table {
    place: "backends.NAME.health_check",
    fields: &[
        optional("interval", Value::Time, "how often it is asked"),
        optional("timeout", Value::Time, "how long it may take"),
    ],
};

pub(crate) static EJECTION: Table = Table {
    place: "backends.NAME.ejection",
    fields: &[
        optional("failures", COUNT, "how many in a row"),
        optional("time", Value::Time, "for how long"),
    ],
};

pub(crate) static LIMITS: Table = Table {
    place: "backends.NAME.limits",
    fields: &[
        optional("connections", COUNT, "connections"),
        optional("requests", COUNT, "requests"),
        optional("pending", COUNT, "requests that wait for a connection"),
    ],
};
