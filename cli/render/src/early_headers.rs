//! Headers that are removed from a request before any filter reads it.

use portolan_core::contract::headers;
use serde_json::{Value, json};

use super::model::client_address::ForwardedFor;
use super::model::client_headers::{ClientHeaders, Peer};
use super::{forwarded_for, typed};

/// Removes every header by which a client could speak in Envoy's or the filter's name.
///
/// Envoy's geoip filter overwrites `x-geo-country` only if it finds the address, so a client
/// that it does not find could say where it is. `x-portolan-cluster` chooses the cluster;
/// `x-envoy-*` retries, timeouts and the path that the access log shows. This runs before every
/// filter and once, unlike a filter that removes them.
pub(super) fn extension(headers: &ClientHeaders, forwarded: ForwardedFor<'_>) -> Value {
    let removed = headers
        .removed_first
        .iter()
        .map(|prefix| json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}}));
    let mutations: Vec<Value> =
        removed.chain(headers.peer.map(peer)).chain(forwarded_for::mutation(forwarded)).collect();
    typed::extension(
        "envoy.http.early_header_mutation.header_mutation",
        "extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation",
        json!({"mutations": mutations}),
    )
}

/// Whose word the geo headers are, in a header of the filter's own.
fn peer(peer: Peer) -> Value {
    let address = match peer {
        Peer::Connected => "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
        Peer::NamedByBalancer => "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
    };
    json!({"append": {
        "header": {
            "key": headers::PEER,
            "value": address,
        },
        "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
    }})
}
