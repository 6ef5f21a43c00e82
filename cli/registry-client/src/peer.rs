//! TLS as a policy wants it for one server, and the certificate that the server showed.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use portolan_core::config::Tls;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::authorities;
use super::fault::Fault;
use super::tls::Trust;

/// The certificate that a server showed last, in DER; also one that was refused.
#[derive(Clone, Debug, Default)]
pub struct PeerCertificate(Arc<Mutex<Option<Vec<u8>>>>);

impl PeerCertificate {
    /// The certificate, if the server came so far.
    pub fn certificate(&self) -> Option<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, certificate: &CertificateDer<'_>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some(certificate.to_vec());
    }
}

/// Whom a client of this server believes: the CA file, the name and the certificate of its own that
/// the policy says; without a file the system's authorities.
///
/// # Errors
///
/// A file cannot be read, or has nothing in it.
pub fn trust(tls: &Tls, shown: &PeerCertificate) -> Result<Trust, Fault> {
    let name = (!tls.server_name.is_empty()).then(|| tls.server_name.clone());
    let verifier = verifier(roots(tls.ca_file.as_deref())?)?;
    let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(Fault::new)?;
    let verifier = Arc::new(Keeping { verifier, shown: shown.clone() });
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let mut config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = certificates(&own.certificate_file)?;
            let file = &own.key_file;
            let key = PrivateKeyDer::from_pem_file(file)
                .map_err(|error| Fault::new(format_args!("{file}: {error}")))?;
            builder.with_client_auth_cert(chain, key).map_err(Fault::new)?
        }
    };
    config.resumption = Resumption::disabled();
    Ok(Trust::of(config, name))
}

/// The certificates of a PEM file.
///
/// # Errors
///
/// It cannot be read, or has none.
pub fn certificates(file: &str) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let wrong = |error| Fault::new(format_args!("{file}: {error}"));
    let all = CertificateDer::pem_file_iter(file).map_err(wrong)?;
    let all = all.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if all.is_empty() {
        return Err(Fault::new(format_args!("{file}: there is no certificate in it")));
    }
    Ok(all)
}

fn roots(file: Option<&str>) -> Result<RootCertStore, Fault> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(match file {
        Some(file) => certificates(file)?,
        None => authorities::of_the_system(),
    });
    Ok(roots)
}

/// What checks certificates; `None` where this machine trusts nobody, so that only plain HTTP can
/// be spoken.
fn verifier(roots: RootCertStore) -> Result<Option<Arc<WebPkiServerVerifier>>, Fault> {
    if roots.is_empty() {
        return Ok(None);
    }
    let provider = Arc::new(default_provider());
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    built.map(Some).map_err(Fault::new)
}

/// Checks certificates as rustls does, and keeps what was shown.
struct Keeping {
    verifier: Option<Arc<WebPkiServerVerifier>>,
    shown: PeerCertificate,
}

impl Keeping {
    fn verifier(&self) -> Result<&WebPkiServerVerifier, Error> {
        let none = || Error::General("this machine trusts no authority".to_owned());
        self.verifier.as_deref().ok_or_else(none)
    }
}

impl fmt::Debug for Keeping {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Keeping")
    }
}

impl ServerCertVerifier for Keeping {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.shown.keep(end_entity);
        let verifier = self.verifier()?;
        verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier()?.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier().map(ServerCertVerifier::supported_verify_schemes).unwrap_or_default()
    }
}
