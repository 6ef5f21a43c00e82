//! A URI reference in an upstream's answer, rewritten for the client.

use super::receipt::Receipt;
use crate::config::{Backend, Scheme, UploadPath};
use crate::grammar::{UriReference, escaped, is_visible, split_path};
use crate::oci::{self, Class, outside, query};
use crate::policy::naming::NAMESPACE;
use crate::reply::Misdirection;

/// Whose answer it is, and to what.
pub(super) struct Context<'a> {
    pub(super) backend: &'a Backend,
    pub(super) receipt: &'a Receipt,
    /// The target that the backend was sent.
    pub(super) target: &'a [u8],
}

/// Where a reference leads the client.
pub(super) enum Leads {
    /// To this path of the front.
    Here(Vec<u8>),
    /// To another host. Signed URLs of object stores live there: no byte may change, and none has
    /// to be understood.
    Elsewhere,
}

/// Where clients find a path of the backend.
enum AtFront {
    /// This path.
    Path(Vec<u8>),
    /// Nothing: it is outside of the registry's API.
    Outside,
    /// A repository that the client's way of naming cannot name.
    Unnamed,
}

impl Context<'_> {
    /// Where a reference (RFC 3986 section 4) leads. No URL of the backend's own host is ever told.
    pub(super) fn at_front(&self, reference: &[u8]) -> Result<Leads, Misdirection> {
        let readable = escaped(reference);
        let parsed = UriReference::parse(&readable).ok_or(Misdirection::Unreadable)?;
        if self.is_elsewhere(&parsed) {
            return Ok(Leads::Elsewhere);
        }
        // The front takes no escape of such bytes in a path, so a client could not go there.
        if !split_path(reference).0.iter().all(is_visible) {
            return Err(Misdirection::Unreadable);
        }
        self.path_at_front(&parsed.target(self.target)).map(Leads::Here)
    }

    fn is_elsewhere(&self, reference: &UriReference<'_>) -> bool {
        let url = self.backend.url();
        match (reference.scheme.map_or(Some(url.scheme()), Scheme::of), reference.authority) {
            (None, _) => true,
            (Some(scheme), Some(authority)) => !url.is_at(scheme, authority),
            (Some(_), None) => false,
        }
    }

    /// A path of the backend as a path of the front.
    fn path_at_front(&self, path: &[u8]) -> Result<Vec<u8>, Misdirection> {
        let (path, suffix) = split_path(path);
        let api = path.strip_prefix(self.backend.url().base_path().as_bytes());
        let path = match api.map_or(AtFront::Outside, |path| self.name_at_front(path)) {
            AtFront::Path(path) => path,
            AtFront::Outside => self.upload_at_front(path)?,
            AtFront::Unnamed => return Err(Misdirection::Name),
        };
        Ok([path, self.suffix_at_front(suffix)].concat())
    }

    /// A path outside of the API: an upload may go on there, where the policy says so.
    fn upload_at_front(&self, path: &[u8]) -> Result<Vec<u8>, Misdirection> {
        if self.receipt.class != Class::Upload {
            return Err(Misdirection::Path);
        }
        let session = outside::session_of(path).filter(|_| self.backend.takes_uploads_at(path));
        let session = session.ok_or_else(|| Misdirection::UploadPath(first_segment(path)))?;
        let name = self.receipt.client_name.as_bytes();
        Ok([b"/v2/", name, b"/blobs/uploads/", &session].concat())
    }

    /// The path with the client's repository name instead of the backend's.
    fn name_at_front(&self, path: &[u8]) -> AtFront {
        let Receipt { client_name, naming, .. } = self.receipt;
        let names = self.backend.names();
        let Some(rest) = path.strip_prefix(b"/v2/") else { return AtFront::Outside };
        // The repository that was asked is by far the most likely one, and for upload sessions
        // everything behind its name is opaque.
        let own = naming.to_policy(client_name).map(|name| names.to_backend(&name));
        let after = own.and_then(|own| rest.strip_prefix(own.as_bytes()));
        if let Some(after) = after.filter(|rest| rest.starts_with(b"/")) {
            return AtFront::Path([b"/v2/", client_name.as_bytes(), after].concat());
        }
        if names.is_identity() && !naming.has_upstreams() {
            return AtFront::Path(path.to_vec());
        }
        let Ok(request) = oci::parse(b"GET", path) else { return AtFront::Outside };
        let Some(name) = request.endpoint.repository() else {
            return AtFront::Path(request.endpoint.path("", ""));
        };
        let name = names.to_front(name.as_str());
        let at_client = naming.to_client(&name);
        at_client.map_or(AtFront::Unnamed, |name| AtFront::Path(request.endpoint.path("", &name)))
    }

    /// Query and fragment. A client that follows a URL adds no `ns` to it, so where `ns` named the
    /// upstream the URL has it: behind everything that the registry wrote, which stays as it is. An
    /// `ns` of the registry's is taken out: it would lead the client to another registry.
    fn suffix_at_front(&self, suffix: &[u8]) -> Vec<u8> {
        let end = suffix.iter().position(|byte| *byte == b'#').unwrap_or(suffix.len());
        let (query, fragment) = suffix.split_at_checked(end).unwrap_or((suffix, b""));
        let query = query.strip_prefix(b"?").unwrap_or_default();
        let is_named = query::parameters(query).any(|parameter| parameter.has_key(NAMESPACE));
        let namespace = self.receipt.naming.namespace();
        if !is_named && namespace.is_none() {
            return suffix.to_vec();
        }
        let own = if is_named { query::without(query, &[NAMESPACE]) } else { query.to_vec() };
        let query = match namespace {
            Some(namespace) => query::with_added(&own, NAMESPACE, namespace.as_bytes()),
            None => own,
        };
        let mark: &[u8] = if query.is_empty() { b"" } else { b"?" };
        [mark, query.as_slice(), fragment].concat()
    }
}

/// The start of a path as one of `upload_paths`, where it can be one.
fn first_segment(path: &[u8]) -> Option<String> {
    let end = path.iter().skip(1).position(|byte| *byte == b'/')?;
    let (first, _) = path.split_at_checked(end.saturating_add(2))?;
    let first = UploadPath::parse(std::str::from_utf8(first).ok()?)?;
    Some(first.as_str().to_owned())
}
