//! Clients and images that the policy refuses, whatever they would be allowed otherwise.

use super::refusal::Refusal;
use crate::client::{self, ClientFacts};
use crate::config::Config;
use crate::config::ids::RefusedId;
use crate::oci::{Endpoint, Reference, RegistryRequest};

/// What is known of who asks, as bytes that nobody has read yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asker<'a> {
    /// Who and where the client is.
    pub client: ClientFacts<'a>,
    /// The program that asks.
    pub user_agent: Option<&'a [u8]>,
}

/// Lets a request to a registry pass, or says which of `clients.refused` it is. `name` is the
/// policy's name of its repository.
///
/// # Errors
///
/// [`Refusal::OfClients`].
pub fn refuse(
    config: &Config,
    asker: &Asker<'_>,
    request: &RegistryRequest<'_>,
    name: &str,
) -> Result<(), Refusal> {
    if config.clients().refused().is_empty() {
        return Ok(());
    }
    let (tag, digest) = match &request.endpoint {
        Endpoint::Manifest { reference: Reference::Tag(tag), .. } => (Some(tag.as_str()), None),
        Endpoint::Manifest { reference: Reference::Digest(digest), .. }
        | Endpoint::Blob { digest, .. }
        | Endpoint::Referrers { digest, .. } => (None, Some(digest.as_str())),
        _ => (None, None),
    };
    let components: Vec<&str> = name.split('/').collect();
    find(config, asker, |refused| {
        refused.images().is_empty()
            || (!name.is_empty()
                && refused.images().iter().any(|image| image.matches(&components, tag, digest)))
    })
}

/// The same for a request that is about no image: for a token.
///
/// # Errors
///
/// [`Refusal::OfClients`].
pub fn refuse_client(config: &Config, asker: &Asker<'_>) -> Result<(), Refusal> {
    find(config, asker, |refused| refused.images().is_empty())
}

/// Whether content of a repository may be used from another one, by a client of which all else is
/// admitted.
pub(super) fn is_image_refused(
    config: &Config,
    asker: &Asker<'_>,
    name: &str,
    digest: &str,
) -> bool {
    let components: Vec<&str> = name.split('/').collect();
    let found = find(config, asker, |refused| {
        refused.images().iter().any(|image| image.matches(&components, None, Some(digest)))
    });
    found.is_err()
}

fn find(
    config: &Config,
    asker: &Asker<'_>,
    is_meant: impl Fn(&crate::config::Refused) -> bool,
) -> Result<(), Refusal> {
    let found = config.clients().refused().iter().position(|refused| {
        is_meant(refused)
            && refused.networks().is_none_or(|networks| client::is_in(networks, &asker.client))
            && refused.is_about_agent(asker.user_agent)
    });
    match found.and_then(|place| u32::try_from(place).ok()) {
        Some(place) => Err(Refusal::OfClients(RefusedId::new(place))),
        None => Ok(()),
    }
}
