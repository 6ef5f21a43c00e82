//! How Envoy follows redirects: only where the attempt phase tells it to, and with nothing of the client's.
//!
//! Envoy looks for a route to the URL of a `Location` and starts the request anew if there is one. Each route
//! here wants a header that only the attempt phase writes, into the answer that redirects, from where it is
//! copied. A client cannot send it, and a registry's own is taken out: so there is no other way in.

use std::collections::BTreeSet;

use portolan_core::config::{Backend, Config, List, RedirectHost, Scheme, redirects_cluster};
use portolan_core::contract::headers;
use serde_json::{Map, Value, json};

use super::envoy_version::EnvoyVersion;
use super::error::RenderError;
use super::followed_redirects::{are_followed, followed, schemes};
use super::options::Options;
use super::redirect_cluster::{self, Addresses};
use super::retry_priority::previous_priorities;
use super::typed::{extension, object, typed};
use super::{budgets, filter_state, geoip, health, loops, next_cluster, patience};

/// The name of every route to where redirects lead; routes of other names are not followed to.
const ROUTE: &str = "redirect";

/// How often one request is sent on.
const MOST_HOPS: u32 = 5;

/// Refuses an Envoy that would follow to where the policy does not let it.
///
/// # Errors
///
/// A backend whose redirects may not lead to private addresses, and an Envoy that cannot see to that.
pub(super) fn check(config: &Config, envoy: EnvoyVersion) -> Result<(), RenderError> {
    let mut public = followed(config).filter(|backend| !backend.redirects().private_addresses());
    match public.next() {
        Some(backend) if !envoy.filters_addresses() => {
            Err(RenderError::PrivateAddresses { backend: backend.name().to_owned(), envoy })
        }
        _ => Ok(()),
    }
}

/// The `internal_redirect_policy` of a route.
///
/// A header that the answer does not have is taken out of the request before it starts anew: what one
/// backend was shown is gone before anything reads it, Envoy's own log included.
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
pub(super) fn virtual_host(config: &Config, options: &Options) -> Value {
    let hosts: BTreeSet<&str> = followed(config)
        .flat_map(|backend| backend.redirects().hosts())
        .map(RedirectHost::as_str)
        .collect();
    let routes = followed(config).flat_map(|backend| {
        schemes(backend).map(move |scheme| route(config, backend, scheme, options))
    });
    json!({
        "name": "redirects",
        "domains": hosts,
        // The filter has left only what is about the bytes. This is for whoever leaves out the filter.
        "request_headers_to_remove": ["authorization", "x-envoy-original-url", "referer"],
        "routes": routes.collect::<Vec<_>>(),
    })
}

/// Content takes as long as it takes, as from a registry. Where nothing is delivered the request goes on to
/// the backends of the list that it came from, if there are several; else it is asked for a second time
/// where nothing had come.
fn route(config: &Config, backend: &Backend, scheme: Scheme, options: &Options) -> Value {
    let cluster = redirects_cluster(backend.key(), scheme);
    let head = backend.resilience().attempt_timeouts.blobs;
    let action = object([
        destination(config, backend, &cluster),
        json!({
            "timeout": "0s",
            "idle_timeout": patience::written(patience::of_redirects(backend)),
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
        "typed_per_filter_config": filters_of_a_further_pass(config, backend, options),
    })
}

/// Where the attempts of a further pass go: to where redirects lead, until the filter has named the
/// cluster of those of a list that were not asked.
fn destination(config: &Config, backend: &Backend, cluster: &str) -> Value {
    let lists = config.lists().iter().filter(|list| list.has_fallback());
    let mut members = lists.flat_map(List::backends).filter_map(|id| config.backend(*id));
    if !members.any(|member| member.name() == backend.name()) {
        return json!({"cluster": cluster});
    }
    next_cluster::specifier(config, Some(backend), &next_cluster::to_cluster(cluster))
}

/// The filters that are off on a further pass: they would overwrite what the first pass has noted of the
/// client, since the request has lost most of its headers.
fn filters_of_a_further_pass(
    config: &Config,
    backend: &Backend,
    options: &Options,
) -> Map<String, Value> {
    let set = |more: Value| typed("config.route.v3.FilterConfig", more);
    let addresses = Addresses::of(backend);
    let mut filters = Map::new();
    filters.insert(addresses.filter_name().to_owned(), set(json!({"config": {}})));
    filters.insert(filter_state::NAME.to_owned(), set(json!({"disabled": true})));
    // The first pass has added this installation.
    filters.insert(loops::NAME.to_owned(), set(json!({"disabled": true})));
    if budgets::filter(config.clients()).is_some() {
        filters.insert(budgets::NAME.to_owned(), set(json!({"disabled": true})));
    }
    if options.geoip_database.is_some() {
        filters.insert(geoip::NAME.to_owned(), set(json!({"disabled": true})));
    }
    filters
}

/// The HTTP filters that find the addresses of the hosts, each switched on by the routes that need it.
pub(super) fn address_filters(config: &Config, options: &Options) -> Vec<Value> {
    if !are_followed(config, options) {
        return Vec::new();
    }
    let kinds: BTreeSet<Addresses> = followed(config).map(Addresses::of).collect();
    kinds.into_iter().map(redirect_cluster::address_filter).collect()
}
