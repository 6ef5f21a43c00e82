//! Envoy follows redirects of a backend only if the attempt phase says so, and sends nothing of the
//! client there.
//!
//! Envoy looks for a route to the URL of a `Location` and starts the request anew if there is one.
//! Each route here wants a header that only the attempt phase writes, into the answer that
//! redirects, from where it is copied. A client cannot send it, and a registry's own is taken out:
//! so there is no other way in.

use std::collections::BTreeSet;

use portolan_core::attempt::MOST_STEPS;
use portolan_core::config::{RedirectHost, Scheme, redirects_cluster};
use portolan_core::contract::headers;
use serde_json::{Map, Value, json};

use super::model::followed_redirects::{Addresses, Followed};
use super::model::serving::Serving;
use super::model::time_limits;
use super::redirect_target_cluster::{self, filter_name};
use super::retry_priority::previous_priorities;
use super::typed::{extension, object, typed};
use super::{budgets, filter_state, geoip, global_rate_limit, health, loops, next_cluster};

/// The name of every route to where redirects lead; routes of other names are not followed to.
const ROUTE: &str = "redirect";

/// How often one request is sent on: for one backend, and once more for another of the list.
const MOST_HOPS: u8 = 2 * MOST_STEPS;

/// The `internal_redirect_policy` of a route.
///
/// A header that the answer does not have is taken out of the request before it starts anew: what
/// one backend was shown is gone before anything reads it, Envoy's own log included.
pub(super) fn policy() -> Value {
    json!({"internal_redirect_policy": {
        "max_internal_redirects": MOST_HOPS,
        "redirect_response_codes": [301, 302, 303, 307, 308],
        // To Envoy every client without TLS to itself asks for `http`.
        "allow_cross_scheme_redirect": true,
        "response_headers_to_copy":
            [headers::CLUSTER, "x-forwarded-proto", "authorization", "cookie", "proxy-authorization"],
        "predicates": [extension(
            "envoy.internal_redirect_predicates.allow_listed_routes",
            "extensions.internal_redirect.allow_listed_routes.v3.AllowListedRoutesConfig",
            json!({"allowed_route_names": [ROUTE]}),
        )],
    }})
}

/// The virtual host of every host that redirects may lead to.
pub(super) fn virtual_host(serving: &Serving<'_>) -> Value {
    let hosts: BTreeSet<&str> = serving
        .followed
        .iter()
        .flat_map(|followed| followed.backend.followed_redirects().hosts())
        .map(RedirectHost::as_str)
        .collect();
    let routes = serving.followed.iter().flat_map(|followed| {
        followed.schemes.iter().map(move |scheme| route(serving, followed, *scheme))
    });
    json!({
        "name": "redirects",
        "domains": hosts,
        // The filter has left only what is about the bytes. This is for whoever leaves out the
        // filter.
        "request_headers_to_remove": ["authorization", "x-envoy-original-url", "referer"],
        "routes": routes.collect::<Vec<_>>(),
    })
}

/// Content takes as long as it takes, as from a registry. Where nothing is delivered the request
/// goes on to the backends of the list that it came from, if there are several; else it is asked
/// for a second time where nothing had come.
fn route(serving: &Serving<'_>, followed: &Followed<'_>, scheme: Scheme) -> Value {
    let backend = followed.backend;
    let cluster = redirects_cluster(backend.key(), scheme);
    let head = backend.resilience().attempt_timeouts.blobs;
    let action = object([
        destination(serving, followed, &cluster),
        json!({
            "timeout": "0s",
            "idle_timeout": time_limits::written(time_limits::of_redirects(backend)),
            "retry_policy": {
                "retry_on": "connect-failure,refused-stream,reset,retriable-headers",
                "retriable_headers": [{"name": headers::GO_ON, "present_match": true}],
                "refresh_cluster_on_retry": true,
                "num_retries": 1,
                "per_try_timeout": health::seconds(head),
                "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
                "retry_priority": previous_priorities(),
            },
        }),
        policy(),
    ]);
    json!({
        "name": ROUTE,
        "match": {
            "prefix": "/",
            "headers": [{"name": headers::CLUSTER, "string_match": {"exact": cluster}}],
        },
        "route": action,
        "typed_per_filter_config": filters_of_a_further_pass(serving, followed.addresses),
    })
}

/// Where the attempts of a further pass go: to where redirects lead, until the filter has named the
/// cluster of those of a list that were not asked.
fn destination(serving: &Serving<'_>, followed: &Followed<'_>, cluster: &str) -> Value {
    if !followed.is_in_a_group {
        return json!({"cluster": cluster});
    }
    next_cluster::specifier(
        &serving.groups,
        Some(followed.backend),
        &next_cluster::to_cluster(cluster),
    )
}

/// The filters that are off on a further pass: they would overwrite what the first pass has noted
/// of the client, since the request has lost most of its headers.
fn filters_of_a_further_pass(serving: &Serving<'_>, addresses: Addresses) -> Map<String, Value> {
    let set = |more: Value| typed("config.route.v3.FilterConfig", more);
    let mut filters = Map::new();
    filters.insert(filter_name(addresses).to_owned(), set(json!({"config": {}})));
    filters.insert(filter_state::NAME.to_owned(), set(json!({"disabled": true})));
    // The first pass has added this installation.
    filters.insert(loops::NAME.to_owned(), set(json!({"disabled": true})));
    if serving.clients.limits().is_some_and(|limits| !limits.budgets().is_empty()) {
        filters.insert(budgets::NAME.to_owned(), set(json!({"disabled": true})));
    }
    if global_rate_limit::filter(serving.clients, serving.records.rate_limit_service).is_some() {
        filters.insert(global_rate_limit::NAME.to_owned(), set(json!({"disabled": true})));
    }
    if serving.geoip_database.is_some() {
        filters.insert(geoip::NAME.to_owned(), set(json!({"disabled": true})));
    }
    filters
}

/// The HTTP filters that find the addresses of the hosts, each switched on by the routes that need
/// it.
pub(super) fn address_filters(followed: &[Followed<'_>]) -> Vec<Value> {
    let kinds: BTreeSet<Addresses> = followed.iter().map(|followed| followed.addresses).collect();
    kinds.into_iter().map(redirect_target_cluster::address_filter).collect()
}
