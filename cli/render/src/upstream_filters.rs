//! The filters of a cluster, which run for every attempt.

use portolan_core::contract::headers;
use serde_json::{Map, Value, json};

use super::model::upstream::UpstreamFilters;
use super::secret::SecretFiles;
use super::typed::extension;
use super::{credential_filter, filter};

/// The headers in which nobody but this Envoy and the filter speak.
const OURS: [&str; 3] = ["x-envoy-", headers::PREFIX, "x-geo-"];

/// The `http_filters` of a cluster; empty if Envoy's own codec is all it needs.
///
/// The attempt phase comes first: it names the credential that the next filter puts in. Without the filter
/// nobody names one. Answers pass them from the last to the first, so that the boundary sees an answer
/// before the attempt phase and Envoy's router do.
pub(super) fn filters(
    filters: Option<&UpstreamFilters<'_>>,
    secrets: SecretFiles<'_>,
) -> Vec<Value> {
    let Some(UpstreamFilters { file, attempt, credentials, answers_the_filter }) = filters else {
        return Vec::new();
    };
    let attempt = attempt.as_ref().map(|attempt| filter::filter("portolan-attempt", file, attempt));
    let injector = credential_filter::filter(credentials, secrets);
    let is_for_clients = !answers_the_filter && attempt.is_none();
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

/// The last filter of every chain, as the router is in the listener's.
fn codec() -> Value {
    extension(
        "envoy.filters.http.upstream_codec",
        "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        json!({}),
    )
}
