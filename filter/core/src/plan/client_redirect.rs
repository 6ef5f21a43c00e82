//! The redirect that a client gets.

use std::borrow::Cow;

use super::forwarding::{self, RequestContext};
use crate::config::{Config, Front, PageUrl, Rule};
use crate::oci::{Method, RequestError};
use crate::policy::{Forward, Refusal, StoredBlob};

/// A client is sent elsewhere, with the status 307: the method stays (RFC 9110 section 15.4.8), and
/// nothing keeps the answer, which holds for this client alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientRedirect<'c> {
    pub(super) location: String,
    /// The backend or the blob store; `None` for a page.
    pub(super) to: Option<&'c str>,
    pub(super) rule: Option<&'c str>,
    /// For the log.
    pub(super) why: Cow<'static, str>,
}

impl<'c> ClientRedirect<'c> {
    /// To a backend that a request could have been carried to, the one at a place in its list, with
    /// the target that it would have been sent: its own name of the repository, and the query byte
    /// for byte.
    ///
    /// `None` never happens: the place is in the list, and a target that was read consists of
    /// ASCII.
    pub(super) fn to_backend(
        config: &'c Config,
        forward: &Forward<'c>,
        asked: &RequestContext<'_>,
        place: usize,
    ) -> Option<Self> {
        let (backend, target) = forwarding::target_at(config, forward, asked, place)?;
        let which = if place == 0 { forward.choice.as_str() } else { "next that is up" };
        Some(Self {
            location: backend.url().origin() + &String::from_utf8(target).ok()?,
            to: Some(backend.name()),
            rule: forwarding::rule_name(config, forward),
            why: format!("{which}, redirected").into(),
        })
    }

    /// To a blob in a store. A store has no queries; what a client sent is not for it.
    pub(super) fn to_store(config: &'c Config, blob: &StoredBlob) -> Option<Self> {
        let store = config.blob_store(blob.store)?;
        Some(Self {
            location: store.url().location(&blob.digest),
            to: Some(store.name()),
            rule: config.rules().get(blob.rule).map(Rule::name),
            why: "blob store, redirected".into(),
        })
    }

    /// To a page of a front; `None` where the path has none.
    pub(super) fn to_page(
        front: &'c Front,
        method: &[u8],
        path: &[u8],
    ) -> Option<Result<Self, Refusal>> {
        const READS: &[Method] = &[Method::Get, Method::Head];
        let page = front.landing().find(path)?;
        let reads = Method::parse(method).is_some_and(Method::is_read);
        Some(if reads {
            Ok(Self::page(page))
        } else {
            Err(Refusal::Request(RequestError::MethodNotAllowed { allow: READS }))
        })
    }

    fn page(page: &PageUrl) -> Self {
        Self { location: page.as_str().to_owned(), to: None, rule: None, why: "page".into() }
    }
}
