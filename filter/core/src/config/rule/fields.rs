//! The fields of rules.

use crate::config::fields::access::READERS;
use crate::config::fields::table::{Table, Value, optional, required};

const CLASSES: Value = Value::List(&Value::Words(&["manifests", "blobs", "tags", "referrers"]));

pub(crate) static RULE: Table = Table {
    place: "rules[]",
    fields: &[
        required("name", Value::Text, "its name in the log"),
        optional("fronts", Value::Items(&Value::Text), "the fronts whose clients it is for"),
        required(
            "repositories",
            Value::Items(&Value::Text),
            "globs: `*` inside a component, `**` for whole components",
        ),
        required(
            "chains",
            Value::ByText(&Value::Items(&Value::Any(&[Value::Text, Value::Fields(&LINK)]))),
            "for each region a list of backends, nearest first",
        ),
        optional("owner", Value::Text, "the one backend that takes writes"),
        optional(
            "replicas",
            Value::Items(&Value::Text),
            "backends that hold the same content under the same tags",
        ),
        optional("tags_from", Value::Words(&["owner", "replicas"]), "where tags come from"),
        optional("read_your_writes", Value::Time, "how long after a push tags come from the owner"),
        optional(
            "stale_tags",
            Value::Time,
            "how long a tag may be what it was, from the cache, while no replica can be asked",
        ),
        optional(
            "readers",
            Value::Any(&[Value::Words(&["anyone", "authenticated"]), Value::Fields(&READERS)]),
            "who may read with the proxy's own credential",
        ),
        optional(
            "writers",
            Value::Words(&["authenticated"]),
            "who may push with the proxy's own credential",
        ),
        optional(
            "client_redirects",
            Value::Fields(&CLIENT_REDIRECTS),
            "clients fetch the content themselves",
        )
        .formerly("redirect"),
        optional(
            "signatures",
            Value::Text,
            "the one backend that answers for referrers and tags of signatures",
        ),
        optional("writes", Value::Fields(&RULE_WRITES), "what becomes of pushes and deletions"),
    ],
};

pub(crate) static RULE_WRITES: Table = Table {
    place: "rules[].writes",
    fields: &[required(
        "refused",
        Value::Text,
        "they are refused, with this reason, which clients show; reads are served as ever",
    )],
};

pub(crate) static LINK: Table = Table {
    place: "rules[].chains.REGION[]",
    fields: &[
        required("backend", Value::Text, "the name of a backend"),
        optional(
            "share",
            Value::Whole(1, 99),
            "the part of the repositories, in percent, that it serves",
        ),
    ],
};

pub(crate) static CLIENT_REDIRECTS: Table = Table {
    place: "rules[].client_redirects",
    fields: &[
        optional("classes", Value::Any(&[CLASSES, Value::ByText(&CLASSES)]), "what of"),
        optional(
            "stores",
            Value::Any(&[Value::Text, Value::ByText(&Value::Text)]),
            "the blob store for blobs that it has: a name, `none`, or one of them per region",
        ),
        optional(
            "keep",
            Value::List(&Value::Text),
            "labels of networks whose clients are sent to no store",
        ),
    ],
};
