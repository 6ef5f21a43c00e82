//! TLS towards clients.

use portolan_core::config::Config;
use serde_json::{Value, json};

use super::options::Options;
use super::secret::Secret;
use super::typed::extension;

/// Whether clients come with TLS: the fronts have certificates.
pub(super) fn is_there(config: &Config) -> bool {
    config.fronts().all().iter().any(|front| front.tls().is_some())
}

/// The `transport_socket` of the listener; nothing where no front has a certificate.
///
/// One connection manager serves all fronts, so there is one filter chain with all their certificates; Envoy shows
/// the one that has the name that a client asks for (SNI), or the first. Whom a request is for is decided by its
/// authority alone, whatever the name was: a client gets nothing by asking for another certificate than it uses.
pub(super) fn transport(config: &Config, options: &Options) -> Value {
    if !is_there(config) {
        return Value::Null;
    }
    json!({"transport_socket": extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        context(config, options, &["h2", "http/1.1"]),
    )})
}

/// The certificates of all fronts, and the protocols that are spoken behind them (ALPN, RFC 7301).
pub(super) fn context(config: &Config, options: &Options, protocols: &[&str]) -> Value {
    let fronts = config.fronts().all().iter();
    let secrets = fronts.filter_map(|front| Some(Secret::front(front.name(), front.tls()?)));
    let certificates: Vec<Value> = secrets.map(|secret| secret.reference(options)).collect();
    json!({"common_tls_context": {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": protocols,
        "tls_certificate_sds_secret_configs": certificates,
    }})
}
