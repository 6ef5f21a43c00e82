//! TLS of a node of a cache: its certificate, and the verification of Envoys and of fills.
//!
//! It takes connections of whoever has a certificate of the cache's authority, and shows its own;
//! it asks for fills in the same way. For its own machine it listens without TLS, at the port after
//! its own.

use std::fmt::Write as _;

use portolan_core::config::CacheTls;

/// The file that names the certificate for connections that come in.
pub(super) const CERTIFICATES: &str = "ssl_multicert.config";

/// The text of that file.
pub(super) fn certificates(tls: &CacheTls) -> String {
    let own = &tls.own;
    format!("dest_ip=* ssl_cert_name={} ssl_key_name={}\n", own.certificate_file, own.key_file)
}

/// The ports that the server listens at; Envoy speaks HTTP/1.1.
pub(super) fn ports(port: u16, family: &str) -> String {
    let own = port.checked_add(1).map(|next| format!(" {next}:ip-in=127.0.0.1"));
    format!("{port}{family}:ssl:proto=http{}", own.unwrap_or_default())
}

/// What the server's settings say. It compares no address with a certificate, so that for what is
/// asked by its address the signature has to do.
pub(super) fn records(tls: &CacheTls, fill_is_address: bool) -> String {
    let verified = if fill_is_address { "SIGNATURE" } else { "ALL" };
    let (ca, own) = (tls.ca_file.as_str(), &tls.own);
    let rows = [
        ("CA.cert.filename", ca),
        ("client.CA.cert.filename", ca),
        ("client.cert.filename", &own.certificate_file),
        ("client.private_key.filename", &own.key_file),
        // Files are named from the root on.
        ("CA.cert.path", "/"),
        ("server.cert.path", "/"),
        ("server.private_key.path", "/"),
        ("client.CA.cert.path", "/"),
        ("client.cert.path", "/"),
        ("client.private_key.path", "/"),
        ("client.verify.server.policy", "ENFORCED"),
        ("client.verify.server.properties", verified),
    ];
    let mut text = "CONFIG proxy.config.ssl.client.certification_level INT 2\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(text, "CONFIG proxy.config.ssl.{name} STRING {value}");
    }
    text
}
