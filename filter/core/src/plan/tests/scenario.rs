//! A request of a case table, and the end of its plan as a value.

use super::*;
use crate::token::TokenCall;

/// Where a request ends. A digest in it is written as `DIGEST`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The proxy answers, with this status and OCI error code.
    Replied { status: u16, code: String },
    /// The proxy redirects the client there.
    Redirected { location: String },
    /// Envoy forwards the request to a cluster, with a target for each backend of its list.
    Forwarded { cluster: String, targets: Vec<String> },
    /// The verifier of this cluster is asked about a password first.
    NeedsPassword { verifier: String },
    /// Envoy is asked about the health of the backends first.
    NeedsHealth { is_optional: bool },
    /// A blob store is asked for the blob first.
    NeedsBlob { store: String },
    /// The registries are asked for the content first, by this target.
    NeedsContent { target: String },
    /// The pushes of the last time are looked at first.
    NeedsRecentPush,
    /// What the tag stood for is looked at first.
    NeedsTag { key: String },
    /// A token service is asked, for a client that logs in.
    AsksTokenService(TokenQuestion),
    /// The body of the form at the token endpoint is read first.
    ReadsForm,
    /// The client gets metrics.
    Metrics,
}

/// What a token service is asked for a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenQuestion {
    /// The cluster of the service.
    pub(super) cluster: String,
    /// Its host, path and query.
    pub(super) url: String,
    /// The form, if it is a POST.
    pub(super) form: Option<String>,
    /// The client's password, if the service gets it.
    pub(super) authorization: Option<String>,
    /// The backend that is named in the client's token.
    pub(super) tag: Option<String>,
}

impl TokenQuestion {
    /// A question of a client that is nobody, at the service of a backend.
    pub(super) fn at(backend: &str, url: impl Into<String>) -> Self {
        Self {
            cluster: format!("{backend}@token"),
            url: url.into(),
            form: None,
            authorization: None,
            tag: Some(backend.to_owned()),
        }
    }

    /// The question of a plan. A path that the backend has to be asked for is `/discovered`.
    pub(super) fn of(exchange: &ExchangeRequest) -> Self {
        let realm = exchange.realm.as_deref().unwrap_or("/discovered");
        let (target, form) = match exchange.request.for_realm(
            realm,
            exchange.service.as_deref(),
            &exchange.scopes,
        ) {
            TokenCall::Get { target } => (target, None),
            TokenCall::Post { target, body } => (target, Some(body)),
        };
        Self {
            cluster: exchange.cluster.clone(),
            url: format!("{}{target}", exchange.authority),
            form,
            authorization: exchange.authorization.as_ref().map(|secret| secret.expose().to_owned()),
            tag: exchange.tag.clone(),
        }
    }
}

pub(super) fn replied(status: u16, code: &str) -> Outcome {
    Outcome::Replied { status, code: code.to_owned() }
}

pub(super) fn redirected(location: impl Into<String>) -> Outcome {
    Outcome::Redirected { location: location.into() }
}

pub(super) fn forwarded<const N: usize>(cluster: &str, targets: [&str; N]) -> Outcome {
    let targets = targets.map(str::to_owned).into();
    Outcome::Forwarded { cluster: cluster.to_owned(), targets }
}

pub(super) fn needs_blob(store: &str) -> Outcome {
    Outcome::NeedsBlob { store: store.to_owned() }
}

pub(super) fn needs_password(verifier: &str) -> Outcome {
    Outcome::NeedsPassword { verifier: verifier.to_owned() }
}

impl Outcome {
    /// The end of a plan.
    pub(super) fn of(config: &Config, action: Action<'_>) -> Self {
        match action {
            Action::Reply(reply) => Self::of_reply(&reply),
            Action::Forward(forwarding) => Self::Forwarded {
                cluster: forwarding.cluster.to_owned(),
                targets: targets(&forwarding),
            },
            Action::Need(need) => Self::of_need(config, &need),
            Action::Token(endpoint) => Self::of_token_endpoint(&endpoint),
            Action::Scrape => Self::Metrics,
        }
    }

    pub(super) fn of_token_endpoint(endpoint: &TokenEndpoint) -> Self {
        match endpoint {
            TokenEndpoint::Exchange(request) => Self::AsksTokenService(TokenQuestion::of(request)),
            TokenEndpoint::NeedsBody => Self::ReadsForm,
        }
    }

    fn of_reply(reply: &Reply) -> Self {
        let location = header(reply, "location");
        assert_eq!(reply.status == 307, location.is_some(), "a redirect has a Location: {reply:?}");
        match location {
            Some(location) => Self::Redirected { location: without_digest(location) },
            None => replied(reply.status, reply.code),
        }
    }

    fn of_need(config: &Config, need: &Need<'_>) -> Self {
        match need {
            Need::Password(verifier) => needs_password(verifier.cluster()),
            Need::BackendHealth { is_optional } => Self::NeedsHealth { is_optional: *is_optional },
            Need::BlobPresence(blob) => {
                assert_eq!(blob.digest.as_str(), DIGEST);
                needs_blob(config.blob_store(blob.store).unwrap().name())
            }
            Need::RecentPush(_) => Self::NeedsRecentPush,
            Need::Tag(question) => Self::NeedsTag { key: question.key.clone() },
            Need::Content(content) => {
                Self::NeedsContent { target: without_digest(&content.target) }
            }
        }
    }
}

/// The targets of a forwarded request, one for each backend of its list.
pub(super) fn targets(forwarding: &Forwarding<'_>) -> Vec<String> {
    let texts =
        forwarding.receipt.targets.iter().map(|target| std::str::from_utf8(target).unwrap());
    texts.map(without_digest).collect()
}

/// The value of a header of the proxy's answer.
pub(super) fn header<'r>(reply: &'r Reply, name: &str) -> Option<&'r str> {
    reply.headers.iter().find(|(header, _)| *header == name).map(|(_, value)| value.as_str())
}

/// A target of a case table, in which `DIGEST` stands for a digest.
pub(super) fn with_digest(target: &str) -> String {
    target.replace("DIGEST", DIGEST)
}

/// What a case table writes instead of a target with a digest.
pub(super) fn without_digest(target: &str) -> String {
    target.replace(DIGEST, "DIGEST")
}

/// The head of a request that says nothing besides.
pub(super) fn request<'a>(method: &'a str, host: &'a str, target: &'a str) -> RequestHead<'a> {
    RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: host.as_bytes(),
        ..RequestHead::default()
    }
}

/// A client of which its country is known.
pub(super) fn in_country(country: &str) -> ClientFacts<'_> {
    ClientFacts { country: Some(country.as_bytes()), ..ClientFacts::default() }
}
