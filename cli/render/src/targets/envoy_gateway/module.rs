//! The way of the filter's module to the gateway's pods.

use serde_json::{Value, json};

use crate::typed::object as joined;

/// Where the module is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Module {
    /// A file in the gateway's pods: every filter names it.
    File(String),
    /// At a web server. Envoy Gateway fetches it and serves it to the pods.
    Http(String),
    /// An image in a registry, likewise.
    Image(String),
}

impl Module {
    /// A path, or a URL of the schemes `file`, `http`, `https` and `oci`.
    pub(super) fn of(text: &str) -> Self {
        if let Some(path) = text.strip_prefix("file://") {
            Self::File(path.to_owned())
        } else if let Some(image) = text.strip_prefix("oci://") {
            Self::Image(image.to_owned())
        } else if text.contains("://") {
            Self::Http(text.to_owned())
        } else {
            Self::File(text.to_owned())
        }
    }

    /// As the filters have it before anything is copied over it.
    pub(super) fn in_a_configuration(&self) -> &str {
        match self {
            Self::File(text) | Self::Http(text) | Self::Image(text) => text,
        }
    }

    /// As an `EnvoyExtensionPolicy` names it; none for a file. Both kinds of sums are SHA-256: of
    /// the module at a web server, of the manifest of an image.
    pub(super) fn code(&self, sha256: Option<&str>, pull_secret: Option<&str>) -> Option<Value> {
        let sum = sha256.map_or(Value::Null, |sum| json!({"sha256": sum}));
        match self {
            Self::File(_) => None,
            Self::Http(url) => {
                Some(json!({"type": "HTTP", "http": joined([json!({"url": url}), sum])}))
            }
            Self::Image(image) => {
                let secret = pull_secret
                    .map_or(Value::Null, |name| json!({"pullSecretRef": {"name": name}}));
                Some(
                    json!({"type": "Image", "image": joined([json!({"url": image}), sum, secret])}),
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is() {
        #[rustfmt::skip]
        let rows = [
            ("/etc/portolan/portolan.wasm", None),
            ("file:///portolan.wasm", None),
            ("https://example.com/portolan.wasm", Some(json!({"type": "HTTP", "http": {"url": "https://example.com/portolan.wasm", "sha256": "ab"}}))),
            ("oci://r.example/portolan-wasm:1", Some(json!({"type": "Image", "image": {
                "url": "r.example/portolan-wasm:1", "sha256": "ab", "pullSecretRef": {"name": "pull"},
            }}))),
        ];
        for (text, expected) in rows {
            assert_eq!(Module::of(text).code(Some("ab"), Some("pull")), expected, "{text}");
        }
        assert_eq!(Module::of("file:///a").in_a_configuration(), "/a");
    }
}
