//! Prints requests as request targets.

use super::{Endpoint, RegistryRequest};

impl Endpoint<'_> {
    /// The canonical path `{prefix}/v2/{name}/…`. `prefix` is empty or starts, and does not end,
    /// with a slash; `name` takes the place of the endpoint's own repository, and is not used
    /// where there is none.
    ///
    /// With no prefix and its own name, an endpoint's path is read as the same endpoint again.
    /// With another name it is read as the same of that name, but for one case: an upload of
    /// several segments or an extension is read as nothing at all if the other name has
    /// `blobs/uploads` in it, since that can be read in two ways.
    #[must_use]
    pub fn path(&self, prefix: &str, name: &str) -> Vec<u8> {
        let (name, slash) = if self.repository().is_some() { (name, "/") } else { ("", "") };
        let (words, last) = self.tail();
        let before = [prefix, "/v2/", name, slash, words].map(str::as_bytes);
        let [prefix, version, name, slash, words] = before;
        [prefix, version, name, slash, words, last].concat()
    }

    /// What follows the name: the words of the endpoint and its own last part.
    fn tail(&self) -> (&'static str, &[u8]) {
        match self {
            Self::Ping => ("", b""),
            Self::Manifest { reference, .. } => ("manifests/", reference.as_str().as_bytes()),
            Self::Blob { digest, .. } => ("blobs/", digest.as_str().as_bytes()),
            Self::Uploads { .. } => ("blobs/uploads/", b""),
            Self::Upload { session, .. } => ("blobs/uploads/", session),
            Self::Tags { .. } => ("tags/list", b""),
            Self::Referrers { digest, .. } => ("referrers/", digest.as_str().as_bytes()),
            Self::Catalog => ("_catalog", b""),
            Self::Extension { path, .. } => ("", path),
        }
    }
}

impl RegistryRequest<'_> {
    /// The target: the endpoint's [path](Endpoint::path) and the query as it came.
    #[must_use]
    pub fn target(&self, prefix: &str, name: &str) -> Vec<u8> {
        let mut target = self.endpoint.path(prefix, name);
        if let Some(query) = self.query {
            target.push(b'?');
            target.extend_from_slice(query);
        }
        target
    }
}
