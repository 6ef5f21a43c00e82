//! The filters of a cluster: they run anew for every attempt that its requests make.

use portolan_core::attempt::may_overlap;
use portolan_core::config::{Backend, BackendAuth, Config, Credential, List};
use portolan_core::contract::{Role, headers};
use serde_json::{Map, Value, json};

use super::options::Options;
use super::typed::extension;
use super::{credential_filter, filter};
use crate::credential::usage::{self, Audience};

/// Whom the requests of a cluster reach.
#[derive(Clone, Copy)]
pub(super) enum Destination<'p> {
    /// The backends of a list, one after the other.
    List(&'p [&'p Backend]),
    /// The same, of which so many at the end are asked after the others.
    Sparing(&'p [&'p Backend], usize),
    /// One backend.
    Backend(&'p Backend),
    /// One backend, which is the last one of a list that was not asked.
    LastResort(&'p Backend),
    /// The token service of a backend.
    TokenService(&'p Backend),
}

/// The headers in which nobody but this Envoy and the filter speak.
const OURS: [&str; 3] = ["x-envoy-", headers::PREFIX, "x-geo-"];

/// The `http_filters` of a cluster; empty if Envoy's own codec is all it needs.
///
/// The attempt phase comes first: it names the credential that the next filter puts in. Without the filter
/// nobody names one. Answers pass them from the last to the first, so that the boundary sees an answer
/// before the attempt phase and Envoy's router do.
pub(super) fn filters(
    config: &Config,
    destination: Destination<'_>,
    options: &Options,
) -> Vec<Value> {
    let Some(file) = &options.filter else { return Vec::new() };
    let attempt = runs_attempt_phase(config, destination)
        .then(|| filter::filter("portolan-attempt", file, &attempt_phase(config, destination)));
    let credentials = credentials(config, destination);
    let injector = credential_filter::filter(&credentials, options);
    let answers_to_the_filter = matches!(destination, Destination::TokenService(_));
    if answers_to_the_filter && injector.is_none() {
        return Vec::new();
    }
    let is_for_clients = !answers_to_the_filter && attempt.is_none();
    let names_credential = injector.is_some();
    let boundary =
        (is_for_clients || names_credential).then(|| boundary(names_credential, is_for_clients));
    attempt.into_iter().chain(injector).chain(boundary).chain([codec()]).collect()
}

/// What does not cross between this Envoy and whom it asks.
///
/// * A request does not say what a credential is called here (`names_credential`).
/// * An answer does not speak in the name of this Envoy or of the filter (`is_for_clients`), as
///   [`attempt::is_internal`] says. Where the attempt phase runs it sees to that: it reads the answer anyway.
fn boundary(names_credential: bool, is_for_clients: bool) -> Value {
    let mut mutations = Map::new();
    if names_credential {
        let name = json!([{"remove": headers::CREDENTIAL}]);
        mutations.insert("request_mutations".to_owned(), name);
    }
    if is_for_clients {
        let removed =
            OURS.map(|prefix| json!({"remove_on_match": {"key_matcher": {"prefix": prefix}}}));
        mutations.insert("response_mutations".to_owned(), removed.to_vec().into());
    }
    extension(
        "envoy.filters.http.header_mutation",
        "extensions.filters.http.header_mutation.v3.HeaderMutation",
        json!({"mutations": mutations}),
    )
}

/// The filters of a cluster that reaches where redirects lead, behind the one that is given.
pub(super) fn behind(filter: Value) -> Vec<Value> {
    vec![filter, boundary(false, true), codec()]
}

/// Whether the attempt phase of an only backend may mark an answer: then a refused token is replaced.
pub(super) fn marks_of_one(config: &Config) -> bool {
    config
        .backends()
        .iter()
        .any(|backend| runs_attempt_phase(config, Destination::Backend(backend)))
}

/// The attempt phase is told which backends are in its list: it has Envoy go on as long as there is one
/// that was not asked.
fn attempt_phase(config: &Config, destination: Destination<'_>) -> Role {
    let list: Vec<&str> = match destination {
        Destination::List(list) => list.iter().map(|backend| backend.key()).collect(),
        Destination::Sparing(list, spared) => {
            // Those that are asked first: later attempts go on among them. Is it only one, what is noted in the request says
            // the list, and those that are spared are next.
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

/// Whether two backends of a list may be asked at a time. The clusters of later attempts have lists of their own, of
/// which a part of a longer list may be equal to a list of two: those attempts are no first ones, and see that.
fn lists_may_overlap(config: &Config, backends: &[&Backend]) -> bool {
    let keys = |list: &List| -> Vec<&str> {
        list.backends().iter().filter_map(|id| config.backend(*id)).map(Backend::key).collect()
    };
    let wanted: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
    config.lists().iter().any(|list| keys(list) == wanted && may_overlap(config, list))
}

/// Whether the attempt phase has anything to do.
///
/// * In a list it chooses what the backend of each attempt is sent.
/// * For one backend it puts in the token that the proxy holds, or names the proxy's credential; what clients
///   bring themselves is in the request already.
/// * Where redirects are followed, a second pass of a request may reach any cluster of a backend.
/// * Requests to a token service are made by the filter itself, which cannot be called while it calls:
///   the module would stop.
fn runs_attempt_phase(config: &Config, destination: Destination<'_>) -> bool {
    match destination {
        Destination::List(_) | Destination::Sparing(..) | Destination::LastResort(_) => true,
        Destination::TokenService(_) => false,
        Destination::Backend(backend) => {
            let is_open = matches!(backend.auth(), BackendAuth::Open);
            let follows = |backend: &Backend| backend.redirects().any_followed();
            backend.credential().is_some()
                || (!is_open && usage::proxy_authenticates(config))
                || config.backends().iter().any(follows)
        }
    }
}

/// The credentials that requests through a cluster may need: none but those of whom they reach.
fn credentials<'c>(config: &'c Config, destination: Destination<'_>) -> Vec<&'c Credential> {
    let sent_to = |backend: &Backend, audience| {
        usage::of(config, backend)
            .filter(|(_, to)| *to == audience)
            .map(|(credential, _)| credential)
    };
    let mut all: Vec<&Credential> = match destination {
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

/// The last filter of every chain, as the router is in the listener's.
fn codec() -> Value {
    extension(
        "envoy.filters.http.upstream_codec",
        "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        json!({}),
    )
}
