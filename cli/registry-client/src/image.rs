//! An image: its manifests, configurations and layers.

use portolan_core::grammar::Digest;

use super::fault::Fault;
use super::manifest::{self, Entry, Layer, Manifest, Platform};
use super::registry::Visit;

/// An image of one platform, as a registry has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Image {
    /// The digest that the tag means: of a list, or of the manifest.
    pub tag: String,
    /// The digest of the manifest.
    pub manifest: Digest<'static>,
    /// Its configuration, which a client pulls before the layers; of no use to whoever measures.
    pub config: Option<Layer>,
    /// Its layers, from the lowest to the highest, each once.
    pub layers: Vec<Layer>,
}

/// Finds out what the tag means and what the platform's image consists of.
///
/// # Errors
///
/// The registry has no such tag, or the image no such platform.
pub fn find(visit: &Visit<'_>, platform: &Platform) -> Result<Image, Fault> {
    let found = visit.resolve_tag()?;
    let digest = Digest::parse(found.digest.as_bytes()).map(Digest::into_owned);
    let digest = digest.ok_or_else(|| unusable(&found.digest, "has no usable digest"))?;
    let (manifest, config, layers) = match read(&digest, &found.body)? {
        Manifest::Image(layers) => (digest, manifest::config(&found.body), layers),
        Manifest::List(entries) => member(visit, &entries, platform)?,
    };
    Ok(Image { tag: found.digest, manifest, config, layers })
}

/// The largest layer; none of an image without layers.
#[must_use]
pub fn largest(layers: &[Layer]) -> Option<&Layer> {
    layers.iter().max_by_key(|layer| layer.size)
}

fn member(
    visit: &Visit<'_>,
    entries: &[Entry],
    platform: &Platform,
) -> Result<(Digest<'static>, Option<Layer>, Vec<Layer>), Fault> {
    let digest = manifest::choose(entries, platform).ok_or_else(|| {
        let there = manifest::platforms(entries);
        Fault::new(format_args!(
            "the image is not there for {platform}, only for {there}; see `--platform`"
        ))
    })?;
    let body = visit.manifest(digest)?;
    match read(digest, &body)? {
        Manifest::Image(layers) => Ok((digest.clone(), manifest::config(&body), layers)),
        Manifest::List(_) => Err(unusable(digest.as_str(), "is a list in a list")),
    }
}

fn read(digest: &Digest<'_>, body: &[u8]) -> Result<Manifest, Fault> {
    manifest::read(body).map_err(|why| unusable(digest.as_str(), &why))
}

fn unusable(digest: &str, why: &str) -> Fault {
    Fault::new(format_args!("the manifest {digest} {why}"))
}
