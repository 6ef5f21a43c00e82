//! A URI reference in an upstream's answer, as the client may see it.

use crate::config::{Backend, Scheme};
use crate::grammar::{UriReference, split_path};
use crate::registry;

/// Whose answer it is, and to what.
pub(super) struct Context<'a> {
    pub(super) backend: &'a Backend,
    /// The repository that was asked, by the front's name.
    pub(super) front_name: &'a str,
    /// The target that the backend was sent.
    pub(super) target: &'a [u8],
}

/// Where a reference points (RFC 3986 section 4).
enum Place<'r> {
    /// To a path of the backend; a query and a fragment may follow.
    Backend(Vec<u8>),
    /// To another host. Signed URLs of object stores live there: no byte may change.
    Elsewhere(&'r [u8]),
}

impl Context<'_> {
    /// The reference as the client gets it, or `None` for bytes that are no reference.
    pub(super) fn at_front(&self, reference: &[u8]) -> Option<Vec<u8>> {
        Some(match self.place(reference)? {
            Place::Elsewhere(reference) => reference.to_vec(),
            Place::Backend(path) => self.path_at_front(&path),
        })
    }

    fn place<'r>(&self, bytes: &'r [u8]) -> Option<Place<'r>> {
        let reference = UriReference::parse(bytes)?;
        let url = self.backend.url();
        let Some(scheme) = reference.scheme.map_or(Some(url.scheme()), Scheme::of) else {
            return Some(Place::Elsewhere(bytes));
        };
        Some(match reference.authority {
            Some(authority) if !url.is_at(scheme, authority) => Place::Elsewhere(bytes),
            _ => Place::Backend(reference.target(self.target)),
        })
    }

    /// A path of the backend as a path of the front; what is outside of the registry's API
    /// stays where it is and is named in full.
    fn path_at_front(&self, path: &[u8]) -> Vec<u8> {
        let (path, suffix) = split_path(path);
        let api = path.strip_prefix(self.backend.url().base_path().as_bytes());
        match api.and_then(|path| self.name_at_front(path)) {
            Some(path) => [path.as_slice(), suffix].concat(),
            None => self.absolute(path, suffix),
        }
    }

    /// The path with the front's repository name instead of the backend's.
    fn name_at_front(&self, path: &[u8]) -> Option<Vec<u8>> {
        let names = self.backend.names();
        let rest = path.strip_prefix(b"/v2/")?;
        // The repository that was asked is by far the most likely one, and for upload sessions
        // everything behind its name is opaque.
        let own = names.to_backend(self.front_name);
        let after = rest.strip_prefix(own.as_bytes()).filter(|rest| rest.starts_with(b"/"));
        if let Some(after) = after {
            return Some([b"/v2/", self.front_name.as_bytes(), after].concat());
        }
        if names.is_identity() {
            return Some(path.to_vec());
        }
        let request = registry::parse(b"GET", path).ok()?;
        let name = request.endpoint.repository()?;
        Some(request.endpoint.path("", &names.to_front(name.as_str())))
    }

    fn absolute(&self, path: &[u8], suffix: &[u8]) -> Vec<u8> {
        let url = self.backend.url();
        let origin = format!("{}://{}", url.scheme().as_str(), url.authority());
        [origin.as_bytes(), path, suffix].concat()
    }
}
