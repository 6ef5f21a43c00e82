//! Where a client is sent.

use super::Forwarding;
use crate::config::{Config, Front, PageUrl, Rule};
use crate::policy::{Choice, Refusal, StoredBlob};
use crate::registry::{Method, RequestError};

/// A client is sent elsewhere, with the status 307: the method stays (RFC 9110 section 15.4.8), and
/// nothing keeps the answer, which holds for this client alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirection<'c> {
    pub(super) location: String,
    /// The backend or the blob store; `None` for a page.
    pub(super) to: Option<&'c str>,
    pub(super) rule: Option<&'c str>,
    /// For the log.
    pub(super) why: &'static str,
}

impl<'c> Redirection<'c> {
    /// To a backend that a request could have been carried to, the one at a place in its list, with the
    /// target that it would have been sent: its own name of the repository, and the query byte for byte.
    ///
    /// `None` never happens: the place is in the list, and a target that was read consists of ASCII.
    pub(super) fn to_backend(
        config: &'c Config,
        forwarding: &Forwarding<'c>,
        place: usize,
    ) -> Option<Self> {
        let backend = config.backend(*forwarding.forward.list.backends().get(place)?)?;
        let target = std::str::from_utf8(forwarding.receipt.targets.get(place)?).ok()?;
        let url = backend.url();
        Some(Self {
            location: format!("{}://{}{target}", url.scheme().as_str(), url.authority()),
            to: Some(backend.name()),
            rule: super::rule_name(config, &forwarding.forward),
            why: if place == 0 {
                reason(forwarding.forward.choice)
            } else {
                "next that is up, redirected"
            },
        })
    }

    /// To a blob in a store. A store has no queries; what a client sent is not for it.
    pub(super) fn to_store(config: &'c Config, blob: &StoredBlob) -> Option<Self> {
        let store = config.blob_store(blob.store)?;
        Some(Self {
            location: store.url().location(&blob.digest),
            to: Some(store.name()),
            rule: config.rules().get(blob.rule).map(Rule::name),
            why: "blob store, redirected",
        })
    }

    /// To a page of a front; `None` where the path has none.
    pub(super) fn to_page(
        front: &'c Front,
        method: &[u8],
        target: &[u8],
    ) -> Option<Result<Self, Refusal>> {
        const READS: &[Method] = &[Method::Get, Method::Head];
        let path = target.split(|byte| *byte == b'?').next()?;
        let page = front.landing().find(path)?;
        let reads = Method::parse(method).is_some_and(Method::is_read);
        Some(if reads {
            Ok(Self::page(page))
        } else {
            Err(Refusal::Request(RequestError::MethodNotAllowed { allow: READS }))
        })
    }

    fn page(page: &PageUrl) -> Self {
        Self { location: page.as_str().to_owned(), to: None, rule: None, why: "page" }
    }
}

/// The choice of the backend, in the words of the log.
const fn reason(choice: Choice) -> &'static str {
    match choice {
        Choice::Nearest => "nearest, redirected",
        Choice::Replica => "nearest replica, redirected",
        Choice::OwnerForTags => "owner, for tags, redirected",
        Choice::OwnerForWrite => "owner, for a write, redirected",
        Choice::OwnerForExistence => "owner, for an existence check, redirected",
        Choice::Signatures => "for signatures, redirected",
        Choice::Login => "login, redirected",
        Choice::Catalog => "catalogue, redirected",
    }
}
