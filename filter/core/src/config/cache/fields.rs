//! The fields of caches.

use crate::config::fields::table::{Table, Value, optional, required};

pub(crate) static CACHE: Table = Table {
    place: "caches.NAME",
    fields: &[
        required(
            "nodes",
            Value::Items(&Value::Url),
            "its nodes: scheme, host and port; each digest has its place at one of them",
        ),
        optional(
            "fill_from",
            Value::List(&Value::Text),
            "the prefixes that nodes ask from when they are filled: the addresses of `nodes` if left out",
        ),
        optional(
            "tls",
            Value::Fields(&CACHE_TLS),
            "what Envoys and nodes show each other, for nodes at `https`",
        ),
        optional(
            "known",
            Value::Fields(&KNOWN),
            "how it is known which repository has which content",
        ),
    ],
};

pub(crate) static CACHE_TLS: Table = Table {
    place: "caches.NAME.tls",
    fields: &[
        required("ca_file", Value::Text, "a PEM file of the CA certificates that verify the other"),
        required(
            "certificate_file",
            Value::Text,
            "a PEM file of the own certificate, of the machine that reads it, and its chain",
        ),
        required("key_file", Value::Text, "a PEM file of that certificate's key"),
    ],
};

pub(crate) static KNOWN: Table = Table {
    place: "caches.NAME.known",
    fields: &[
        optional(
            "present",
            Value::Time,
            "how long it is remembered that a repository has a digest",
        ),
        optional("absent", Value::Time, "how long it is remembered that it has not"),
        optional("timeout", Value::Time, "how long a request waits for the answer"),
        optional(
            "entries",
            Value::Whole(1, 1_000_000),
            "how many pairs of repository and digest each worker remembers",
        ),
    ],
};
