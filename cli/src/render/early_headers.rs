//! What is taken from a request before anything reads it.

use portolan_core::config::{Clients, Geo};
use serde_json::{Value, json};

use super::typed;

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
    let mutations: Vec<Value> = removed.chain(peer(geo)).chain(without_ports(clients)).collect();
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
        Geo::Headers(_) => &["x-portolan-", "x-envoy-"],
        Geo::None | Geo::Database(_) => &["x-geo-", "x-portolan-", "x-envoy-"],
    }
}

/// Whose word the geo headers are: the other end of the connection. The address that
/// `x-forwarded-for` leads to would be the client's, and is not known yet at this point.
fn peer(geo: &Geo) -> Option<Value> {
    matches!(geo, Geo::Headers(_)).then(|| {
        json!({"append": {
            "header": {
                "key": "x-portolan-peer",
                "value": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
            },
            "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
        }})
    })
}

/// How many addresses of `x-forwarded-for` are looked at, from the last on, where proxies are trusted by
/// their networks.
const ADDRESSES: u32 = 4;
/// More hops than that are trusted by nobody.
const MOST_ADDRESSES: u32 = 8;

/// Azure's gateways write `198.51.100.7:51234` and `[2001:db8::1]:443` into `x-forwarded-for`. Envoy takes that
/// for no address, and the gateway for the client. Each step takes the brackets and the port from the last
/// address that has any. A list without a colon is left as it is: Envoy writes no empty value.
fn without_ports(clients: &Clients) -> Option<Value> {
    const HEADER: &str = "request.headers['x-forwarded-for']";
    const STEP: &str = r"^(?:(.*,\\s*|\\s*)(?:\\[([0-9a-fA-F:.]+)\\](?::[0-9]+)?|([0-9]+\\.[0-9]+\\.[0-9]+\\.[0-9]+):[0-9]+)(\\s*(?:,.*)?)|(.*))$";
    let steps = match (clients.trusted_proxies(), clients.trusted_hops()) {
        ([], 0) => return None,
        ([], hops) => hops.min(MOST_ADDRESSES),
        _ => ADDRESSES,
    };
    let step = |value: String, _| format!(r"re.extract({value}, '{STEP}', '\\1\\2\\3\\4\\5')");
    let without = (0..steps).fold(HEADER.to_owned(), step);
    let value = format!("%CEL({HEADER}.contains(':') ? {without} : '')%");
    Some(json!({"append": {
        "header": {"key": "x-forwarded-for", "value": value},
        "append_action": "OVERWRITE_IF_EXISTS",
    }}))
}
