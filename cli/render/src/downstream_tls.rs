//! TLS towards clients.

use serde_json::{Value, json};

use super::secret::{Secret, SecretFiles};
use super::typed::extension;

/// The `transport_socket` of the listener; nothing where no front has a certificate.
///
/// One connection manager serves all fronts, so there is one filter chain with all their
/// certificates; Envoy shows the one that has the name that a client asks for (SNI), or the first.
/// Whom a request is for is decided by its authority alone, whatever the name was: a client gets
/// nothing by asking for another certificate than it uses.
pub(super) fn transport(certificates: &[Secret], files: SecretFiles<'_>) -> Value {
    if certificates.is_empty() {
        return Value::Null;
    }
    json!({"transport_socket": extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        context(certificates, files, &["h2", "http/1.1"]),
    )})
}

/// The `transport_socket` where whoever connects has to show a certificate of an authority, too.
pub(super) fn mutual(certificate: &Secret, authority: &Secret, files: SecretFiles<'_>) -> Value {
    json!({"transport_socket": extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        json!({
            "require_client_certificate": true,
            "common_tls_context": {
                "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
                "alpn_protocols": ["http/1.1"],
                "tls_certificate_sds_secret_configs": [certificate.reference(files)],
                "validation_context_sds_secret_config": authority.reference(files),
            },
        }),
    )})
}

/// The certificates of all fronts, and the protocols that are spoken behind them (ALPN, RFC 7301).
pub(super) fn context(
    certificates: &[Secret],
    files: SecretFiles<'_>,
    protocols: &[&str],
) -> Value {
    let certificates = certificates.iter().map(|secret| secret.reference(files));
    let certificates: Vec<Value> = certificates.collect();
    json!({"common_tls_context": {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": protocols,
        "tls_certificate_sds_secret_configs": certificates,
    }})
}
