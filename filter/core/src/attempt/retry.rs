//! How Envoy is told to go on to the next backend.

use std::time::Duration;

use crate::config::{AttemptTimeouts, Config, List};
use crate::policy::Choice;
use crate::registry::{Class, Method, RegistryRequest};

/// The retries of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many further attempts may follow the first: as many as there are further backends. `None`
    /// leaves it, and the timeout, to the route, which tries once more.
    pub further_attempts: Option<usize>,
    /// The statuses that send the request to the next backend, comma-separated.
    pub statuses: &'static str,
    /// How long each attempt waits for the head of an answer, if that is not left to the route.
    pub attempt_timeout: Option<Duration>,
}

/// Trouble, limits, and content that the backend lacks.
const STATUSES: &str = "404,429,500,502,503,504";
/// Trouble and limits only: the first backend's 404 is an answer.
const STATUSES_OWNER_FIRST: &str = "429,500,502,503,504";
/// The same where a refusal is not for the client to see: the backend hides what it lacks, or it is the
/// proxy's credentials that it refuses.
const STATUSES_REFUSALS: &str = "401,403,404,429,500,502,503,504";
const STATUSES_OWNER_FIRST_REFUSALS: &str = "401,403,429,500,502,503,504";
/// A token that was kept is refused, with nobody to go on to: once more, with a new one.
const STATUSES_TOKEN: &str = "401";

/// What a refusal, 401 or 403, leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusals {
    /// To the next backend, if there is one.
    pub go_on: bool,
    /// To the same backend, with a new token, if there is no other.
    pub renew_token: bool,
}

impl Retry {
    /// For a read that goes to `list`; `None` if there is nothing to try a second time.
    #[must_use]
    pub fn of(
        config: &Config,
        list: &List,
        request: &RegistryRequest<'_>,
        choice: Choice,
        refusals: Refusals,
    ) -> Option<Self> {
        let further = list.backends().len().saturating_sub(1);
        if further == 0 {
            // The route itself tries a 401 once more, where it is never the client's: a header costs.
            let again =
                refusals.renew_token && request.method.is_read() && config.fronts().any_upstream();
            let (further_attempts, attempt_timeout) = (None, None);
            let statuses = STATUSES_TOKEN;
            return again.then_some(Self { further_attempts, statuses, attempt_timeout });
        }
        let members = || list.backends().iter().filter_map(|id| config.backend(*id));
        // Envoy has one attempt timeout for a request; the most patient backend sets it.
        let attempt_timeout = members()
            .map(|backend| attempt_timeout(backend.resilience().attempt_timeouts, request))
            .max()?;
        let statuses = match (choice, refusals.go_on) {
            (Choice::OwnerForExistence, false) => STATUSES_OWNER_FIRST,
            (Choice::OwnerForExistence, true) => STATUSES_OWNER_FIRST_REFUSALS,
            (_, true) => STATUSES_REFUSALS,
            (_, false) => STATUSES,
        };
        Some(Self {
            further_attempts: Some(further),
            statuses,
            attempt_timeout: Some(attempt_timeout),
        })
    }
}

fn attempt_timeout(timeouts: AttemptTimeouts, request: &RegistryRequest<'_>) -> Duration {
    let is_blob = request.endpoint.class() == Class::Blob || request.method == Method::Head;
    if is_blob { timeouts.blobs } else { timeouts.manifests }
}
