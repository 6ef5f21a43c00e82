//! The image and the layers that a benchmark pulls.

use clap::ValueEnum;
use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::image;
use portolan_registry_client::manifest::{Layer, Platform};
use portolan_registry_client::registry::{Registry, Side};

/// Which layers are downloaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Blobs {
    /// Every layer of the image.
    All,
    /// The largest one.
    Largest,
}

/// What is pulled from both sides: the same content, or the comparison would say nothing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// What the tag means at the front and at the upstream.
    pub(crate) tags: [String; 2],
    /// The manifest of the platform's image.
    pub(crate) manifest: Digest<'static>,
    /// The layers that are downloaded.
    pub(crate) layers: Vec<Layer>,
}

impl Plan {
    /// Resolves the tag at both sides. The image is what the front says; where the upstream has
    /// moved the tag since, it still has that image by its digest.
    ///
    /// # Errors
    ///
    /// One of the two has no such tag, or the image has no such platform.
    pub(crate) fn make(
        registries: &mut [Registry; 2],
        platform: &Platform,
        blobs: Blobs,
    ) -> Result<Self, Fault> {
        let [front, upstream] = registries;
        let image = front.client().and_then(|visit| image::find(&visit, platform));
        let image = image.map_err(|fault| at(Side::Front, &fault))?;
        let upstream = upstream.client().and_then(|visit| visit.resolve_tag());
        let upstream = upstream.map_err(|fault| at(Side::Upstream, &fault))?;
        let tags = [image.tag, upstream.digest];
        Ok(Self { tags, manifest: image.manifest, layers: select(image.layers, blobs) })
    }

    /// How many bytes the layers have together.
    pub(crate) fn bytes(&self) -> u64 {
        self.layers.iter().fold(0, |sum, layer| sum.saturating_add(layer.size))
    }
}

fn at(side: Side, fault: &Fault) -> Fault {
    Fault::new(format_args!("the {side}: {fault}"))
}

fn select(layers: Vec<Layer>, blobs: Blobs) -> Vec<Layer> {
    match blobs {
        Blobs::All => layers,
        Blobs::Largest => image::largest(&layers).cloned().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_selected() {
        let layer = |digit: char, size| {
            let text = format!("sha256:{}", String::from(digit).repeat(64));
            Layer { digest: Digest::parse(text.as_bytes()).unwrap().into_owned(), size }
        };
        let layers = vec![layer('1', 5), layer('2', 9), layer('3', 1)];
        assert_eq!(select(layers.clone(), Blobs::All), layers);
        assert_eq!(select(layers, Blobs::Largest), [layer('2', 9)]);
        assert_eq!(select(Vec::new(), Blobs::Largest), []);
    }
}
