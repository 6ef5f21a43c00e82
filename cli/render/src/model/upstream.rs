//! The filters that a cluster runs for each attempt.

use portolan_core::attempt::may_overlap;
use portolan_core::config::credential_usage::{self, Audience};
use portolan_core::config::{Backend, BackendAuth, BackendList, Config, Credential, HedgeAfter};
use portolan_core::contract::Role;

use crate::options::{FilterFile, Options};

/// Whom the requests of a cluster reach.
#[derive(Clone, Copy)]
pub(super) enum Destination<'a, 'p> {
    /// The backends of a list, one after the other.
    List(&'a [&'p Backend]),
    /// The same, of which so many at the end are asked after the others.
    Sparing(&'a [&'p Backend], usize),
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
    /// What it does in each attempt, if there is anything to do.
    pub(crate) attempt: Option<Role>,
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
            attempt: runs_attempt_phase(config, destination)
                .then(|| attempt_phase(config, destination)),
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

/// The attempt phase is told which backends are in its list: it has Envoy go on as long as there is
/// one that was not asked.
fn attempt_phase(config: &Config, destination: Destination<'_, '_>) -> Role {
    let list: Vec<&str> = match destination {
        Destination::List(list) => list.iter().map(|backend| backend.key()).collect(),
        Destination::Sparing(list, spared) => {
            // Those that are asked first: later attempts go on among them. Is it only one, what is
            // noted in the request says the list, and those that are spared are next.
            let first = list.len().saturating_sub(spared);
            list.iter().take(first).map(|backend| backend.key()).collect()
        }
        Destination::Backend(_) | Destination::LastResort(_) | Destination::TokenService(_) => {
            Vec::new()
        }
    };
    let may_overlap =
        matches!(destination, Destination::List(list) if lists_may_overlap(config, list));
    if may_overlap { Role::overlapping_attempt(&list) } else { Role::attempt(&list) }
}

/// Whether two backends of a list may be asked at a time. The clusters of later attempts have lists
/// of their own, of which a part of a longer list may be equal to a list of two: those attempts are
/// no first ones, and see that.
fn lists_may_overlap(config: &Config, backends: &[&Backend]) -> bool {
    // There may be thousands of lists.
    if backends.iter().any(|one| one.resilience().hedge_after == HedgeAfter::Never) {
        return false;
    }
    let is_of_these = |list: &BackendList| {
        let members = list.backends().iter().filter_map(|id| config.backend(*id));
        members.map(Backend::key).eq(backends.iter().map(|backend| backend.key()))
    };
    config.lists().iter().any(|list| is_of_these(list) && may_overlap(config, list))
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
        Destination::List(_) | Destination::Sparing(..) | Destination::LastResort(_) => true,
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
        Destination::List(list) | Destination::Sparing(list, _) => {
            list.iter().filter_map(|backend| sent_to(backend, Audience::Backend)).collect()
        }
    };
    all.sort_by_key(|credential| credential.name());
    all.dedup();
    all
}
