//! The filter itself: a `WebAssembly` module or a native one.

use portolan_core::contract::Role;
use serde_json::{Value, json};

use super::options::{FilterFile, FilterKind};
use super::typed::{extension, object};

/// The name of the filter that decides, whatever it is to Envoy.
pub(crate) const DECIDES: &str = "envoy.filters.http.wasm";

/// The message of a `WebAssembly` filter.
pub(super) const WASM: &str = "extensions.filters.http.wasm.v3.Wasm";
/// The message of a native filter.
const MODULE: &str = "extensions.filters.http.dynamic_modules.v3.DynamicModuleFilter";

/// Loads the filter as `name` for one of the roles that hold no policy.
///
/// `FAIL_RELOAD`: should the filter ever stop, requests are refused until Envoy has started it
/// again, after a fraction of a second. The other policies refuse until somebody restarts Envoy, or
/// let requests pass without a decision.
pub(super) fn filter(name: &str, file: &FilterFile, role: &Role) -> Value {
    with(name, file, &configuration(role), json!({}))
}

/// Loads the filter as the one, `name`, that decides by a policy.
pub(super) fn deciding(name: &str, file: &FilterFile, policy: &str) -> Value {
    with(name, file, policy, json!({}))
}

fn configuration(role: &Role) -> String {
    role.configuration().unwrap_or_default()
}

/// The name of the filter that reads forms at a token endpoint, by which its route switches it on.
pub(super) const TOKEN_FORM: &str = "portolan.token";

/// The filter for the forms of a token endpoint, switched off but where a route says otherwise.
///
/// `allow_on_headers_stop_iteration`: it is handed the body while it waits, which nobody else
/// needs. The native module knows that by itself.
pub(super) fn token_form(file: &FilterFile) -> Value {
    let more = json!({"allow_on_headers_stop_iteration": true});
    let mut filter = with(TOKEN_FORM, file, &configuration(&Role::TokenForm), more);
    if let Value::Object(fields) = &mut filter {
        fields.insert("name".to_owned(), TOKEN_FORM.into());
        fields.insert("disabled".to_owned(), true.into());
    }
    filter
}

fn with(name: &str, file: &FilterFile, configuration: &str, more: Value) -> Value {
    let text = json!({
        "@type": "type.googleapis.com/google.protobuf.StringValue",
        "value": configuration,
    });
    match file.kind {
        FilterKind::Wasm => wasm(name, &file.path, &text, more),
        FilterKind::Module => extension(DECIDES, MODULE, native(name, &file.path, &text)),
    }
}

fn wasm(name: &str, path: &str, text: &Value, more: Value) -> Value {
    let config = object([
        json!({
                "name": name,
                "failure_policy": "FAIL_RELOAD",
                "reload_config": {"backoff": {"base_interval": "0.2s", "max_interval": "2s"}},
                "vm_config": {
                    "vm_id": "portolan",
                    "runtime": "envoy.wasm.runtime.v8",
                    "code": {"local": {"filename": path}},
                },
                "configuration": text,
        }),
        more,
    ]);
    extension(DECIDES, WASM, json!({"config": config}))
}

/// The native module. What it counts is called like what the stats access logger counts
/// (`metrics`).
fn native(name: &str, path: &str, text: &Value) -> Value {
    json!({
        "dynamic_module_config": {
            "name": "portolan",
            "module": {"local": {"filename": path}},
            "metrics_namespace": NAMESPACE,
        },
        "filter_name": name,
        "filter_config": text,
    })
}

/// The beginning of a name that Prometheus is not shown, as Envoy has it for filters in
/// `WebAssembly`. A native module has it by its own configuration, and where [`runtime`] says so.
const NAMESPACE: &str = "wasmcustom";

/// The switch of Envoy's by which names of metrics are the same with the native module.
pub(super) fn runtime(file: Option<&FilterFile>) -> Value {
    const STRIPS: &str = "envoy.reloadable_features.dynamic_modules_strip_custom_stat_prefix";
    match file.map(|file| file.kind) {
        Some(FilterKind::Module) => json!({"layered_runtime": {"layers": [
            {"name": "portolan", "static_layer": {STRIPS: true}},
        ]}}),
        Some(FilterKind::Wasm) | None => Value::Null,
    }
}

/// The message of the filter, for places that take nothing else.
pub(super) fn message(file: Option<&FilterFile>) -> &'static str {
    match file.map(|file| file.kind) {
        Some(FilterKind::Module) => MODULE,
        Some(FilterKind::Wasm) | None => WASM,
    }
}
