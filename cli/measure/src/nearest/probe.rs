//! One backend, asked as a client asks that has not pulled before.

use std::time::{Duration, Instant};

use portolan_core::config::{Backend, BackendUrl, Config};
use portolan_registry_client::content::discard_body;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::{Ask, Client, ClientOptions, without_query};
use portolan_registry_client::image::{self, Image};
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::login;
use portolan_registry_client::manifest::Platform;
use portolan_registry_client::peer::{PeerCertificate, trust};
use portolan_registry_client::registry::{Registry, ping};

/// How long the steps of a pull took, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Times {
    /// Until there was a connection, and the ping was answered on it.
    pub(super) ping: f64,
    /// The manifest by its digest; zero where no image is asked for.
    pub(super) manifest: f64,
    /// The first bytes of a layer, redirects included; zero where no image is asked for.
    pub(super) first_bytes: f64,
}

impl Times {
    /// All of it: what a client waits for.
    pub(super) fn total(self) -> f64 {
        self.ping + self.manifest + self.first_bytes
    }
}

/// What is pulled to measure how fast a registry sends.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The image, by the policy's name.
    pub(super) image: ImageName,
    /// Whose image of a list.
    pub(super) platform: Platform,
    /// How many of the bytes of its largest layer.
    pub(super) bytes: u64,
}

/// A backend that is asked again and again.
#[derive(Debug)]
pub(super) struct Probe {
    url: BackendUrl,
    options: ClientOptions,
    pulled: Option<Pulled>,
}

/// The sample in this backend.
#[derive(Debug)]
struct Pulled {
    registry: Registry,
    sample: Sample,
    /// What the image consists of, once that is known.
    image: Option<Image>,
}

impl Probe {
    /// Nothing is asked yet.
    ///
    /// # Errors
    ///
    /// A file that the policy names cannot be used, or the backend cannot have an image of this
    /// name.
    pub(super) fn new(
        config: &Config,
        backend: &Backend,
        sample: Option<&Sample>,
        timeout: Duration,
    ) -> Result<Self, String> {
        let said = |fault: Fault| format!("backend {}: {fault}", backend.name());
        let trust = trust(backend.tls(), &PeerCertificate::default()).map_err(said)?;
        let options = ClientOptions { trust, timeout, uses_proxy: false };
        let pulled = sample.map(|sample| -> Result<Pulled, String> {
            let image = there(backend, &sample.image)?;
            let login = login::of_backend(config, backend).map_err(said)?;
            let registry = Registry::new(backend.url().clone(), image, login, options.clone());
            Ok(Pulled { registry, sample: sample.clone(), image: None })
        });
        Ok(Self { url: backend.url().clone(), pulled: pulled.transpose()?, options })
    }

    /// Asks once, over a connection of its own.
    ///
    /// # Errors
    ///
    /// It does not answer, or has no such image.
    pub(super) fn walk(&mut self) -> Result<Times, Fault> {
        match &mut self.pulled {
            Some(pulled) => pulled.walk(),
            None => Ok(Times { ping: pinged(&self.url, &self.options)?, ..Times::default() }),
        }
    }
}

impl Pulled {
    /// What stays the same is found out once, and takes none of the time that is measured: the
    /// client's token, and what the image consists of.
    fn walk(&mut self) -> Result<Times, Fault> {
        let image = match self.image.take() {
            Some(image) => image,
            None => image::find(&self.registry.client()?, &self.sample.platform)?,
        };
        let (visit, ping) = timed(|| self.registry.connected_client())?;
        let ((), manifest) = timed(|| visit.manifest(&image.manifest).map(drop))?;
        let ((), first_bytes) = timed(|| match image::largest(&image.layers) {
            Some(layer) => {
                let content = visit.begin_blob(&layer.digest)?.into_reader();
                discard_body(content, self.sample.bytes).map(drop)
            }
            None => Ok(()),
        })?;
        self.image = Some(image);
        Ok(Times { ping, manifest, first_bytes })
    }
}

/// What something gave, and after how many seconds.
fn timed<T>(what: impl FnOnce() -> Result<T, Fault>) -> Result<(T, f64), Fault> {
    let begun = Instant::now();
    let found = what()?;
    Ok((found, begun.elapsed().as_secs_f64()))
}

/// What the backend calls an image.
fn there(backend: &Backend, image: &ImageName) -> Result<ImageName, String> {
    let there = format!("{}:{}", backend.names().to_backend(image.repository()), image.tag());
    there.parse().map_err(|_| format!("{} cannot have {there}", backend.name()))
}

/// How long a registry takes to be reached and to say that it is one: 401 is how it greets who has
/// not signed in.
fn pinged(url: &BackendUrl, options: &ClientOptions) -> Result<f64, Fault> {
    let begun = Instant::now();
    let answer = Client::new(options).send(&Ask::get(ping(url)?))?;
    let took = begun.elapsed().as_secs_f64();
    if answer.status < 500 {
        return Ok(took);
    }
    Err(Fault::new(format_args!("{} answered {}", without_query(&answer.url), answer.status)))
}
