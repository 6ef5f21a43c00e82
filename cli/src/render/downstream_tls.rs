//! TLS towards clients.

use portolan_core::config::Config;
use serde_json::{Value, json};

use super::options::Options;
use super::secret::Secret;
use super::typed::extension;

/// The `transport_socket` of the listener; nothing where no front has a certificate.
///
/// One connection manager serves all fronts, so there is one filter chain with all their certificates; Envoy shows
/// the one that has the name that a client asks for (SNI), or the first. Whom a request is for is decided by its
/// authority alone, whatever the name was: a client gets nothing by asking for another certificate than it uses.
pub(super) fn transport(config: &Config, options: &Options) -> Value {
    let fronts = config.fronts().all().iter();
    let secrets = fronts.filter_map(|front| Some(Secret::front(front.name(), front.tls()?)));
    let certificates: Vec<Value> = secrets.map(|secret| secret.reference(options)).collect();
    if certificates.is_empty() {
        return Value::Null;
    }
    json!({"transport_socket": extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({"common_tls_context": {
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_certificate_sds_secret_configs": certificates,
        }}),
    )})
}
