//! The parts of Envoy's configuration that have names.

use serde_json::Value;

/// The name of a resource or of another part of Envoy's configuration.
pub fn name_of(part: &Value) -> &str {
    part.get("name").and_then(Value::as_str).unwrap_or_default()
}
