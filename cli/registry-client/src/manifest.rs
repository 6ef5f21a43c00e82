//! Manifests and lists of manifests (OCI image spec 1.1, Docker's schema 2).

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use portolan_core::grammar::Digest;
use serde::Deserialize;

/// Every type of manifest that is understood, as a client names them in `Accept`. Without them a
/// registry may convert, and answer content of another digest.
pub const ACCEPT: &str = "application/vnd.oci.image.index.v1+json, \
     application/vnd.oci.image.manifest.v1+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, \
     application/vnd.docker.distribution.manifest.v2+json";

/// Which of the images in a list: `linux/amd64`, `linux/arm64/v8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// A manifest, or a list of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Manifest {
    /// A list: an image for each platform.
    List(Vec<Entry>),
    /// One image.
    Image(Vec<Layer>),
}

/// An image in a list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    digest: Digest<'static>,
    platform: Option<Platform>,
}

/// A blob with a part of an image's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// What its bytes must have.
    pub digest: Digest<'static>,
    /// In bytes, as the manifest has it.
    pub size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireManifest {
    #[serde(default)]
    media_type: String,
    config: Option<WireDescriptor>,
    manifests: Option<Vec<WireDescriptor>>,
    layers: Option<Vec<WireDescriptor>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireDescriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    size: u64,
    platform: Option<WirePlatform>,
}

#[derive(Deserialize)]
struct WirePlatform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

/// Reads a manifest.
///
/// # Errors
///
/// What is wrong with it, to be said after whose it is.
pub(crate) fn read(body: &[u8]) -> Result<Manifest, String> {
    let wire: WireManifest = serde_json::from_slice(body)
        .map_err(|error| format!("is not the JSON of a manifest: {error}"))?;
    match (wire.manifests, wire.layers) {
        (Some(entries), None) => {
            entries.into_iter().map(entry).collect::<Result<_, _>>().map(Manifest::List)
        }
        (None, Some(layers)) => {
            let is_here = layers.iter().filter(|layer| !is_elsewhere(&layer.media_type));
            let layers = is_here.map(layer).collect::<Result<Vec<_>, _>>()?;
            Ok(Manifest::Image(each_once(layers)))
        }
        _ => Err(format!(
            "is of a type that is not understood ({:?}); name an image whose manifest is of the OCI \
             image spec or of Docker's schema 2",
            wire.media_type
        )),
    }
}

/// The blob with an image's configuration, where its manifest has one (OCI image spec 1.1, "Image
/// Manifest").
pub(crate) fn config(body: &[u8]) -> Option<Layer> {
    let wire: WireManifest = serde_json::from_slice(body).ok()?;
    layer(&wire.config?).ok()
}

/// The digest of the platform's image in a list. Without a variant any will do, the first first.
pub(crate) fn choose<'a>(entries: &'a [Entry], wanted: &Platform) -> Option<&'a Digest<'static>> {
    let is_wanted =
        |entry: &&Entry| entry.platform.as_ref().is_some_and(|found| found.will_do_for(wanted));
    entries.iter().find(is_wanted).map(|entry| &entry.digest)
}

/// The platforms of a list, as a person would name them.
pub(crate) fn platforms(entries: &[Entry]) -> String {
    let platforms = entries.iter().filter_map(|entry| entry.platform.as_ref());
    platforms.map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn entry(wire: WireDescriptor) -> Result<Entry, String> {
    let platform = wire.platform.map(|WirePlatform { os, architecture, variant }| Platform {
        os,
        architecture,
        variant,
    });
    Ok(Entry { digest: digest(&wire.digest)?, platform })
}

fn layer(wire: &WireDescriptor) -> Result<Layer, String> {
    Ok(Layer { digest: digest(&wire.digest)?, size: wire.size })
}

fn digest(text: &str) -> Result<Digest<'static>, String> {
    let digest = Digest::parse(text.as_bytes()).map(Digest::into_owned);
    digest.ok_or_else(|| format!("names {text:?}, which is no digest"))
}

/// Layers that only their maker may distribute (`nondistributable`, Docker's `foreign`) are at
/// another place than the registry.
fn is_elsewhere(media_type: &str) -> bool {
    media_type.contains("nondistributable") || media_type.contains("foreign")
}

/// The same layer may be in an image twice; a client downloads it once.
fn each_once(layers: Vec<Layer>) -> Vec<Layer> {
    let mut seen = HashSet::new();
    layers.into_iter().filter(|layer| seen.insert(layer.digest.clone())).collect()
}

impl Platform {
    fn will_do_for(&self, wanted: &Self) -> bool {
        let has_variant = wanted.variant.is_none() || wanted.variant == self.variant;
        self.os == wanted.os && self.architecture == wanted.architecture && has_variant
    }
}

impl FromStr for Platform {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let (os, architecture, variant) = match *parts {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant)),
            _ => ("", "", None),
        };
        if os.is_empty() || architecture.is_empty() || variant == Some("") {
            return Err(
                "write system and architecture, such as `linux/amd64` or `linux/arm/v7`".to_owned()
            );
        }
        Ok(Self {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.map(str::to_owned),
        })
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.os, self.architecture)?;
        self.variant.as_ref().map_or(Ok(()), |variant| write!(out, "/{variant}"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn digest_of(digit: char) -> String {
        format!("sha256:{}", String::from(digit).repeat(64))
    }

    fn read_json(value: &Value) -> Result<Manifest, String> {
        read(&serde_json::to_vec(value).unwrap())
    }

    fn list() -> Vec<Entry> {
        let row = |digit, os: &str, architecture: &str, variant: Option<&str>| json!({"digest": digest_of(digit), "size": 1, "platform": {"os": os, "architecture": architecture, "variant": variant}});
        let document = json!({"manifests": [
            {"digest": digest_of('0'), "size": 1},
            row('1', "linux", "amd64", None),
            row('2', "linux", "arm", Some("v6")),
            row('3', "linux", "arm", Some("v7")),
            row('4', "unknown", "unknown", None),
        ]});
        match read_json(&document).unwrap() {
            Manifest::List(entries) => entries,
            Manifest::Image(_) => panic!("a list"),
        }
    }

    #[test]
    fn the_platform_is_chosen() {
        let rows = [
            ("linux/amd64", Some('1'), "the first entry has no platform and is nobody's"),
            ("linux/arm", Some('2'), "any variant: the first"),
            ("linux/arm/v7", Some('3'), "this variant"),
            ("linux/arm/v8", None, "a variant that is not there"),
            ("linux/arm64", None, "an architecture that is not there"),
            ("windows/amd64", None, "another system"),
        ];
        for (wanted, digit, reason) in rows {
            let entries = list();
            let found = choose(&entries, &wanted.parse().unwrap()).map(Digest::as_str);
            assert_eq!(found, digit.map(digest_of).as_deref(), "{wanted}: {reason}");
        }
        assert_eq!(platforms(&list()), "linux/amd64, linux/arm/v6, linux/arm/v7, unknown/unknown");
    }

    #[test]
    fn the_configuration_is_a_blob_like_another() {
        let body = json!({"config": {"digest": digest_of('7'), "size": 3}, "layers": []});
        let found = config(&serde_json::to_vec(&body).unwrap()).unwrap();
        assert_eq!((found.digest.as_str(), found.size), (digest_of('7').as_str(), 3));
        assert_eq!(config(b"{\"layers\": []}"), None);
    }

    #[test]
    fn written_platforms() {
        for good in ["linux/amd64", "linux/arm/v7"] {
            assert_eq!(good.parse::<Platform>().unwrap().to_string(), good);
        }
        for bad in ["", "linux", "linux/", "/amd64", "linux/arm/", "linux/arm/v7/x"] {
            assert!(bad.parse::<Platform>().is_err(), "{bad}");
        }
    }

    #[test]
    fn layers_are_downloaded_once_and_only_from_the_registry() {
        let row = |digit, media_type: &str| json!({"digest": digest_of(digit), "size": 7, "mediaType": media_type});
        let gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
        let document = json!({"layers": [
            row('1', gzip),
            row('2', "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
            row('3', "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
            row('1', gzip),
            row('4', gzip),
        ]});
        let digest = |digit| Digest::parse(digest_of(digit).as_bytes()).unwrap().into_owned();
        let wanted = ['1', '4'].map(|digit| Layer { digest: digest(digit), size: 7 });
        assert_eq!(read_json(&document), Ok(Manifest::Image(wanted.to_vec())));
    }

    #[test]
    fn other_documents_are_refused() {
        let rows = [
            (json!([]), "not the JSON of a manifest"),
            (json!({}), "not understood"),
            (json!({"schemaVersion": 1, "fsLayers": []}), "not understood"),
            (json!({"manifests": [], "layers": []}), "not understood"),
            (json!({"layers": [{"digest": "sha256:xyz", "size": 1}]}), "no digest"),
        ];
        for (document, wanted) in rows {
            let message = read_json(&document).unwrap_err();
            assert!(message.contains(wanted), "{document}: {message}");
        }
    }
}
