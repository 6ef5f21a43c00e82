//! The certificate authorities that this machine trusts.

use rustls::pki_types::CertificateDer;
#[cfg(target_os = "macos")]
use rustls::pki_types::pem::PemObject;

/// The authorities of the system, or of the file and directory that `SSL_CERT_FILE` and
/// `SSL_CERT_DIR` name, as for curl and for Go's programs; what cannot be read is left out.
#[cfg(not(target_os = "macos"))]
pub(crate) fn of_the_system() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

/// The authorities of the file that `SSL_CERT_FILE` names, or else of the one that macOS has for
/// programs without its keychain; none where it cannot be read.
///
/// The keychain is asked by the framework Security, which only Apple's linker libraries know: what
/// an administrator has added there is to be named by `SSL_CERT_FILE`.
#[cfg(target_os = "macos")]
pub(crate) fn of_the_system() -> Vec<CertificateDer<'static>> {
    let file = std::env::var("SSL_CERT_FILE").unwrap_or_else(|_| "/etc/ssl/cert.pem".to_owned());
    let read = CertificateDer::pem_file_iter(file);
    read.map(|all| all.filter_map(Result::ok).collect()).unwrap_or_default()
}
