//! TLS towards a backend, its certificate always verified.

use std::net::IpAddr;

use portolan_core::config::{BackendUrl, Cache, Scheme, Tls};
use serde_json::{Value, json};

use super::model::trust::Trust;
use super::secret::Secret;
use super::typed::{extension, object};

/// The `transport_socket` of a cluster for `url`; nothing for plain `http`. `name` is what the
/// files are called by that only this host has.
///
/// Envoy verifies nothing unless it is told both whom to trust and which name to look for: a
/// validation context without the name takes any certificate of any site.
pub(super) fn transport(name: &str, url: &BackendUrl, tls: &Tls, trusted: Trust<'_>) -> Value {
    if url.scheme() == Scheme::Http {
        return Value::Null;
    }
    let names = json!({"match_typed_subject_alt_names": [subject(&tls.server_name)]});
    let context = object([
        minimum(),
        own_certificate(name, tls, trusted),
        trust(name, tls.ca_file.as_deref(), names, trusted),
    ]);
    socket(server_name_indication(tls), &context)
}

/// The `transport_socket` of a cluster for the nodes of a cache, `name`; nothing without TLS. A
/// certificate is good for each of them that names one.
pub(super) fn to_nodes(name: &str, cache: &Cache, trusted: Trust<'_>) -> Value {
    let (Some(_), Some(first)) = (cache.tls(), cache.nodes().first()) else { return Value::Null };
    let tls = cache.tls_to(first);
    let subjects: Vec<Value> = cache.nodes().iter().map(|url| subject(url.host())).collect();
    let names = json!({"match_typed_subject_alt_names": subjects});
    let context = object([
        minimum(),
        own_certificate(name, &tls, trusted),
        trust(name, tls.ca_file.as_deref(), names, trusted),
    ]);
    socket(Value::Null, &context)
}

/// The `transport_socket` of a cluster that reaches hosts by the name that a request has. Which
/// name the certificate has to have is said there (`auto_san_validation`).
pub(super) fn to_any_host(name: &str, ca_file: Option<&str>, trusted: Trust<'_>) -> Value {
    socket(Value::Null, &object([minimum(), trust(name, ca_file, json!({}), trusted)]))
}

fn socket(name: Value, context: &Value) -> Value {
    json!({"transport_socket": extension(
        "envoy.transport_sockets.tls",
        "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        object([name, json!({"common_tls_context": context})]),
    )})
}

fn minimum() -> Value {
    json!({"tls_params": {"tls_minimum_protocol_version": "TLSv1_2"}})
}

/// An address is not sent as a server name (RFC 6066 section 3).
fn server_name_indication(tls: &Tls) -> Value {
    match tls.server_name.parse::<IpAddr>() {
        Ok(_) => Value::Null,
        Err(_) => json!({"sni": tls.server_name}),
    }
}

fn own_certificate(name: &str, tls: &Tls, trusted: Trust<'_>) -> Value {
    tls.client.as_ref().map_or(Value::Null, |certificate| {
        let secret = Secret::certificate(name, certificate).reference(trusted.secrets);
        json!({"tls_certificate_sds_secret_configs": [secret]})
    })
}

/// Whom to trust and, in `names`, which name to look for. A private CA is replaced while Envoy
/// runs, the system's with the system.
///
/// `system_root_certs` is a field of the message, but one that only gRPC reads: with it and
/// nothing else Envoy verifies nothing. So the system's certificates are a file like any other.
fn trust(name: &str, ca_file: Option<&str>, names: Value, trusted: Trust<'_>) -> Value {
    match ca_file {
        None => {
            let system = json!({"trusted_ca": {"filename": trusted.system_certificates}});
            json!({"validation_context": object([system, names])})
        }
        // Until Envoy has read the file no connection is made.
        Some(ca_file) => json!({"combined_validation_context": {
            "default_validation_context": names,
            "validation_context_sds_secret_config":
                Secret::authority(name, ca_file).reference(trusted.secrets),
        }}),
    }
}

fn subject(host: &str) -> Value {
    let (san_type, name) = match host.parse::<IpAddr>() {
        Ok(address) => ("IP_ADDRESS", address.to_string()),
        Err(_) => ("DNS", host.to_owned()),
    };
    json!({"san_type": san_type, "matcher": {"exact": name}})
}
