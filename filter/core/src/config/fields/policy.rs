//! The fields of the policy itself, of regions, and of `clients`.

use crate::config::backend::fields::BACKEND;
use crate::config::blob_store::fields::BLOB_STORE;
use crate::config::budget::{CLASSES, EACH_WORDS};
use crate::config::cache::fields::CACHE;
use crate::config::fields::access::CREDENTIAL;
use crate::config::fields::table::{Field, Table, Value, optional, required};
use crate::config::front::fields::FRONT;
use crate::config::rule::fields::RULE;

/// The whole policy.
pub static POLICY: Table = Table {
    place: "",
    fields: &[
        required("version", Value::Version, "the version of the format: 1"),
        required("fronts", Value::ByName(&Value::Fields(&FRONT)), "public hostnames, by name"),
        optional("backends", Value::ByName(&Value::Fields(&BACKEND)), "registries, by name"),
        optional(
            "blob_stores",
            Value::ByName(&Value::Fields(&BLOB_STORE)),
            "buckets that hold blobs by digest, by name",
        ),
        optional(
            "caches",
            Value::ByName(&Value::Fields(&CACHE)),
            "nodes that keep content by digest near the clients of a region, by name",
        ),
        optional(
            "credentials",
            Value::ByName(&Value::Fields(&CREDENTIAL)),
            "the proxy's own credentials, by name",
        ),
        required(
            "regions",
            Value::ByName(&Value::Fields(&REGION)),
            "groups of clients, by name; `default` must be one of them",
        ),
        optional(
            "networks",
            Value::ByText(&Value::List(&Value::Text)),
            "address prefixes, by label such as `aws:eu-west-1`",
        ),
        NETWORK_FILES,
        INCLUDE,
        optional(
            "networks_published",
            Value::ByText(&Value::Text),
            "of which day the networks of each source are, such as `2026-07-29`",
        ),
        optional(
            "clients",
            Value::Fields(&CLIENTS),
            "how Envoy and the filter learn who and where a client is",
        ),
        optional(
            "rules",
            Value::Items(&Value::Fields(&RULE)),
            "which repositories are served from where, in order",
        ),
        optional(
            "cluster_fingerprints",
            Value::Flag,
            "true: clusters have names that say what they connect to; `portolan render` writes it",
        ),
        optional(
            "fills_caches",
            Value::Flag,
            "true: this filter answers the nodes of caches and nobody else; `portolan render` writes it",
        ),
    ],
};

const NETWORK_FILES: Field = optional(
    "network_files",
    Value::List(&Value::Text),
    "files with more `networks`, relative to the policy; the command line reads them",
);

const INCLUDE: Field = optional(
    "include",
    Value::List(&Value::Text),
    "files and directories with more parts of the policy, relative to it; the command line reads them",
);

pub(crate) static REGION: Table = Table {
    place: "regions.NAME",
    fields: &[
        optional("countries", Value::List(&Value::Text), "ISO 3166-1 codes of two letters, `US`"),
        optional("subdivisions", Value::List(&Value::Text), "ISO 3166-2 codes, `US-CA`"),
        optional("continents", Value::List(&Value::Text), "AF, AN, AS, EU, NA, OC or SA"),
        optional("networks", Value::List(&Value::Text), "address prefixes, IPv4 or IPv6"),
        optional(
            "labels",
            Value::List(&Value::TextOrNothing),
            "labels of `networks`; `aws:eu-*` means all that start so",
        ),
        optional("drained", Value::Flag, "true: its clients are served as those of `default`"),
    ],
};

pub(crate) static CLIENTS: Table = Table {
    place: "clients",
    fields: &[
        optional(
            "trusted_hops",
            Value::Whole(0, 16),
            "how many of your own proxies append to X-Forwarded-For in front of Envoy",
        ),
        optional(
            "trusted_proxies",
            Value::List(&Value::Text),
            "prefixes of proxies whose X-Forwarded-For is believed, or labels of `networks`",
        ),
        optional(
            "proxy_protocol",
            Value::List(&Value::Text),
            "prefixes of balancers that begin each connection with the PROXY protocol, or labels of `networks`",
        ),
        optional("geo", Value::Fields(&GEO), "where a client is"),
        optional(
            "limits",
            Value::Fields(&CLIENT_LIMITS),
            "how many requests the clients of one network may make",
        ),
        optional(
            "refused",
            Value::List(&Value::Fields(&REFUSED)),
            "requests that are refused, with a reason that clients show",
        ),
    ],
};

pub(crate) static REFUSED: Table = Table {
    place: "clients.refused[]",
    fields: &[
        optional(
            "networks",
            Value::List(&Value::Text),
            "those from these prefixes, or labels of `networks`",
        ),
        optional(
            "user_agents",
            Value::List(&Value::Text),
            "those whose `User-Agent` is one of these globs, such as `curl/*`; upper and lower case are the same",
        ),
        optional(
            "images",
            Value::List(&Value::Text),
            "those for these images: `team/**`, `team/app:1.*`, `**@sha256:…`",
        ),
        required("reason", Value::Text, "why, in one line that clients show"),
    ],
};

pub(crate) static CLIENT_LIMITS: Table = Table {
    place: "clients.limits",
    fields: &[
        optional(
            "networks",
            Value::Items(&Value::Fields(&NETWORK_LIMIT)),
            "the limits of networks; a request has to be within each",
        ),
        optional(
            "budgets",
            Value::Items(&Value::Fields(&BUDGET)),
            "how many requests of a kind are carried; a request has to be within each that is about it",
        ),
        optional(
            "except",
            Value::List(&Value::Text),
            "prefixes of clients that are not limited, or labels of `networks`",
        ),
        optional(
            "entries",
            Value::Whole(1, 1_000_000),
            "how many networks are remembered for each limit: 100000 if left out",
        ),
    ],
};

const REQUESTS: Field = required("requests", Value::Whole(1, 1_000_000), "how many requests");

const PER: Field = required("per", Value::Time, "in how long a time, such as `1m`; at least `1s`");

const BURST: Field = optional(
    "burst",
    Value::Whole(1, 1_000_000),
    "how many at once, where none came before: `requests` if left out",
);

pub(crate) static BUDGET: Table = Table {
    place: "clients.limits.budgets[]",
    fields: &[
        REQUESTS,
        PER,
        BURST,
        optional("fronts", Value::List(&Value::Text), "those through one of these fronts"),
        optional(
            "classes",
            Value::List(&Value::Words(CLASSES)),
            "those of one of these classes, by the words of the access log",
        ),
        optional("regions", Value::List(&Value::Text), "those of clients of one of these regions"),
        optional(
            "backends",
            Value::List(&Value::Text),
            "those that one of these backends is asked first",
        ),
        optional(
            "each",
            Value::List(&Value::Words(EACH_WORDS)),
            "what each value of has a budget of its own; one for all if left out",
        ),
    ],
};

pub(crate) static NETWORK_LIMIT: Table = Table {
    place: "clients.limits.networks[]",
    fields: &[
        REQUESTS,
        PER,
        BURST,
        optional(
            "ipv4",
            Value::Whole(8, 32),
            "the length of the IPv4 prefix whose clients share it: 32 if left out",
        ),
        optional(
            "ipv6",
            Value::Whole(16, 128),
            "the length of the IPv6 prefix whose clients share it: 64 if left out",
        ),
    ],
};

pub(crate) static GEO: Table = Table {
    place: "clients.geo",
    fields: &[
        optional("database", Value::Text, "the path of an .mmdb file for Envoy's geoip filter"),
        optional(
            "headers",
            Value::Fields(&GEO_HEADERS),
            "headers that the trusted proxies set, in place of a database",
        ),
    ],
};

pub(crate) static GEO_HEADERS: Table = Table {
    place: "clients.geo.headers",
    fields: &[
        optional("country", Value::Text, "the header with the country, such as `cf-ipcountry`"),
        optional("subdivision", Value::Text, "the header with the subdivision"),
        optional("continent", Value::Text, "the header with the continent"),
    ],
};
