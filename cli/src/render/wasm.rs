//! The filter itself.

use portolan_core::contract::Role;
use serde_json::{Value, json};

use super::typed::{extension, object};

/// Loads the module from `path`, as the filter `name` for one of the roles that hold no policy.
///
/// `FAIL_RELOAD`: should the filter ever stop, requests are refused until Envoy has started it
/// again, after a fraction of a second. The other policies refuse until somebody restarts Envoy, or let
/// requests pass without a decision.
pub(super) fn filter(name: &str, path: &str, role: &Role) -> Value {
    with(name, path, &configuration(role), json!({}))
}

/// Loads the module from `path`, as the filter `name` that decides by a policy.
pub(super) fn deciding(name: &str, path: &str, policy: &str) -> Value {
    with(name, path, policy, json!({}))
}

fn configuration(role: &Role) -> String {
    role.configuration().unwrap_or_default()
}

/// The name of the filter that reads forms at a token endpoint, by which its route switches it on.
pub(super) const TOKEN_FORM: &str = "portolan.token";

/// The filter for the forms of a token endpoint, switched off but where a route says otherwise.
///
/// `allow_on_headers_stop_iteration`: it is handed the body while it waits, which nobody else needs.
pub(super) fn token_form(path: &str) -> Value {
    let more = json!({"allow_on_headers_stop_iteration": true});
    let mut filter = with(TOKEN_FORM, path, &configuration(&Role::TokenForm), more);
    if let Value::Object(fields) = &mut filter {
        fields.insert("name".to_owned(), TOKEN_FORM.into());
        fields.insert("disabled".to_owned(), true.into());
    }
    filter
}

fn with(name: &str, path: &str, configuration: &str, more: Value) -> Value {
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
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": configuration,
                },
        }),
        more,
    ]);
    extension(
        "envoy.filters.http.wasm",
        "extensions.filters.http.wasm.v3.Wasm",
        json!({"config": config}),
    )
}
