//! The `EnvoyPatchPolicy`: changes of what Envoy Gateway would tell Envoy, as JSON patches (RFC
//! 6902).
//!
//! Envoy Gateway's connection manager normalises paths always, and takes no filters but its own. So
//! ours is put in its place; what it knows of the module, which it serves to its pods at an address
//! that nobody else knows, is copied over first. A patch that does not fit is told in the policy's
//! status, and leaves a filter without a module: Envoy refuses that, and the gateway stays as it
//! was.

use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::module::Module;
use super::object::{EXTENSIONS, NAME, Names, object};
use crate::filter::DECIDES;
use crate::targets::files::name_of;

const LISTENER: &str = "type.googleapis.com/envoy.config.listener.v3.Listener";
const CLUSTER: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
/// The message of a filter of ours.
pub(super) const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

/// The policy that makes of the gateway's listener ours, and adds our clusters.
pub(super) fn policy(whole: &Value, names: &Names<'_>, module: &Module) -> Value {
    let mut patches: Vec<Value> = static_resources(whole, "clusters")
        .filter(|cluster| !name_of(cluster).starts_with(clusters::INTERNAL))
        .map(added)
        .collect();
    let ours = static_resources(whole, "listeners").next();
    patches.extend(ours.into_iter().flat_map(|listener| of_listener(listener, names, module)));
    let spec = json!({
        "targetRef": {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": NAME},
        "type": "JSONPatch",
        "jsonPatches": patches,
    });
    object(names, EXTENSIONS, "EnvoyPatchPolicy", &spec)
}

fn static_resources<'w>(whole: &'w Value, kind: &str) -> impl Iterator<Item = &'w Value> {
    let all = whole.pointer(&format!("/static_resources/{kind}")).and_then(Value::as_array);
    all.into_iter().flatten()
}

fn added(cluster: &Value) -> Value {
    let operation = json!({"op": "add", "path": "", "value": cluster});
    json!({"type": CLUSTER, "name": name_of(cluster), "operation": operation})
}

/// Our connection manager comes before Envoy Gateway's, takes what it needs of it, and is then
/// alone.
fn of_listener(listener: &Value, names: &Names<'_>, module: &Module) -> Vec<Value> {
    let chain = names.filter_chain();
    let Some(filter) = listener.pointer("/filter_chains/0/filters/0") else { return Vec::new() };
    let mut operations =
        vec![json!({"op": "add", "path": format!("{chain}/filters/0"), "value": filter})];
    operations.extend(copies(filter, chain, module));
    operations.push(json!({"op": "remove", "path": format!("{chain}/filters/1")}));
    for field in ["per_connection_buffer_limit_bytes", "listener_filters_timeout"] {
        let value = listener.get(field);
        operations.push(json!({"op": "add", "path": format!("/{field}"), "value": value}));
    }
    let handshake = listener.pointer("/filter_chains/0/transport_socket_connect_timeout");
    let path = format!("{chain}/transport_socket_connect_timeout");
    operations.push(json!({"op": "add", "path": path, "value": handshake}));
    if !names.has_tls() {
        // With TLS there is an inspector already, which waits for the first bytes as well.
        let inspectors = listener.get("listener_filters");
        operations.push(json!({"op": "add", "path": "/listener_filters", "value": inspectors}));
    }
    let name = names.listener();
    let of_listener = |operation| json!({"type": LISTENER, "name": name, "operation": operation});
    operations.into_iter().map(of_listener).collect()
}

/// What filters of ours have from the one of the `EnvoyExtensionPolicy`: all of them the module,
/// the one that decides the policy too.
fn copies(manager: &Value, chain: &str, module: &Module) -> Vec<Value> {
    if matches!(module, Module::File(_)) {
        return Vec::new();
    }
    let filters = manager.pointer("/typed_config/http_filters").and_then(Value::as_array);
    let of_filter = |(number, filter): (usize, &Value)| {
        let copied: &[&str] = match filter.pointer("/typed_config/@type").and_then(Value::as_str) {
            Some(WASM) if name_of(filter) == DECIDES => &["vm_config/code", "configuration"],
            Some(WASM) => &["vm_config/code"],
            _ => &[],
        };
        let part = |manager: u8, number: usize, field: &str| {
            format!(
                "{chain}/filters/{manager}/typed_config/http_filters/{number}/typed_config/config/{field}"
            )
        };
        let copy = |field: &&str| json!({"op": "copy", "from": part(1, 0, field), "path": part(0, number, field)});
        copied.iter().map(copy).collect::<Vec<_>>()
    };
    filters.into_iter().flatten().enumerate().flat_map(of_filter).collect()
}

/// Whether attempts pass the filter.
pub(super) fn attempts(whole: &Value) -> bool {
    const FILTERS: &str = "/filter_chains/0/filters/0/typed_config/http_filters";
    let ours = static_resources(whole, "listeners").next();
    let filters = ours.and_then(|listener| listener.pointer(FILTERS)).and_then(Value::as_array);
    let of_attempts =
        |filter: &Value| filter.pointer("/typed_config/upstream_http_filters").is_some();
    filters.into_iter().flatten().any(of_attempts)
}
