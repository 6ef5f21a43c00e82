//! The common fields of the objects.

use serde_json::{Value, json};

/// An object of Kubernetes.
pub(super) fn object(namespace: &str, api: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "portolan", "app.kubernetes.io/managed-by": "portolan-render"},
        },
        "spec": spec,
    })
}
