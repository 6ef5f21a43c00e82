//! The `EnvoyFilter`: patches of what Istio would have told Envoy.

use serde_json::{Map, Value, json};

use super::names::{NAME, Names};
use super::object::object;

/// Patches, in the order in which Istio makes them.
pub(super) struct Patches<'n> {
    names: &'n Names,
    all: Vec<Value>,
}

impl<'n> Patches<'n> {
    /// None yet.
    pub(super) const fn of(names: &'n Names) -> Self {
        Self { names, all: Vec::new() }
    }

    /// Adds a cluster, or the content of a filter that is discovered.
    pub(super) fn add(&mut self, apply_to: &str, resource: Value) {
        self.push(apply_to, json!({}), "ADD", &without_type(resource));
    }

    /// Changes the listener, `more` being what of it is meant.
    pub(super) fn listener(&mut self, apply_to: &str, more: Value, operation: &str, value: &Value) {
        let mut listener = json!({"portNumber": self.names.port()});
        extend(&mut listener, more);
        self.push(apply_to, json!({"listener": listener}), operation, value);
    }

    /// Changes the routes.
    pub(super) fn routes(&mut self, apply_to: &str, operation: &str, value: Value) {
        let matched = json!({"routeConfiguration": {"name": self.names.routes()}});
        self.push(apply_to, matched, operation, &without_type(value));
    }

    fn push(&mut self, apply_to: &str, matched: Value, operation: &str, value: &Value) {
        let mut context = json!({"context": "GATEWAY"});
        extend(&mut context, matched);
        let mut patch = json!({"operation": operation});
        if operation != "REMOVE" {
            extend(&mut patch, json!({"value": value}));
        }
        self.all.push(json!({"applyTo": apply_to, "match": context, "patch": patch}));
    }

    /// The object.
    pub(super) fn object(self) -> Value {
        let spec = json!({
            "workloadSelector": {"labels": self.names.labels()},
            "configPatches": self.all,
        });
        object(&self.names.namespace, "networking.istio.io/v1alpha3", "EnvoyFilter", NAME, &spec)
    }
}

fn extend(object: &mut Value, more: Value) {
    if let (Value::Object(fields), Value::Object(more)) = (object, more) {
        fields.extend(more);
    }
}

/// A resource as a patch has it, which is said already what it is.
fn without_type(resource: Value) -> Value {
    match resource {
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(key, _)| key != "@type");
            Value::Object(kept.collect::<Map<String, Value>>())
        }
        other => other,
    }
}
