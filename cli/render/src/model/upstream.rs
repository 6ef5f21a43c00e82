//! The filters that a cluster runs for each attempt.

use portolan_core::config::credential_usage::{self, Audience};
use portolan_core::config::{Backend, BackendAuth, BackendList, Config, Credential};

use crate::options::{FilterFile, Options, Target};

/// Whom the requests of a cluster reach.
#[derive(Clone, Copy)]
pub(super) enum Destination<'a, 'p> {
    /// The backends of a list, one after the other.
    List(&'a [&'p Backend]),
    /// One backend.
    Backend(&'p Backend),
    /// One backend, which is the last one of a list that was not asked.
    LastResort(&'p Backend),
    /// The token service of a backend.
    TokenService(&'p Backend),
}

/// The filters of a cluster.
pub(crate) struct UpstreamFilters<'p> {
    /// The filter.
    pub(crate) file: &'p FilterFile,
    /// Whether it has anything to do in an attempt.
    pub(crate) attempts: bool,
    /// The credentials that Envoy may put into an attempt, by name.
    pub(crate) credentials: Vec<&'p Credential>,
}

impl<'p> UpstreamFilters<'p> {
    /// Those of a cluster; none without the filter, as nobody names a credential then.
    pub(super) fn of(
        config: &'p Config,
        destination: Destination<'_, 'p>,
        options: &'p Options,
    ) -> Option<Self> {
        Some(Self {
            file: options.filter.as_ref()?,
            attempts: runs_attempt_phase(config, destination),
            credentials: credentials(config, destination),
        })
    }
}

/// Whether the attempt phase of an only backend may mark an answer: then a refused token is
/// replaced.
pub(super) fn marks_of_one(config: &Config) -> bool {
    config
        .backends()
        .iter()
        .any(|backend| runs_attempt_phase(config, Destination::Backend(backend)))
}

/// The filter of those attempts whose clusters have no filters themselves. An Envoy whose policy
/// changes has it always: if it came and went, so would the listener and its connections.
pub(super) fn of_attempts<'p>(config: &Config, options: &'p Options) -> Option<&'p FilterFile> {
    let has_lists = config.lists().iter().any(BackendList::has_fallback);
    let is_fixed = options.target == Target::Files;
    let is_needed = is_fixed || has_lists || marks_of_one(config);
    options.filter.as_ref().filter(|_| is_needed)
}

/// Whether the attempt phase has anything to do.
///
/// * In a list it chooses what the backend of each attempt is sent.
/// * For one backend it puts in the token that the proxy holds, or names the proxy's credential;
///   what clients bring themselves is in the request already.
/// * Where redirects are followed, a second pass of a request may reach any cluster of a backend.
/// * Requests to a token service are made by the filter itself, which cannot be called while it
///   calls: the module would stop.
fn runs_attempt_phase(config: &Config, destination: Destination<'_, '_>) -> bool {
    match destination {
        Destination::List(_) | Destination::LastResort(_) => true,
        Destination::TokenService(_) => false,
        Destination::Backend(backend) => {
            let is_open = matches!(backend.auth(), BackendAuth::Open);
            let follows = |backend: &Backend| backend.followed_redirects().any_followed();
            backend.credential().is_some()
                || (!is_open && credential_usage::proxy_authenticates(config))
                || config.backends().iter().any(follows)
        }
    }
}

/// The credentials that requests through a cluster may need: none but those of whom they reach.
fn credentials<'p>(config: &'p Config, destination: Destination<'_, 'p>) -> Vec<&'p Credential> {
    let sent_to = |backend: &Backend, audience| {
        credential_usage::of(config, backend)
            .filter(|(_, to)| *to == audience)
            .map(|(credential, _)| credential)
    };
    let mut all: Vec<&'p Credential> = match destination {
        Destination::Backend(backend) | Destination::LastResort(backend) => {
            sent_to(backend, Audience::Backend).into_iter().collect()
        }
        Destination::TokenService(backend) => {
            sent_to(backend, Audience::TokenService).into_iter().collect()
        }
        Destination::List(list) => {
            list.iter().filter_map(|backend| sent_to(backend, Audience::Backend)).collect()
        }
    };
    all.sort_by_key(|credential| credential.name());
    all.dedup();
    all
}
