//! The filter itself.

use serde_json::{Value, json};

use super::typed::extension;

/// Loads the module from `path`, as the filter `name` with its own configuration.
///
/// `FAIL_RELOAD`: should the filter ever stop, requests are refused until Envoy has started it
/// again, after a fraction of a second. The other policies refuse until somebody restarts Envoy, or let
/// requests pass without a decision.
pub(super) fn filter(name: &str, path: &str, configuration: &str) -> Value {
    extension(
        "envoy.filters.http.wasm",
        "extensions.filters.http.wasm.v3.Wasm",
        json!({
            "config": {
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
            },
        }),
    )
}
