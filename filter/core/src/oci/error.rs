//! Errors: requests that are not in the registry API.

use super::method::Method;

/// What is wrong with a request; always the client's to mend. In the order in which the stages
/// of the parser find them. Nothing of the request is kept, so nothing of it can be echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestError {
    /// The target is not a path and query that a registry client sends: not starting with `/`
    /// (absolute form, `*`), too long, `.` or `..` or empty segments, `\`, `;`, `#`, control
    /// bytes, bytes beyond ASCII, or an escape that could hide any of these. 400.
    ///
    /// Also a query that asks for a mount in a way that registries read differently.
    TargetInvalid,
    /// The path is of no endpoint of the API. 404.
    NotFound,
    /// The path is of an endpoint, but has no repository name where one belongs. 400
    /// `NAME_INVALID`.
    NameInvalid,
    /// What follows `/manifests/` is neither a tag nor meant as a digest.
    ///
    /// The OCI conformance suite 1.1 asks for the manifest `.INVALID_MANIFEST_NAME` and wants
    /// 404 for GET and HEAD: what cannot be a tag does not exist. Only a write of it is 400.
    TagInvalid,
    /// There is no digest where one belongs. 400 `DIGEST_INVALID`.
    DigestInvalid,
    /// The endpoint has other methods, or the method is none that a registry knows. 405.
    MethodNotAllowed {
        /// For the `Allow` header, which RFC 9110, section 15.5.6, requires.
        allow: &'static [Method],
    },
}
