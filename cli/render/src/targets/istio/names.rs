//! The names of the objects.

use std::net::{IpAddr, SocketAddr};

use portolan_core::config::{Backend, Fingerprint};
use serde_json::{Map, Value, json};

use super::arguments::IstioArgs;
use super::object::object;

/// The name of every object of which there is one.
pub(super) const NAME: &str = "portolan";

/// The names that depend on what was typed.
pub(super) struct Names {
    /// Where all objects are.
    pub(super) namespace: String,
    /// The label of the gateway's pods.
    label: (String, String),
    /// Where the gateway listens.
    listen: SocketAddr,
    /// The Secret of its certificate.
    tls_credential: Option<String>,
    /// The Secret by which the filter is pulled.
    pub(super) image_pull_secret: Option<String>,
}

impl Names {
    pub(super) fn new(arguments: &IstioArgs, listen: SocketAddr) -> Self {
        let (key, value) = arguments.gateway_label();
        Self {
            namespace: arguments.namespace_or("istio-ingress").to_owned(),
            label: (key.to_owned(), value.to_owned()),
            listen,
            tls_credential: arguments.tls_credential().map(str::to_owned),
            image_pull_secret: arguments.image_pull_secret().map(str::to_owned),
        }
    }

    /// The label of the pods that are configured, as a mapping.
    pub(super) fn labels(&self) -> Value {
        let mut labels = Map::new();
        labels.insert(self.label.0.clone(), self.label.1.clone().into());
        labels.into()
    }

    /// Where the gateway listens: the port of its pods.
    pub(super) const fn port(&self) -> u16 {
        self.listen.port()
    }

    /// Whether clients connect with TLS.
    pub(super) const fn has_tls(&self) -> bool {
        self.tls_credential.is_some()
    }

    const fn port_name(&self) -> &'static str {
        if self.has_tls() { "https-portolan" } else { "http-portolan" }
    }

    /// What Istio calls the routes of the gateway (`gatewayRDSRouteName` of its model). An address
    /// that the gateway is bound to is part of it.
    pub(super) fn routes(&self) -> String {
        let port = self.port();
        let bound = self.bound().map_or_else(String::new, |address| format!(".{address}"));
        if self.has_tls() {
            format!("https.{port}.{}.{NAME}.{}{bound}", self.port_name(), self.namespace)
        } else {
            format!("http.{port}{bound}")
        }
    }

    /// The one address that the gateway listens at, unless it listens at all.
    fn bound(&self) -> Option<IpAddr> {
        Some(self.listen.ip()).filter(|address| !address.is_unspecified())
    }

    /// What Istio calls the filter of the `WasmPlugin`, since 1.30.
    pub(super) fn deciding_filter(&self) -> String {
        format!(
            "extensions.istio.io/trafficextension/{}.{NAME}~istio-translated-wasmplugin",
            self.namespace
        )
    }

    /// The `Gateway`. The filter knows which hosts are served, and refuses others in the words of
    /// the registry API.
    pub(super) fn gateway(&self) -> Value {
        let protocol = if self.has_tls() { "HTTPS" } else { "HTTP" };
        let mut server = json!({
            "port": {"number": self.port(), "name": self.port_name(), "protocol": protocol},
            "hosts": ["*"],
        });
        if let Value::Object(fields) = &mut server {
            if let Some(address) = self.bound() {
                fields.insert("bind".to_owned(), address.to_string().into());
            }
            if let Some(secret) = &self.tls_credential {
                let tls = json!({"mode": "SIMPLE", "credentialName": secret, "minProtocolVersion": "TLSV1_2"});
                fields.insert("tls".to_owned(), tls);
            }
        }
        let spec = json!({"selector": self.labels(), "servers": [server]});
        object(&self.namespace, "networking.istio.io/v1", "Gateway", NAME, &spec)
    }
}

/// The name of a backend's objects, which no other backend's are called.
pub(super) fn of_backend(backend: &Backend) -> String {
    let known = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let plain: String = backend
        .name()
        .to_ascii_lowercase()
        .chars()
        .map(|letter| if known(letter) { letter } else { '-' })
        .take(32)
        .collect();
    format!("{plain}-{}", Fingerprint::of([backend.name(), backend.key()]))
}

/// The host by which the mesh knows a backend. It is nobody's in DNS (RFC 9476): the registry's own
/// name would change how others in the mesh reach it.
pub(super) fn host_of(backend: &Backend) -> String {
    format!("{}.portolan.internal", of_backend(backend))
}
