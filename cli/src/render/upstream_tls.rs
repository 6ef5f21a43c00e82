//! TLS towards a backend, its certificate always verified.

use std::net::IpAddr;

use portolan_core::config::Tls;
use serde_json::{Map, Value, json};

use super::typed::extension;

/// Envoy verifies nothing unless it is told both whom to trust and which name to look for: a
/// validation context without the name takes any certificate of any site.
pub(super) fn transport_socket(tls: &Tls, system_certificates: &str) -> Value {
    let mut fields = Map::new();
    // An address is not sent as a server name (RFC 6066 section 3).
    if tls.server_name.parse::<IpAddr>().is_err() {
        fields.insert("sni".to_owned(), tls.server_name.as_str().into());
    }
    fields.insert(
        "common_tls_context".to_owned(),
        json!({
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "validation_context": validation(tls, system_certificates),
        }),
    );
    extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        Value::Object(fields),
    )
}

/// `system_root_certs` is a field of the message, but one that only gRPC reads: with it and
/// nothing else Envoy verifies nothing. So the system's certificates are a file like any other.
fn validation(tls: &Tls, system_certificates: &str) -> Value {
    let (san_type, name) = match tls.server_name.parse::<IpAddr>() {
        Ok(address) => ("IP_ADDRESS", address.to_string()),
        Err(_) => ("DNS", tls.server_name.clone()),
    };
    json!({
        "trusted_ca": {"filename": tls.ca_file.as_deref().unwrap_or(system_certificates)},
        "match_typed_subject_alt_names": [{"san_type": san_type, "matcher": {"exact": name}}],
    })
}
