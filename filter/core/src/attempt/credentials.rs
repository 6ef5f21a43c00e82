//! The credentials that one attempt sends.

use std::borrow::Cow;

use super::client_credentials::for_auth_domain;
use crate::config::{Backend, BackendAuth, Config, Front, FrontAuth, TokenService};
use crate::grammar::RepositoryName;
use crate::oci::{Endpoint, Method, RegistryRequest};
use crate::token::{self, Access};

/// What an attempt sends as `Authorization`, or who makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials<'p> {
    /// Nothing; a client of the front that logs in may have something.
    Nothing,
    /// Nothing, whoever asks: the proxy has nothing for the backend, and no client of the front
    /// logs in there.
    NothingEver,
    /// What the client sent, as far as it is this backend's.
    Client(Cow<'p, [u8]>),
    /// A credential of the proxy's own, by its name. Envoy puts it in; nobody here knows it.
    Injected(Cow<'p, str>),
    /// A token that the proxy fetches and keeps.
    Token(TokenSource<'p>),
}

/// Where a token of the proxy's comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenSource<'p> {
    /// The Envoy cluster of the token service.
    pub cluster: Cow<'p, str>,
    /// `host[:port]` of the token service.
    pub authority: Cow<'p, str>,
    /// Path and query of the service. Empty if the backend has to be asked for them, at the same
    /// authority.
    pub realm: Cow<'p, str>,
    /// The path before `/v2/` at the backend; for asking it.
    pub base_path: Cow<'p, str>,
    /// The name of the backend at the service; empty for none.
    pub service: Cow<'p, str>,
    /// What the token is for.
    pub scope: Cow<'p, str>,
    /// The credential that Envoy puts into the request to the service; empty for an anonymous one.
    pub credential: Cow<'p, str>,
}

impl Credentials<'_> {
    /// Whether the proxy, not the client, answers for them. A refusal is then nothing that the
    /// client could do anything about.
    #[must_use]
    pub const fn are_of_the_proxy(&self) -> bool {
        matches!(self, Self::Injected(_) | Self::Token(_))
    }
}

/// What `backend` is sent as credentials with a request through `front` that the policy admits.
/// `name` is the repository as the backend knows it.
#[must_use]
pub fn credentials<'a>(
    config: &'a Config,
    front: &Front,
    backend: &'a Backend,
    request: &RegistryRequest<'_>,
    name: &str,
    authorization: Option<&'a [u8]>,
) -> Credentials<'a> {
    let is_upstream = matches!(front.auth(), FrontAuth::Upstream { .. });
    match (backend.auth(), backend.credential()) {
        (BackendAuth::Open, _) => Credentials::NothingEver,
        (BackendAuth::Basic { .. }, Some(own)) => Credentials::Injected(own.into()),
        (BackendAuth::Token(service), own) if !is_upstream => {
            let scope = scope(request, name);
            Credentials::Token(source(backend, service, own, scope))
        }
        _ if is_upstream => {
            let value = authorization.zip(backend.auth_domain());
            let value = value.and_then(|(value, of)| for_auth_domain(config, of, value));
            value.map_or(Credentials::Nothing, Credentials::Client)
        }
        _ => Credentials::NothingEver,
    }
}

/// What a request does to a repository. The state of an upload is for who may write: Quay wants
/// `push` for it, and who has that may `pull`.
#[must_use]
pub const fn access(request: &RegistryRequest<'_>) -> Access {
    match (request.method, &request.endpoint) {
        (Method::Get | Method::Head, Endpoint::Upload { .. } | Endpoint::Uploads { .. })
        | (Method::Post | Method::Put | Method::Patch, _) => Access::Push,
        (Method::Get | Method::Head, _) => Access::Pull,
        (Method::Delete, _) => Access::Delete,
    }
}

/// Only what the request needs: a token for `pull` cannot be abused to push.
fn scope(request: &RegistryRequest<'_>, name: &str) -> String {
    if request.endpoint == Endpoint::Catalog {
        return token::CATALOG_SCOPE.to_owned();
    }
    // Most backends know a repository by the name that was read already.
    let read = request.endpoint.repository().copied().filter(|read| read.as_str() == name);
    let name = read.or_else(|| RepositoryName::parse(name.as_bytes()));
    name.map(|name| token::repository_scope(name, access(request))).unwrap_or_default()
}

fn source<'a>(
    backend: &'a Backend,
    service: &'a TokenService,
    credential: Option<&'a str>,
    scope: String,
) -> TokenSource<'a> {
    let origin = service.realm().map_or(backend.url(), |realm| realm.origin());
    TokenSource {
        cluster: service.cluster().into(),
        authority: origin.authority().into(),
        realm: service.realm().map_or("", |realm| realm.target()).into(),
        base_path: backend.url().base_path().into(),
        service: service.service().unwrap_or_default().into(),
        scope: scope.into(),
        credential: credential.unwrap_or_default().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::parse;

    #[test]
    fn scopes_are_for_what_a_request_needs() {
        const DIGEST: &str =
            "sha256:0000000000000000000000000000000000000000000000000000000000000000";
        #[rustfmt::skip]
        let rows: &[(&str, &str, &str, &str)] = &[
            ("GET", "manifests/v1", "pull", "a read"),
            ("HEAD", "manifests/v1", "pull", "a read"),
            ("GET", "blobs/DIGEST", "pull", "a read"),
            ("GET", "tags/list", "pull", "a read"),
            ("GET", "referrers/DIGEST", "pull", "a read"),
            ("POST", "blobs/uploads/", "pull,push", "a write"),
            ("PATCH", "blobs/uploads/1", "pull,push", "a write"),
            ("PUT", "blobs/uploads/1?digest=DIGEST", "pull,push", "a write"),
            ("PUT", "manifests/v1", "pull,push", "a write"),
            ("GET", "blobs/uploads/1", "pull,push", "the state of a write"),
            ("HEAD", "blobs/uploads/1", "pull,push", "the state of a write"),
            ("DELETE", "blobs/uploads/1", "delete", "a write that is given up"),
            ("DELETE", "manifests/v1", "delete", "a delete"),
            ("DELETE", "blobs/DIGEST", "delete", "a delete"),
        ];
        for (method, path, actions, reason) in rows {
            let target = format!("/v2/a/b/{path}").replace("DIGEST", DIGEST);
            let request = parse(method.as_bytes(), target.as_bytes()).unwrap();
            let expected = format!("repository:x/b:{actions}");
            assert_eq!(scope(&request, "x/b"), expected, "{method} {path}: {reason}");
        }
        let catalog = parse(b"GET", b"/v2/_catalog").unwrap();
        assert_eq!(scope(&catalog, ""), "registry:catalog:*");
    }
}
