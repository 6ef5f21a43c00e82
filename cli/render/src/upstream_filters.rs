//! The filters of a cluster, which run for every attempt.

use portolan_core::contract::{Role, headers};
use serde_json::{Map, Value, json};

use super::model::upstream::UpstreamFilters;
use super::options::FilterFile;
use super::secret::SecretFiles;
use super::typed::extension;
use super::{credential_filter, filter};

/// The headers in which nobody but this Envoy and the filter speak.
const OURS: [&str; 3] = ["x-envoy-", headers::PREFIX, "x-geo-"];

/// The `http_filters` of a cluster; empty if those of the router are all it needs.
///
/// The filters of a cluster take the place of the router's. So a cluster that has any has the
/// attempt phase as well, if attempts through it need that. It comes first: it names the credential
/// that the next filter puts in. Without the filter nobody names one. Answers pass them from the
/// last to the first, so that the boundary sees an answer before the attempt phase and Envoy's
/// router do.
pub(super) fn filters(
    filters: Option<&UpstreamFilters<'_>>,
    secrets: SecretFiles<'_>,
) -> Vec<Value> {
    let Some(UpstreamFilters { file, attempts, credentials }) = filters else {
        return Vec::new();
    };
    let injector = credential_filter::filter(credentials, secrets);
    if *attempts && injector.is_none() {
        return Vec::new();
    }
    let attempt = attempts.then(|| attempt(file));
    let names = injector.as_ref().map(|_| headers::CREDENTIAL);
    let boundary = (!attempts || names.is_some()).then(|| boundary(names.as_slice(), !attempts));
    attempt.into_iter().chain(injector).chain(boundary).chain([codec()]).collect()
}

/// The `upstream_http_filters` of a router: the attempt phase, once for all clusters that have no
/// filters. Each filter of the configuration costs a start a hundredth of a second, in which Envoy
/// reads the module, and there may be a cluster for each of thousands of lists.
pub(super) fn of_the_router(file: &FilterFile) -> Vec<Value> {
    vec![attempt(file), codec()]
}

/// The attempt phase.
fn attempt(file: &FilterFile) -> Value {
    filter::filter("portolan-attempt", file, &Role::Attempt)
}

/// The `http_filters` of a cluster that the filter itself asks, where no client sees an answer.
///
/// Whom it asks takes the address of the connection for that of the proxy, and learns no other.
pub(super) fn of_calls(
    filters: Option<&UpstreamFilters<'_>>,
    secrets: SecretFiles<'_>,
) -> Vec<Value> {
    let credentials = filters.map(|filters| filters.credentials.as_slice()).unwrap_or_default();
    let injector = credential_filter::filter(credentials, secrets);
    let names = injector.as_ref().map(|_| headers::CREDENTIAL);
    let removed: Vec<&str> = names.into_iter().chain(OF_CALLS).collect();
    injector.into_iter().chain([boundary(&removed, false), codec()]).collect()
}

/// What Envoy adds to a request that a filter makes: the address of this machine among its own,
/// that the request is from within, and how long it may take.
const OF_CALLS: [&str; 3] =
    ["x-forwarded-for", "x-envoy-internal", "x-envoy-expected-rq-timeout-ms"];

/// What does not cross between this Envoy and whom it asks.
///
/// * A request has no headers that are `removed`: it does not say what a credential is called here.
/// * An answer does not speak in the name of this Envoy or of the filter (`is_for_clients`), as
///   [`attempt::is_internal`] says. Where the attempt phase runs it sees to that: it reads the
///   answer anyway.
fn boundary(removed: &[&str], is_for_clients: bool) -> Value {
    let mut mutations = Map::new();
    if !removed.is_empty() {
        let removed: Vec<Value> = removed.iter().map(|name| json!({"remove": name})).collect();
        mutations.insert("request_mutations".to_owned(), removed.into());
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
    vec![filter, boundary(&[], true), codec()]
}

/// The last filter of every chain, as the router is in the listener's.
fn codec() -> Value {
    extension(
        "envoy.filters.http.upstream_codec",
        "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        json!({}),
    )
}
