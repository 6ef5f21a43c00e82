//! What is taken from a request before anything reads it.

use portolan_core::config::{Clients, Geo};
use portolan_core::contract::headers;
use serde_json::{Value, json};

use super::{forwarded_for, typed};

/// Removes every header by which a client could speak in Envoy's or the filter's name.
///
/// Envoy's geoip filter overwrites `x-geo-country` only if it finds the address, so a client
/// that it does not find could say where it is. `x-portolan-cluster` chooses the cluster;
/// `x-envoy-*` retries, timeouts and the path that the access log shows. This runs before every
/// filter and once, unlike a filter that removes them.
pub(super) fn extension(clients: &Clients) -> Value {
    let geo = clients.geo();
    let removed = prefixes(geo)
        .iter()
        .map(|prefix| json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}}));
    let mutations: Vec<Value> =
        removed.chain(peer(clients)).chain(forwarded_for::mutation(clients)).collect();
    typed::extension(
        "envoy.http.early_header_mutation.header_mutation",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        json!({"mutations": mutations}),
    )
}

/// Geo headers that proxies in front set may well be called `x-geo-country`. They stay: the
/// filter believes them only if the connection comes from such a proxy, and nobody else sets any.
const fn prefixes(geo: &Geo) -> &'static [&'static str] {
    match geo {
        Geo::Headers(_) => &[headers::PREFIX, "x-envoy-"],
        Geo::None | Geo::Database(_) => &["x-geo-", headers::PREFIX, "x-envoy-"],
    }
}

/// Whose word the geo headers are: the other end of the connection, or whom a balancer has named as that by the PROXY
/// protocol. The address that `x-forwarded-for` leads to would be the client's, and is not known yet at this point.
fn peer(clients: &Clients) -> Option<Value> {
    let address = if clients.proxy_protocol().is_empty() {
        "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%"
    } else {
        "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"
    };
    matches!(clients.geo(), Geo::Headers(_)).then(|| {
        json!({"append": {
            "header": {
                "key": headers::PEER,
                "value": address,
            },
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }})
    })
}
