//! A URI reference in an upstream's answer, as the client may see it.

use crate::config::{Backend, Scheme};
use crate::grammar::{UriReference, split_path};
use crate::policy::Naming;
use crate::policy::naming::NAMESPACE;
use crate::registry::{self, query};

/// Whose answer it is, and to what.
pub(super) struct Context<'a> {
    pub(super) backend: &'a Backend,
    /// The repository that was asked, by the client's name.
    pub(super) client_name: &'a str,
    /// How the client names repositories.
    pub(super) naming: &'a Naming,
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

/// What a path of the backend is at the front.
enum AtFront {
    /// This path.
    Path(Vec<u8>),
    /// Nothing: it is outside of the registry's API.
    Outside,
    /// A repository that the client's way of naming cannot name.
    Unnamed,
}

impl Context<'_> {
    /// The reference as the client gets it, or `None` for bytes that are no reference, and for a
    /// repository that the client cannot name.
    pub(super) fn at_front(&self, reference: &[u8]) -> Option<Vec<u8>> {
        Some(match self.place(reference)? {
            Place::Elsewhere(reference) => reference.to_vec(),
            Place::Backend(path) => self.path_at_front(&path)?,
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
    fn path_at_front(&self, path: &[u8]) -> Option<Vec<u8>> {
        let (path, suffix) = split_path(path);
        let api = path.strip_prefix(self.backend.url().base_path().as_bytes());
        match api.map_or(AtFront::Outside, |path| self.name_at_front(path)) {
            AtFront::Path(path) => Some([path, self.suffix_at_front(suffix)].concat()),
            AtFront::Outside => Some(self.absolute(path, suffix)),
            AtFront::Unnamed => None,
        }
    }

    /// The path with the client's repository name instead of the backend's.
    fn name_at_front(&self, path: &[u8]) -> AtFront {
        let names = self.backend.names();
        let Some(rest) = path.strip_prefix(b"/v2/") else { return AtFront::Outside };
        // The repository that was asked is by far the most likely one, and for upload sessions
        // everything behind its name is opaque.
        let own = self.naming.to_policy(self.client_name).map(|name| names.to_backend(&name));
        let after = own.and_then(|own| rest.strip_prefix(own.as_bytes()));
        if let Some(after) = after.filter(|rest| rest.starts_with(b"/")) {
            return AtFront::Path([b"/v2/", self.client_name.as_bytes(), after].concat());
        }
        if names.is_identity() && !self.naming.has_upstreams() {
            return AtFront::Path(path.to_vec());
        }
        let Ok(request) = registry::parse(b"GET", path) else { return AtFront::Outside };
        let Some(name) = request.endpoint.repository() else {
            return AtFront::Path(request.endpoint.path("", ""));
        };
        let name = names.to_front(name.as_str());
        let at_client = self.naming.to_client(&name);
        at_client.map_or(AtFront::Unnamed, |name| AtFront::Path(request.endpoint.path("", &name)))
    }

    /// Query and fragment. A client that follows a URL adds no `ns` to it, so where `ns` named the
    /// upstream the URL has it: behind everything that the registry wrote, which stays as it is.
    fn suffix_at_front(&self, suffix: &[u8]) -> Vec<u8> {
        let Some(namespace) = self.naming.namespace() else { return suffix.to_vec() };
        let end = suffix.iter().position(|byte| *byte == b'#').unwrap_or(suffix.len());
        let (query, fragment) = suffix.split_at_checked(end).unwrap_or((suffix, b""));
        let query = query.strip_prefix(b"?").unwrap_or_default();
        let query = query::with_added(query, NAMESPACE, namespace.as_bytes());
        [b"?", query.as_slice(), fragment].concat()
    }

    fn absolute(&self, path: &[u8], suffix: &[u8]) -> Vec<u8> {
        [self.backend.url().origin().as_bytes(), path, suffix].concat()
    }
}
