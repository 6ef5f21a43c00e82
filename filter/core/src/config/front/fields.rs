//! The fields of fronts and of the registries behind them.

use crate::config::fields::access::FRONT_AUTH;
use crate::config::fields::table::{Table, Value, optional, required};

pub(crate) static FRONT: Table = Table {
    place: "fronts.NAME",
    fields: &[
        required(
            "hosts",
            Value::Items(&Value::Text),
            "`host` or `host:port` as clients send it; ports 80 and 443 may be left out",
        ),
        optional("default", Value::Flag, "true: also answers to hosts that no front declares"),
        optional("tls", Value::Fields(&CERTIFICATE), "the front's certificate"),
        optional(
            "auth",
            Value::Any(&[Value::Words(&["managed", "upstream"]), Value::OneField(&FRONT_AUTH)]),
            "how clients prove who they are",
        ),
        optional(
            "landing",
            Value::ByText(&Value::Url),
            "pages elsewhere for whole paths outside of `/v2`",
        ),
        optional("catalog", Value::Text, "the backend that answers for `/v2/_catalog`"),
        optional(
            "ping",
            Value::Words(&["front", "all_backends"]),
            "who answers `/v2/`: the front alone, or 503 unless every backend is up",
        ),
        optional("health", Value::Flag, "true: answers `/healthcheck`, `/livez` and `/readyz`"),
        optional(
            "metrics",
            Value::Fields(&SCRAPERS),
            "who may read the metrics of Envoy at `/metrics`",
        ),
        optional(
            "say_backend",
            Value::Flag,
            "true: answers name the backend that gave them, in a header",
        ),
        optional(
            "client_configuration",
            Value::Flag,
            "true: serves the files that clients need to pull through it",
        ),
        optional("cors", Value::Fields(&CORS), "web pages that may use the front"),
        optional(
            "upstreams",
            Value::ByName(&Value::Fields(&UPSTREAM)),
            "the registries that clients name behind this front, by name",
        ),
        optional(
            "default_upstream",
            Value::Text,
            "the one that is meant by a request that names none",
        ),
        optional("writes", Value::Fields(&WRITES), "what becomes of pushes and deletions"),
    ],
};

pub(crate) static WRITES: Table = Table {
    place: "fronts.NAME.writes",
    fields: &[required(
        "refused",
        Value::Text,
        "they are refused, with this reason, which clients show; reads are served as ever",
    )],
};

pub(crate) static SCRAPERS: Table = Table {
    place: "fronts.NAME.metrics",
    fields: &[required(
        "networks",
        Value::List(&Value::Text),
        "labels of `networks` whose clients may; nobody else learns that it is there",
    )],
};

pub(crate) static CERTIFICATE: Table = Table {
    place: "fronts.NAME.tls",
    fields: &[
        required(
            "certificate_file",
            Value::Text,
            "a PEM file of the front's certificate, with what leads from it to its CA",
        ),
        required("key_file", Value::Text, "a PEM file of the certificate's key"),
    ],
};

pub(crate) static CORS: Table = Table {
    place: "fronts.NAME.cors",
    fields: &[
        required(
            "origins",
            Value::Items(&Value::Url),
            "origins of web pages, such as `https://ui.example.com`",
        ),
        optional("credentials", Value::Flag, "true: a page may have the browser send cookies"),
    ],
};

pub(crate) static UPSTREAM: Table = Table {
    place: "fronts.NAME.upstreams.NAME",
    fields: &[
        optional(
            "prefix",
            Value::TextOrNothing,
            "what stands before its repositories' names in rules; it ends with `/`, or is empty",
        ),
        optional("hosts", Value::List(&Value::Text), "hosts that name it"),
        optional("ns", Value::List(&Value::Text), "values of containerd's `ns` that name it"),
        optional("library", Value::Flag, "true: a name of one component gets `library/`"),
        optional("path", Value::Flag, "whether the prefix in a client's name names it"),
        optional(
            "backend",
            Value::Url,
            "the URL that all of it is served from, where no backend and no rule are written",
        ),
    ],
};
