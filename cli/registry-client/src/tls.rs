//! TLS, with the authorities that the system trusts.

use std::fmt;
use std::io::{Read, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ureq::Error;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout, Transport,
    TransportAdapter,
};

use super::authorities;
use super::fault::Fault;

/// Whom TLS believes, and whose name it wants to see.
#[derive(Clone)]
pub struct Trust {
    config: Arc<ClientConfig>,
    /// The name in the certificate, where it is not the URL's host.
    name: Option<String>,
}

impl Trust {
    /// The authorities of the system, or of the file and directory that `SSL_CERT_FILE` and
    /// `SSL_CERT_DIR` name, as for curl and for Go's programs.
    ///
    /// Sessions are never resumed: a client that begins a pull has none to resume, so a second
    /// handshake must cost what the first did.
    ///
    /// # Errors
    ///
    /// Not on any system: the versions of TLS do not suit the cryptography.
    pub fn of_the_system() -> Result<Self, Fault> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(authorities::of_the_system());
        let builder = ClientConfig::builder_with_provider(Arc::new(default_provider()));
        let builder = builder.with_safe_default_protocol_versions().map_err(Fault::new)?;
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.resumption = Resumption::disabled();
        Ok(Self::of(config, None))
    }

    /// By a configuration of TLS that is made elsewhere; `name` is the one in the certificate,
    /// where it is not the URL's host.
    #[must_use]
    pub fn of(config: ClientConfig, name: Option<String>) -> Self {
        Self { config: Arc::new(config), name }
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Trust")
    }
}

/// The link in the chain of connectors that speaks TLS where the URL says `https`.
#[derive(Debug)]
pub(super) struct TlsConnector(pub(super) Trust);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        match chained {
            Some(transport) if details.needs_tls() && !transport.is_tls() => {
                self.shake_hands(details, transport).map(|tls| Some(Either::B(tls)))
            }
            other => Ok(other.map(Either::A)),
        }
    }
}

impl TlsConnector {
    fn shake_hands(
        &self,
        details: &ConnectionDetails,
        transport: impl Transport,
    ) -> Result<TlsTransport, Error> {
        let host = self.0.name.as_deref().or(details.uri.host()).unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name =
            ServerName::try_from(host).map_err(|_| Error::Tls("the host has no valid name"))?;
        let mut connection =
            ClientConnection::new(Arc::clone(&self.0.config), name).map_err(other)?;
        let mut socket =
            TransportAdapter::new(transport.boxed(), Arc::clone(&details.current_time));
        socket.set_timeout(details.timeout);
        connection.complete_io(&mut socket)?;
        let config = details.config;
        let buffers = LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size());
        Ok(TlsTransport { buffers, stream: StreamOwned::new(connection, socket) })
    }
}

fn other(error: rustls::Error) -> Error {
    Error::Other(Box::new(error))
}

/// A connection with TLS on it.
pub(super) struct TlsTransport {
    buffers: LazyBuffers,
    stream: StreamOwned<ClientConnection, TransportAdapter>,
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.sock.set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.stream.write_all(output)?;
        Ok(())
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.sock.set_timeout(timeout);
        let count = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(count);
        Ok(count > 0)
    }

    fn is_open(&mut self) -> bool {
        self.stream.sock.get_mut().is_open()
    }

    fn is_tls(&self) -> bool {
        true
    }
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TLS over {:?}", self.stream.sock.inner())
    }
}
