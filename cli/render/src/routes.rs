//! Routes: from the filter's decision to a cluster.

use std::time::Duration;

use portolan_core::config::ALONE;
use portolan_core::contract::headers;
use portolan_core::policy::TOKEN_PATH;
use portolan_core::policy::cache::THROUGH;
use serde_json::{Map, Value, json};

use super::model::fronts::TokenEndpoint;
use super::model::groups::Groups;
use super::model::serving::Serving;
use super::model::time_limits;
use super::retry_priority::previous_priorities;
use super::typed::{object, typed};
use super::{
    browsers, cache, filter, followed_redirects, http3, loops, next_cluster, upstream_headers,
};

/// All requests take the cluster that the filter named; reads may be tried twice.
///
/// `internal_only_headers` says a second time that no client names a cluster, or a credential of
/// the proxy's. Without the header of the cluster Envoy answers 503: a request that nobody decided
/// about goes nowhere. `only_cluster` is the policy's first backend instead, for a configuration
/// without the filter.
pub(super) fn route_config(serving: &Serving<'_>) -> Value {
    with_routes(serving, &routes(serving))
}

/// The same for the listener that fills caches.
pub(super) fn route_config_of_fills(serving: &Serving<'_>) -> Value {
    let through = serving.groups.has_stale_tags.then(|| through_a_cache(serving));
    let all: Vec<Value> = through.into_iter().chain(routes(serving)).collect();
    with_routes(serving, &all)
}

/// What this Envoy wants from a cache, because of its tags (`stale_tags`). The node that lacks it
/// comes back to this listener to be filled, and has passed it once then.
fn through_a_cache(serving: &Serving<'_>) -> Value {
    let cluster = reading_cluster(&serving.groups, serving.only_cluster);
    let mut filters = Map::new();
    filters.insert(
        loops::NAME.to_owned(),
        typed("config.route.v3.FilterConfig", json!({"disabled": true})),
    );
    json!({
        "name": "through a cache",
        "match": {
            "prefix": "/",
            "query_parameters": [{"name": THROUGH, "present_match": true}],
        },
        "route": object([
            action(&cluster, Some(retry_of_several()), serving.time_limits.several),
            cache::hash_policy(true),
        ]),
        "typed_per_filter_config": filters,
    })
}

fn with_routes(serving: &Serving<'_>, routes: &[Value]) -> Value {
    let mut virtual_hosts = browsers::virtual_hosts(&serving.fronts, routes);
    let pages = browsers::of_other_hosts(&serving.fronts);
    let pages =
        if pages.is_empty() { json!({}) } else { json!({"typed_per_filter_config": pages}) };
    let all = json!({"name": "portolan", "domains": ["*"], "routes": routes});
    virtual_hosts.insert(0, object([all, pages]));
    if serving.follows_redirects {
        virtual_hosts.push(followed_redirects::virtual_host(serving));
    }
    let (name, value) = upstream_headers::SANDBOX;
    let added = [upstream_headers::set(name, value)].into_iter();
    let added: Vec<Value> = added.chain(http3::advertised(serving.http3)).collect();
    json!({
        "name": "portolan",
        "internal_only_headers": [headers::CLUSTER, headers::CREDENTIAL],
        "request_headers_to_remove": serving.headers.removed_for_backends,
        "response_headers_to_remove": upstream_headers::REMOVED_FROM_RESPONSES,
        "response_headers_to_add": added,
        "virtual_hosts": virtual_hosts,
    })
}

fn routes(serving: &Serving<'_>) -> Vec<Value> {
    let mut routes = Vec::new();
    if let (Some(endpoint), Some(_)) = (serving.fronts.token_endpoint, serving.filter) {
        routes.push(token_endpoint(endpoint));
    }
    let follow = serving.follows_redirects.then(followed_redirects::policy);
    let read = |name: &str, header: Value, cluster: &Value, retry: Value, idle: Duration| {
        let action = object([
            action(cluster, Some(retry), idle),
            cache::hash_policy(serving.needs.has_caches),
        ]);
        json!({
            "name": name,
            "match": {"prefix": "/", "headers": [header]},
            "route": object([action, follow.clone().unwrap_or_default()]),
        })
    };
    let named = named_by_the_filter(serving.only_cluster);
    if !serving.groups.several.is_empty() {
        let cluster = reading_cluster(&serving.groups, serving.only_cluster);
        let idle = serving.time_limits.several;
        routes.push(read("read of several", has_fallback(), &cluster, retry_of_several(), idle));
    }
    for method in ["GET", "HEAD"] {
        let idle = serving.time_limits.single;
        routes.push(read(
            "read",
            is_method(method),
            &named,
            retry_of_one(serving.marks_of_one),
            idle,
        ));
    }
    routes.push(json!({
        "name": "write",
        "match": {"prefix": "/"},
        "route": action(&named, None, serving.time_limits.writes),
    }));
    routes
}

/// The token endpoint. The filter answers it; what it did not answer must go nowhere. The name of
/// an upstream may follow in its path.
fn token_endpoint(endpoint: TokenEndpoint) -> Value {
    let kind = if endpoint.has_upstreams { "path_separated_prefix" } else { "path" };
    let mut filters = Map::new();
    filters.insert(
        filter::TOKEN_FORM.to_owned(),
        typed("config.route.v3.FilterConfig", json!({"config": {}})),
    );
    json!({
        "name": "token",
        "match": {kind: TOKEN_PATH},
        "direct_response": {"status": 503},
        "typed_per_filter_config": filters,
    })
}

/// Only the filter sets this header, and only for a read that several backends can answer.
fn has_fallback() -> Value {
    json!({"name": "x-envoy-max-retries", "present_match": true})
}

fn is_method(method: &str) -> Value {
    json!({"name": ":method", "string_match": {"exact": method}})
}

/// A read goes on to the next backend of its list after an answer that the attempt phase has
/// marked, and after none; the filter says how often, and Envoy looks for the route anew when it
/// has.
///
/// It goes on at once: the next backend is another one. A wait would do harm where reads are
/// hedged. If the first begins its answer in that wait, Envoy 1.40 counts the attempt that it gives
/// up as one to come, and ends the client's answer no more when a registry cuts the body.
fn retry_of_several() -> Value {
    object([
        retry("connect-failure,refused-stream,reset,retriable-headers"),
        json!({
            "retry_back_off": back_off("0.001s"),
            "retriable_headers": marked(),
            "refresh_cluster_on_retry": true,
            "retry_priority": previous_priorities(),
        }),
    ])
}

/// A request with nobody to go on to is tried once more if its backend has certainly seen nothing
/// of it. To Envoy a time-out is a reset as well: whoever was asked and is slow would be asked
/// twice. A write is not retried at all: its body would have to be kept, and what a registry made
/// of the first half is unknown.
///
/// Where the attempt phase may mark an answer (`is_marked`), a refused token is replaced.
fn retry_of_one(is_marked: bool) -> Value {
    const UNSEEN: &str = "connect-failure,refused-stream,reset-before-request";
    if is_marked {
        let policy = retry(&format!("{UNSEEN},retriable-headers"));
        object([policy, json!({"retriable_headers": marked()})])
    } else {
        retry(UNSEEN)
    }
}

fn marked() -> Value {
    json!([{"name": headers::GO_ON, "present_match": true}])
}

fn retry(retry_on: &str) -> Value {
    json!({
        "retry_on": retry_on,
        "num_retries": 1,
        "per_try_timeout": time_limits::written(ALONE),
        "retry_back_off": back_off("0.005s"),
    })
}

/// The first wait is below the interval, in whole milliseconds: of one millisecond it is none.
fn back_off(interval: &str) -> Value {
    json!({"base_interval": interval, "max_interval": "0.05s"})
}

/// `auto_host_rewrite` sends the authority that stands at the endpoint. The client's would make
/// a registry look for a host that it does not serve.
fn action(cluster: &Value, retry: Option<Value>, idle: Duration) -> Value {
    let retry = retry.map_or(Value::Null, |retry| json!({"retry_policy": retry}));
    object([
        cluster.clone(),
        json!({
            "auto_host_rewrite": true,
            "timeout": "0s",
            "idle_timeout": time_limits::written(idle),
        }),
        retry,
    ])
}

/// The cluster that the filter names, or the first backend's where there is no filter.
fn named_by_the_filter(first: Option<&str>) -> Value {
    match first {
        Some(cluster) => json!({"cluster": cluster}),
        None => json!({"cluster_header": headers::CLUSTER}),
    }
}

/// The same for reads of lists of several: the attempts after the first go to those that were not
/// asked.
fn reading_cluster(groups: &Groups<'_>, first: Option<&str>) -> Value {
    if first.is_some() {
        return named_by_the_filter(first);
    }
    next_cluster::specifier(groups, None, &next_cluster::of_the_request(groups))
}
