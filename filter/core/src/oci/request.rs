//! One request of the registry API.

use super::endpoint::Endpoint;
use super::error::RequestError;
use super::method::Method;
use super::shape::Shape;
use super::target::Target;

/// A request that was understood in full.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistryRequest<'a> {
    /// One that the endpoint has.
    pub method: Method,
    /// What the path is about.
    pub endpoint: Endpoint<'a>,
    /// The query without its `?`, byte for byte: registries keep signed state in it.
    /// `Some` and empty if the target ends in `?`.
    pub query: Option<&'a [u8]>,
}

/// Reads a request from its method and its target, which is what Envoy calls `:path`: the path
/// and, if there is one, `?` and the query.
///
/// # Errors
///
/// [`RequestError`]; the parent module says which one if several apply.
pub fn parse<'a>(method: &[u8], target: &'a [u8]) -> Result<RegistryRequest<'a>, RequestError> {
    let Target { path, query } = Target::read(target).ok_or(RequestError::TargetInvalid)?;
    let endpoint = Shape::of(path).ok_or(RequestError::NotFound)?.endpoint()?;
    let allow = endpoint.methods();
    let method = Method::parse(method)
        .filter(|method| allow.contains(method))
        .ok_or(RequestError::MethodNotAllowed { allow })?;
    Ok(RegistryRequest { method, endpoint, query })
}
