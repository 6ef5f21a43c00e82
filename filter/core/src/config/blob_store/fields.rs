//! The fields of blob stores.

use crate::config::backend::fields::TLS;
use crate::config::fields::table::{Table, Value, optional, required};

const COUNT: Value = Value::Whole(1, 1_000_000);

pub(crate) static BLOB_STORE: Table = Table {
    place: "blob_stores.NAME",
    fields: &[
        required(
            "url",
            Value::Url,
            "scheme, host, and a path with `{digest}` or `{encoded}` in it",
        ),
        optional("cluster", Value::Text, "an Envoy cluster of your own that reaches it"),
        optional("tls", Value::Fields(&TLS), "how its certificate is verified"),
        optional("probe", Value::Fields(&PROBE), "how it is asked whether it has a blob"),
    ],
};

pub(crate) static PROBE: Table = Table {
    place: "blob_stores.NAME.probe",
    fields: &[
        optional("present", Value::Time, "how long it is remembered that a blob is there"),
        optional("absent", Value::Time, "how long it is remembered that a blob is not there"),
        optional("recheck", Value::Time, "after which silence a store is asked whether it is well"),
        optional("timeout", Value::Time, "how long one question may take"),
        optional("entries", COUNT, "how many blobs each worker remembers"),
    ],
};
