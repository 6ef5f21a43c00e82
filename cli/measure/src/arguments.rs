//! Arguments that both measuring commands have.

use std::io;
use std::time::Duration;

use clap::Args;
use portolan_core::config::BackendUrl;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::login::{Login, LoginArguments};
use portolan_registry_client::manifest::Platform;
use portolan_registry_client::registry::{Registry, Side};
use portolan_registry_client::tls::Trust;

/// The two registries that are compared, and how to speak to them.
#[derive(Debug, Args)]
pub(crate) struct Compared {
    /// The registry that stands in between, such as `https://registry.example.com`.
    #[arg(value_name = "FRONT", value_parser = registry_url)]
    front: BackendUrl,
    /// The registry that it stands for, such as `https://registry-1.docker.io`.
    #[arg(value_name = "UPSTREAM", value_parser = registry_url)]
    upstream: BackendUrl,
    /// The image at both, without the registry's host: `library/nginx:1.27`.
    #[arg(long, value_name = "NAME[:TAG]")]
    image: Option<ImageName>,
    /// The image at the front, if it has another name there.
    #[arg(long, value_name = "NAME[:TAG]")]
    front_image: Option<ImageName>,
    /// The image at the upstream, if it has another name there.
    #[arg(long, value_name = "NAME[:TAG]")]
    upstream_image: Option<ImageName>,
    /// Whose image of a list.
    #[arg(long, value_name = "OS/ARCHITECTURE", default_value = "linux/amd64")]
    pub(crate) platform: Platform,
    /// How many seconds an answer, or the next bytes of one, may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    login: LoginArguments,
}

/// What is compared, ready to be asked.
pub(crate) struct Sides {
    /// Where each registry is, the front first.
    pub(crate) urls: [BackendUrl; 2],
    /// The image in each; none if no image is named.
    pub(crate) registries: Option<[Registry; 2]>,
    /// How clients behave.
    pub(crate) options: ClientOptions,
}

impl Compared {
    /// Reads passwords, where there are users, and prepares both registries.
    ///
    /// # Errors
    ///
    /// There is a user without a password, or an image for one of the two alone.
    pub(crate) fn sides(&self, uses_proxy: bool) -> Result<Sides, String> {
        let images = self.images()?;
        let variable = |name: &str| std::env::var(name).ok();
        let logins = self.login.logins(variable, io::stdin().lock())?;
        let options = self.options(uses_proxy).map_err(|fault| fault.to_string())?;
        let urls = [self.front.clone(), self.upstream.clone()];
        let registries = images.map(|images| registries(&urls, images, logins, &options));
        Ok(Sides { urls, registries, options })
    }

    fn options(&self, uses_proxy: bool) -> Result<ClientOptions, Fault> {
        let timeout = Duration::from_secs(self.timeout);
        Ok(ClientOptions { trust: Trust::of_the_system()?, timeout, uses_proxy })
    }

    fn images(&self) -> Result<Option<[ImageName; 2]>, String> {
        let named = |own: &Option<ImageName>| own.as_ref().or(self.image.as_ref()).cloned();
        match (named(&self.front_image), named(&self.upstream_image)) {
            (Some(front), Some(upstream)) => Ok(Some([front, upstream])),
            (None, None) => Ok(None),
            (front, _) => {
                let missing = if front.is_none() { Side::Front } else { Side::Upstream };
                Err(format!(
                    "name the image at the {missing} too: `--image` or `--{missing}-image`"
                ))
            }
        }
    }
}

fn registries(
    urls: &[BackendUrl; 2],
    images: [ImageName; 2],
    logins: [Option<Login>; 2],
    options: &ClientOptions,
) -> [Registry; 2] {
    let [front, upstream] = urls.clone();
    let [front_image, upstream_image] = images;
    let [front_login, upstream_login] = logins;
    [
        Registry::new(front, front_image, front_login, options.clone()),
        Registry::new(upstream, upstream_image, upstream_login, options.clone()),
    ]
}

fn registry_url(text: &str) -> Result<BackendUrl, String> {
    BackendUrl::parse(text).ok_or_else(|| {
        "write a registry's URL without `/v2/`, such as `https://ghcr.io` or \
         `http://127.0.0.1:5000`: no credentials, query or fragment"
            .to_owned()
    })
}
