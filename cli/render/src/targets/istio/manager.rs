//! Our connection manager in the place of Istio's.
//!
//! A patch can only merge, and a merge cannot switch off what Istio switches on: its own normalises
//! paths, lets clients change to websockets, and has no early removal of headers. So it is replaced
//! as a whole.

use portolan_core::contract::headers;
use serde_json::{Value, json};

use super::arguments::Level;
use super::filter::{DENIES_ALL, Delivery};
use super::names::Names;
use super::patch::Patches;
use crate::model::time_limits::{TimeLimits, written};
use crate::targets::files::{DECIDES, MANAGER, Parts, name_of};
use crate::typed::extension;

/// The name by which Istio and Envoy know it.
const FILTER: &str = "envoy.filters.network.http_connection_manager";

/// Adds the patches of the listener. The filters of attempts that it has are to be delivered.
pub(super) fn add(
    patches: &mut Patches<'_>,
    parts: &Parts,
    names: &Names,
    level: Level,
    time_limits: TimeLimits,
    delivery: &mut Delivery<'_>,
) {
    let Some(listener) = parts.listeners.first() else { return };
    let whole = json!({
        "per_connection_buffer_limit_bytes": listener.get("per_connection_buffer_limit_bytes"),
        "listener_filters_timeout": listener.get("listener_filters_timeout"),
    });
    patches.listener("LISTENER", json!({}), "MERGE", &whole);
    let inspector = listener.pointer("/listener_filters/0").filter(|_| !names.has_tls());
    if let Some(inspector) = inspector {
        // With TLS Istio has an inspector of its own, which also waits for the first bytes.
        patches.listener("LISTENER_FILTER", json!({}), "INSERT_FIRST", inspector);
    }
    let handshake = listener.pointer("/filter_chains/0/transport_socket_connect_timeout");
    let handshake = json!({"transport_socket_connect_timeout": handshake});
    patches.listener("FILTER_CHAIN", json!({}), "MERGE", &handshake);
    let Some(mut manager) = listener.pointer(MANAGER).cloned() else { return };
    adapt(&mut manager, names);
    for filter in filters(&mut manager) {
        delivery.of_attempts(filter, "/typed_config/upstream_http_filters");
    }
    if level == Level::Plugin {
        adapt_to_plain_routes(&mut manager, time_limits);
    }
    let is_manager = json!({"filterChain": {"filter": {"name": FILTER}}});
    let value = json!({"name": FILTER, "typed_config": manager});
    patches.listener("NETWORK_FILTER", is_manager, "REPLACE", &value);
}

/// Routes and the filter that decides have the names that Istio gives them.
fn adapt(manager: &mut Value, names: &Names) {
    if let Some(name) = manager.pointer_mut("/rds/route_config_name") {
        *name = names.routes().into();
    }
    for filter in filters(manager) {
        if name_of(filter) == DECIDES {
            put(filter, "name", names.deciding_filter());
            if let Some(types) =
                filter.pointer_mut("/config_discovery/type_urls").and_then(Value::as_array_mut)
            {
                types.push(DENIES_ALL.into());
            }
        }
    }
}

/// What stands in clusters and routes elsewhere, and has no place in a `DestinationRule` or a
/// `VirtualService`: answers that speak in the name of Envoy or the filter are silenced by the last
/// filter, and the longest time that any request may stand still is everybody's.
fn adapt_to_plain_routes(manager: &mut Value, time_limits: TimeLimits) {
    let silenced = ["x-envoy-", headers::PREFIX, "x-geo-"]
        .map(|prefix| json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}}));
    let boundary = extension(
        "portolan.answers",
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        json!({"mutations": {"response_mutations": silenced}}),
    );
    if let Some(filters) = manager.get_mut("http_filters").and_then(Value::as_array_mut) {
        let last = filters.len().saturating_sub(1);
        filters.insert(last, boundary);
    }
    let idle = time_limits.single.max(time_limits.writes);
    put(manager, "stream_idle_timeout", written(idle));
}

fn put(object: &mut Value, field: &str, text: String) {
    if let Value::Object(fields) = object {
        fields.insert(field.to_owned(), text.into());
    }
}

fn filters(manager: &mut Value) -> impl Iterator<Item = &mut Value> {
    manager.get_mut("http_filters").and_then(Value::as_array_mut).into_iter().flatten()
}
