//! The front's own token endpoint, for clients that log in to a registry through it.
//!
//! The request is not carried, it is made anew: only what is known to belong there goes to the
//! token service, and of its answer only status and body come back. The service can so neither
//! steer the proxy nor a client anywhere.

use super::head::RequestHead;
use crate::attempt::{is_password, tag_of};
use crate::client::{self, Locality};
use crate::config::ids::FrontId;
use crate::config::{Backend, BackendAuth, Config, Front, FrontAuth, Realm};
use crate::oci::{Method, RequestError};
use crate::policy::{FrontRealm, Naming, Refusal, in_token_path, refuse_client, token_scope};
use crate::token::{self, Grant, Secret, TokenRequest, untag};

/// What a request to the token endpoint leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenEndpoint {
    /// It is a POST: read its body of at most [`token::form::MAXIMUM_LENGTH`] bytes, then call
    /// [`TokenEndpoint::of_body`].
    NeedsBody,
    /// A token service is to be asked.
    Exchange(Box<ExchangeRequest>),
}

/// What a token service is asked on behalf of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExchangeRequest {
    /// The name of the backend whose service it is.
    pub backend: String,
    /// The Envoy cluster of the service.
    pub cluster: String,
    /// `host[:port]` of the service.
    pub authority: String,
    /// Path and query of the service; `None` if the backend has to be asked for them.
    pub realm: Option<String>,
    /// The path before `/v2/` at the backend, which is asked then, at the same authority.
    pub base_path: String,
    /// The name of the backend at the service.
    pub service: Option<String>,
    /// What the client wants.
    pub request: TokenRequest,
    /// The scopes, by the backends' names.
    pub scopes: Vec<String>,
    /// The client's name and password, where the service may see them.
    pub authorization: Option<Secret>,
    /// What the client's tokens are marked with, where there are several auth domains.
    pub tag: Option<String>,
    /// What the front calls itself towards this client.
    pub front_realm: FrontRealm,
}

impl ExchangeRequest {
    /// The request for a host that does, or does not, take forms. A refresh token is used by a form
    /// alone, and Docker, once it has one, asks in no other way: without forms nobody must get one.
    #[must_use]
    pub fn for_host(mut self, takes_forms: bool) -> Self {
        if !takes_forms {
            self.request.offline_token = None;
            self.request.access_type = None;
        }
        self
    }
}

const METHODS: &[Method] = &[Method::Get, Method::Post];

/// Plans a request to the endpoint of a front.
pub(super) fn serve(
    config: &Config,
    (id, front): (FrontId, &Front),
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Result<TokenEndpoint, Refusal> {
    let FrontAuth::Upstream { .. } = front.auth() else {
        return Err(RequestError::NotFound.into());
    };
    refuse_client(config, &head.asker())?;
    let naming = naming(front, head)?;
    match head.method {
        b"POST" => Ok(TokenEndpoint::NeedsBody),
        b"GET" => {
            let mut parts = head.target.splitn(2, |byte| *byte == b'?');
            let request = token::from_get(parts.nth(1)).map_err(Refusal::Token)?;
            exchange(config, (id, front), &naming, locality, head, request)
        }
        _ => Err(RequestError::MethodNotAllowed { allow: METHODS }.into()),
    }
}

impl TokenEndpoint {
    /// Goes on once the body of a POST is there.
    ///
    /// # Errors
    ///
    /// The refusal that the client gets.
    pub fn of_body(
        config: &Config,
        head: &RequestHead<'_>,
        content_type: Option<&[u8]>,
        body: &[u8],
    ) -> Result<Self, Refusal> {
        let id = config.fronts().find(head.authority).ok_or(Refusal::FrontUnknown)?;
        let front = config.fronts().get(id).ok_or(Refusal::FrontUnknown)?;
        refuse_client(config, &head.asker())?;
        let locality = client::locate(config.regions(), &head.client);
        let naming = naming(front, head)?;
        let request = token::from_post(content_type, body).map_err(Refusal::Token)?;
        exchange(config, (id, front), &naming, &locality, head, request)
    }
}

fn exchange(
    config: &Config,
    (id, front): (FrontId, &Front),
    naming: &Naming,
    locality: &Locality,
    head: &RequestHead<'_>,
    request: TokenRequest,
) -> Result<TokenEndpoint, Refusal> {
    let not_found = || Refusal::from(RequestError::NotFound);
    let FrontAuth::Upstream { login, .. } = front.auth() else { return Err(not_found()) };
    let wanted = token_scope(config, (id, *login), locality, naming, &request.scopes)
        .ok_or_else(not_found)?;
    let auth_domain = config.auth_domains().get(wanted.auth_domain).ok_or_else(not_found)?;
    let backend = config.backend(auth_domain.backend).ok_or_else(not_found)?;
    let BackendAuth::Token(service) = backend.auth() else { return Err(not_found()) };
    // A name and a password were given for whom clients log in to, and are nobody else's business.
    let is_login =
        config.backend(*login).and_then(Backend::auth_domain) == Some(wanted.auth_domain);
    let tag = tag_of(config, wanted.auth_domain).unwrap_or_default();
    let request = as_meant_for(request, is_login, tag, config.auth_domains().has_several());
    let authorization = head.authorization.filter(|_| is_login && request.grant == Grant::Get);
    let origin = service.realm().map_or(backend.url(), Realm::origin);
    Ok(TokenEndpoint::Exchange(Box::new(ExchangeRequest {
        backend: backend.name().to_owned(),
        cluster: service.cluster().to_owned(),
        authority: origin.authority().to_owned(),
        realm: service.realm().map(|realm| realm.target().to_owned()),
        base_path: backend.url().base_path().to_owned(),
        service: service.service().map(str::to_owned),
        request,
        scopes: wanted.scopes,
        authorization: authorization.and_then(basic),
        front_realm: FrontRealm::new(config, id, naming, head.scheme, head.authority)
            .ok_or_else(not_found)?,
        tag: config.auth_domains().has_several().then(|| tag.to_owned()),
    })))
}

/// Whether a request is to a token endpoint.
pub(super) fn is_at(head: &RequestHead<'_>) -> bool {
    in_token_path(head.path()).is_some()
}

/// How the request names repositories.
fn naming(front: &Front, head: &RequestHead<'_>) -> Result<Naming, Refusal> {
    let upstream = in_token_path(head.path()).ok_or(RequestError::NotFound)?;
    Naming::of_token_request(front, head.authority, upstream)
}

/// The request without what is another auth domain's: it is then that of an anonymous client, which
/// gets what is public.
fn as_meant_for(request: TokenRequest, is_login: bool, tag: &str, tagged: bool) -> TokenRequest {
    let grant = match request.grant {
        Grant::Password { .. } if is_login => request.grant,
        Grant::RefreshToken { refresh_token } => match untag(refresh_token.expose()) {
            Some((whose, own)) if whose == tag => {
                Grant::RefreshToken { refresh_token: Secret::new(own.to_owned()) }
            }
            None if !tagged => Grant::RefreshToken { refresh_token },
            _ => Grant::Get,
        },
        Grant::Get | Grant::Password { .. } => Grant::Get,
    };
    if is_login || grant != Grant::Get {
        return TokenRequest { grant, ..request };
    }
    let (account, others) = (None, Vec::new());
    TokenRequest { grant, account, others, offline_token: None, access_type: None, ..request }
}

/// A name and a password (RFC 7617); nothing else belongs to a token service.
fn basic(value: &[u8]) -> Option<Secret> {
    let text = std::str::from_utf8(value).ok().filter(|_| is_password(value))?;
    Some(Secret::new(text.to_owned()))
}
