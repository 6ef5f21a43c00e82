//! The names of the objects, and their common fields.

use std::net::SocketAddr;

use serde_json::{Value, json};

use super::arguments::EnvoyGatewayArgs;
use crate::targets::istio::arguments::IstioArgs;

/// The name of every object.
pub(super) const NAME: &str = "portolan";
/// The API of Envoy Gateway's own objects.
pub(super) const EXTENSIONS: &str = "gateway.envoyproxy.io/v1alpha1";
/// The API of the objects that all gateways have.
pub(super) const GATEWAYS: &str = "gateway.networking.k8s.io/v1";

/// What a person typed about the objects.
pub(crate) struct Typed<'a> {
    /// For this target.
    pub(crate) own: &'a EnvoyGatewayArgs,
    /// For gateways of both kinds.
    pub(crate) shared: &'a IstioArgs,
}

/// The names that depend on what was typed.
pub(super) struct Names<'a> {
    pub(super) typed: &'a Typed<'a>,
    pub(super) listen: SocketAddr,
}

impl Names<'_> {
    pub(super) fn namespace(&self) -> &str {
        self.typed.shared.namespace_or("portolan")
    }

    /// Whether clients connect with TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.typed.shared.tls_credential().is_some()
    }

    /// What Envoy Gateway calls the listener.
    pub(super) fn listener(&self) -> String {
        format!("{}/{NAME}/{NAME}", self.namespace())
    }

    /// Where in the listener the connection manager is: listeners with TLS tell chains by server
    /// name.
    pub(super) fn filter_chain(&self) -> &'static str {
        if self.has_tls() { "/filter_chains/0" } else { "/default_filter_chain" }
    }
}

/// An object of Kubernetes.
pub(super) fn object(names: &Names<'_>, api: &str, kind: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": api,
        "kind": kind,
        "metadata": {
            "name": NAME,
            "namespace": names.namespace(),
            "labels": {"app.kubernetes.io/name": "portolan", "app.kubernetes.io/managed-by": "portolan-render"},
        },
        "spec": spec,
    })
}
