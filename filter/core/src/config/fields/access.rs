//! The fields about authentication.

use crate::config::fields::table::{Table, Value, optional, required};

const CLUSTER: &str = "an Envoy cluster of your own that reaches it";

pub(crate) static FRONT_AUTH: Table = Table {
    place: "fronts.NAME.auth",
    fields: &[
        optional("upstream", Value::Fields(&LOGIN), "clients log in to the backends"),
        optional("basic", Value::Fields(&VERIFIER), "clients log in to the front by password"),
    ],
};

pub(crate) static LOGIN: Table = Table {
    place: "fronts.NAME.auth.upstream",
    fields: &[optional(
        "login",
        Value::Text,
        "the backend whose token service answers a login that names no repository",
    )],
};

pub(crate) static VERIFIER: Table = Table {
    place: "fronts.NAME.auth.basic",
    fields: &[
        required("verifier", Value::Url, "the URL of the service that knows the passwords"),
        optional("cluster", Value::Text, CLUSTER),
    ],
};

pub(crate) static BACKEND_AUTH: Table = Table {
    place: "backends.NAME.auth",
    fields: &[
        optional("token", Value::Fields(&TOKEN), "it wants tokens of a token service"),
        optional("basic", Value::Fields(&BASIC), "it wants a name and a password"),
    ],
};

pub(crate) static TOKEN: Table = Table {
    place: "backends.NAME.auth.token",
    fields: &[
        optional("realm", Value::Url, "the URL of the token service"),
        optional("service", Value::Text, "the name that it knows the registry by"),
        optional("cluster", Value::Text, CLUSTER),
    ],
};

pub(crate) static BASIC: Table = Table {
    place: "backends.NAME.auth.basic",
    fields: &[optional(
        "realm",
        Value::Text,
        "a label; backends with the same accept the same passwords",
    )],
};

pub(crate) static CREDENTIAL: Table = Table {
    place: "credentials.NAME",
    fields: &[required("file", Value::Text, "the whole path of the file that Envoy reads it from")],
};

pub(crate) static READERS: Table = Table {
    place: "rules[].readers",
    fields: &[required(
        "networks",
        Value::List(&Value::Text),
        "labels of `networks` whose clients may read",
    )],
};
