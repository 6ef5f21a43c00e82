//! Number of retries at further backends, and the timeout of each attempt.

use std::time::Duration;

use super::overlap::{Hedge, hedge};
use super::time_limits::alone;
use crate::config::{
    ALONE, AttemptTimeouts, Backend, BackendAuth, BackendList, Config, Front, FrontAuth,
};
use crate::oci::{Class, Method, RegistryRequest};

/// The attempts of one request to a list of several backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry<'c> {
    /// How many further attempts may follow the first: as many as there are further backends.
    pub further_attempts: usize,
    /// How many of the backends may be asked again, with another token of the proxy's, when all
    /// were asked.
    pub second_attempts: usize,
    /// How long each attempt waits for the head of an answer.
    pub attempt_timeout: Duration,
    /// How long a connection to any of them may take to come up.
    pub connect_timeout: Duration,
    /// Whether the attempts of other requests to this list may overlap.
    pub may_overlap: bool,
    /// When the next backend is asked too while the first has not begun to answer.
    pub hedge: Option<Hedge<'c>>,
}

impl<'c> Retry<'c> {
    /// For a read that goes to `list`; `None` for a list of one, which the route knows all about.
    #[must_use]
    pub fn of(
        config: &'c Config,
        front: &Front,
        list: &BackendList,
        request: &RegistryRequest<'_>,
    ) -> Option<Self> {
        if !list.has_fallback() {
            return None;
        }
        let further_attempts = list.backends().len().saturating_sub(1);
        let mut retry = Self::at(config, front, list, request)?;
        retry.hedge = hedge(config, list);
        retry.may_overlap = retry.hedge.is_some();
        Some(Self { further_attempts, ..retry })
    }

    /// For a read by tag behind whose list a cache may answer with what the tag was. An only
    /// registry has the time that it has without that: one that is slow is not away.
    #[must_use]
    pub fn before_a_cache(
        config: &'c Config,
        front: &Front,
        list: &BackendList,
        request: &RegistryRequest<'_>,
    ) -> Option<Self> {
        let retry = Self::at(config, front, list, request)?;
        let may_overlap = hedge(config, list).is_some();
        let further_attempts = list.backends().len();
        let attempt_timeout = if list.has_fallback() {
            retry.attempt_timeout
        } else {
            alone(config, list, request).unwrap_or(ALONE)
        };
        Some(Self { further_attempts, attempt_timeout, may_overlap, ..retry })
    }

    /// The times of a list, without anything that is made of it.
    fn at(
        config: &'c Config,
        front: &Front,
        list: &BackendList,
        request: &RegistryRequest<'_>,
    ) -> Option<Self> {
        let registries = list.backends().iter().filter(|id| config.cache(**id).is_none());
        let members = registries.filter_map(|id| config.backend(*id));
        // Envoy has one attempt timeout for a request; the most patient backend sets it.
        let attempt_timeout = members
            .clone()
            .map(|backend| attempt_timeout(backend.resilience().attempt_timeouts, request))
            .max()?;
        let shows_tokens = !matches!(front.auth(), FrontAuth::Upstream { .. });
        let wants_token = |backend: &Backend| matches!(backend.auth(), BackendAuth::Token(_));
        let with_token = members.clone().filter(|backend| shows_tokens && wants_token(backend));
        let second_attempts = with_token.count();
        let connect_timeout = members.map(|backend| backend.resilience().connect_timeout).max()?;
        Some(Self {
            further_attempts: 0,
            second_attempts,
            attempt_timeout,
            connect_timeout,
            may_overlap: false,
            hedge: None,
        })
    }
}

fn attempt_timeout(timeouts: AttemptTimeouts, request: &RegistryRequest<'_>) -> Duration {
    let is_blob = request.endpoint.class() == Class::Blob || request.method == Method::Head;
    if is_blob { timeouts.blobs } else { timeouts.manifests }
}
