//! Blobs that a store should have: those of images, or those that clients have fetched.

use std::collections::HashMap;

use portolan_core::grammar::Digest;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::image;
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::manifest::{Layer, Platform};

use super::log::Fetched;
use super::report;

/// A blob that is to be in the store, once for all repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Blob {
    /// Its digest.
    pub(super) digest: Digest<'static>,
    /// How many bytes it has, where a manifest says it.
    pub(super) size: Option<u64>,
    /// Images whose repositories have it.
    pub(super) places: Vec<ImageName>,
}

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    /// Each blob once.
    pub(super) blobs: Vec<Blob>,
    /// The images, where images were named.
    pub(super) images: Vec<report::Image>,
    /// How many blobs of a log are not to be there.
    pub(super) left_out: usize,
    known: HashMap<Digest<'static>, usize>,
}

impl Wanted {
    /// An image and what it consists of, or why that is not known.
    pub(super) fn add_image(
        &mut self,
        name: &ImageName,
        platform: &Platform,
        found: Result<image::Image, Fault>,
    ) {
        let (digest, layers, error) = match found {
            Ok(found) => {
                let layers: Vec<Layer> = found.config.into_iter().chain(found.layers).collect();
                (Some(found.tag), layers, None)
            }
            Err(fault) => (None, Vec::new(), Some(fault.to_string())),
        };
        self.images.push(report::Image {
            name: name.to_string(),
            platform: platform.to_string(),
            digest,
            blobs: layers.iter().map(|layer| layer.digest.as_str().to_owned()).collect(),
            error,
        });
        for layer in layers {
            self.add(layer.digest, Some(layer.size), name.clone());
        }
    }

    /// What clients have fetched. `place` is where its repositories are read from; `None` if what
    /// they have is not to be in the store.
    pub(super) fn add_fetched(
        &mut self,
        fetched: &Fetched,
        place: impl Fn(&super::log::Place) -> Option<ImageName>,
    ) {
        let before = self.blobs.len();
        for image in fetched.places.iter().filter_map(place) {
            self.add(fetched.digest.clone(), None, image);
        }
        if self.blobs.len() == before {
            self.left_out = self.left_out.saturating_add(1);
        }
    }

    fn add(&mut self, digest: Digest<'static>, size: Option<u64>, place: ImageName) {
        let next = self.blobs.len();
        let index = *self.known.entry(digest.clone()).or_insert(next);
        match self.blobs.get_mut(index) {
            None => self.blobs.push(Blob { digest, size, places: vec![place] }),
            Some(blob) => {
                let is_new = blob.places.iter().all(|one| one.repository() != place.repository());
                if is_new {
                    blob.places.push(place);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::log::Place;
    use super::*;

    fn digest(digit: char) -> Digest<'static> {
        let text = format!("sha256:{}", String::from(digit).repeat(64));
        Digest::parse(text.as_bytes()).unwrap().into_owned()
    }

    fn layer(digit: char, size: u64) -> Layer {
        Layer { digest: digest(digit), size }
    }

    #[test]
    fn each_blob_once_with_all_that_have_it() {
        let mut wanted = Wanted::default();
        let platform: Platform = "linux/amd64".parse().unwrap();
        let image = |layers| image::Image {
            tag: "sha256:00".to_owned(),
            manifest: digest('9'),
            config: Some(layer('0', 7)),
            layers,
        };
        for (name, layers) in [
            ("a/b:v1", vec![layer('1', 5)]),
            ("a/b:v2", vec![layer('1', 5), layer('2', 6)]),
            ("a/c:v1", vec![layer('1', 5)]),
        ] {
            wanted.add_image(&name.parse().unwrap(), &platform, Ok(image(layers)));
        }
        wanted.add_image(&"a/d".parse().unwrap(), &platform, Err(Fault::new("no such tag")));
        let found: Vec<_> = wanted
            .blobs
            .iter()
            .map(|blob| {
                let places = blob.places.iter().map(ImageName::repository).collect::<Vec<_>>();
                (blob.size, places.join(" "))
            })
            .collect();
        let of = |size, places: &str| (Some(size), places.to_owned());
        assert_eq!(found, [of(7, "a/b a/c"), of(5, "a/b a/c"), of(6, "a/b")]);
        assert_eq!(wanted.images.len(), 4);
        assert_eq!(wanted.images[3].error.as_deref(), Some("no such tag"));
    }

    #[test]
    fn left_out_images_are_counted() {
        let place = |repository: &str| Place {
            authority: "r.example".to_owned(),
            repository: repository.to_owned(),
        };
        let fetched = |digit, places: &[&str]| Fetched {
            digest: digest(digit),
            places: places.iter().map(|name| place(name)).collect(),
            times: 1,
        };
        let allowed =
            |place: &Place| place.repository.parse().ok().filter(|_| place.repository != "private");
        let mut wanted = Wanted::default();
        wanted.add_fetched(&fetched('1', &["public", "private"]), allowed);
        wanted.add_fetched(&fetched('2', &["private"]), allowed);
        assert_eq!((wanted.blobs.len(), wanted.left_out), (1, 1));
        assert_eq!(wanted.blobs[0].places.len(), 1);
    }
}
