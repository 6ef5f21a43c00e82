//! How Envoy is told to go on to the next backend.

use std::time::Duration;

use crate::config::{AttemptTimeouts, Config, List};
use crate::policy::Choice;
use crate::registry::{Class, Method, RegistryRequest};

/// The retries of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How many further attempts may follow the first: as many as there are further backends.
    pub further_attempts: usize,
    /// The statuses that send the request to the next backend, comma-separated.
    pub statuses: &'static str,
    /// How long each attempt waits for the head of an answer.
    pub attempt_timeout: Duration,
}

/// Trouble, limits, and content that the backend lacks.
const STATUSES: &str = "404,429,500,502,503,504";
/// Trouble and limits only: the first backend's 404 is an answer.
const STATUSES_OWNER_FIRST: &str = "429,500,502,503,504";
/// The same where a registry may hide what it lacks. Only for requests without credentials: to
/// one with them, 401 and 403 are answers that the client must see.
const STATUSES_ANONYMOUS: &str = "401,403,404,429,500,502,503,504";

impl Retry {
    /// For a request that goes to `list`; `None` if there is nobody to go on to.
    #[must_use]
    pub fn of(
        config: &Config,
        list: &List,
        request: &RegistryRequest<'_>,
        choice: Choice,
        anonymous: bool,
    ) -> Option<Self> {
        let further_attempts =
            list.backends().len().checked_sub(1).filter(|further| *further > 0)?;
        let members = || list.backends().iter().filter_map(|id| config.backend(*id));
        let hides = members().any(|backend| backend.resilience().hides_missing);
        // Envoy has one attempt timeout for a request; the most patient backend sets it.
        let timeout = members()
            .map(|backend| attempt_timeout(backend.resilience().attempt_timeouts, request))
            .max()?;
        Some(Self {
            further_attempts,
            statuses: match choice {
                Choice::OwnerForExistence => STATUSES_OWNER_FIRST,
                _ if anonymous && hides => STATUSES_ANONYMOUS,
                _ => STATUSES,
            },
            attempt_timeout: timeout,
        })
    }
}

fn attempt_timeout(timeouts: AttemptTimeouts, request: &RegistryRequest<'_>) -> Duration {
    let is_blob = request.endpoint.class() == Class::Blob || request.method == Method::Head;
    if is_blob { timeouts.blobs } else { timeouts.manifests }
}
