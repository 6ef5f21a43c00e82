//! From the filter's decision to a cluster.

use std::time::Duration;

use portolan_core::config::{ALONE, Backend, Config, List};
use portolan_core::contract::headers;
use portolan_core::policy::TOKEN_PATH;
use serde_json::{Map, Value, json};

use super::options::Options;
use super::retry_priority::previous_priorities;
use super::typed::{object, typed};
use super::{
    browsers, filter, followed_redirects, http3, next_cluster, patience, redirects,
    upstream_filters, upstream_headers,
};

/// All requests take the cluster that the filter named; reads may be tried twice.
///
/// `internal_only_headers` says a second time that no client names a cluster, or a credential of the
/// proxy's. Without the header of the cluster Envoy answers 503: a request that nobody decided about goes nowhere. `to_first_backend` takes
/// the policy's first backend instead, for a configuration without the filter.
pub(super) fn route_config(config: &Config, options: &Options) -> Value {
    let to_first_backend = options.filter.is_none();
    let first = config.backends().first().filter(|_| to_first_backend).map(Backend::cluster);
    let routes = routes(config, first, options);
    let mut virtual_hosts = browsers::virtual_hosts(config, &routes);
    let pages = browsers::of_other_hosts(config);
    let pages =
        if pages.is_empty() { json!({}) } else { json!({"typed_per_filter_config": pages}) };
    let all = json!({"name": "portolan", "domains": ["*"], "routes": routes});
    virtual_hosts.insert(0, object([all, pages]));
    if followed_redirects::are_followed(config, options) {
        virtual_hosts.push(redirects::virtual_host(config, options));
    }
    let all = json!({
        "name": "portolan",
        "internal_only_headers": [headers::CLUSTER, headers::CREDENTIAL],
        "request_headers_to_remove": upstream_headers::removed_from_requests(config.clients()),
        "response_headers_to_remove": upstream_headers::REMOVED_FROM_RESPONSES,
        "virtual_hosts": virtual_hosts,
    });
    object([all, http3::advertised(options)])
}

fn routes(config: &Config, first: Option<&str>, options: &Options) -> Vec<Value> {
    let mut routes = Vec::new();
    if has_token_endpoint(config) && options.filter.is_some() {
        routes.push(token_endpoint(config));
    }
    let follow = followed_redirects::are_followed(config, options).then(redirects::policy);
    let read = |name: &str, header: Value, cluster: &Value, retry: Value, idle: Duration| {
        let action = action(cluster, Some(retry), idle);
        json!({
            "name": name,
            "match": {"prefix": "/", "headers": [header]},
            "route": object([action, follow.clone().unwrap_or_default()]),
        })
    };
    let named = named_by_the_filter(first);
    if config.lists().iter().any(List::has_fallback) {
        let cluster = reading_cluster(config, first);
        let idle = patience::of_lists(config);
        routes.push(read("read of several", has_fallback(), &cluster, retry_of_several(), idle));
    }
    let marked = options.filter.is_some() && upstream_filters::marks_of_one(config);
    for method in ["GET", "HEAD"] {
        let idle = patience::of_one(config);
        routes.push(read("read", is_method(method), &named, retry_of_one(marked), idle));
    }
    routes.push(json!({
        "name": "write",
        "match": {"prefix": "/"},
        "route": action(&named, None, patience::of_writes(config)),
    }));
    routes
}

/// Whether clients of any front have tokens.
pub(super) fn has_token_endpoint(config: &Config) -> bool {
    config.fronts().any_upstream()
}

/// The token endpoint. The filter answers it; what it did not answer must go nowhere. The name of an
/// upstream may follow in its path.
fn token_endpoint(config: &Config) -> Value {
    let has_upstreams = config.fronts().all().iter().any(|front| front.upstreams().is_some());
    let kind = if has_upstreams { "path_separated_prefix" } else { "path" };
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

/// A read goes on to the next backend of its list after an answer that the attempt phase has marked, and
/// after none; the filter says how often, and Envoy looks for the route anew when it has.
fn retry_of_several() -> Value {
    object([
        retry("connect-failure,refused-stream,reset,retriable-headers"),
        json!({
            "retriable_headers": marked(),
            "refresh_cluster_on_retry": true,
            "retry_priority": previous_priorities(),
        }),
    ])
}

/// A request with nobody to go on to is tried once more if its backend has certainly seen nothing of it. To
/// Envoy a time-out is a reset as well: whoever was asked and is slow would be asked twice. A write is not
/// retried at all: its body would have to be kept, and what a registry made of the first half is unknown.
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
        "per_try_timeout": patience::written(ALONE),
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
    })
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
            "idle_timeout": patience::written(idle),
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

/// The same for reads of lists of several: the attempts after the first go to those that were not asked.
fn reading_cluster(config: &Config, first: Option<&str>) -> Value {
    if first.is_some() {
        return named_by_the_filter(first);
    }
    next_cluster::specifier(config, None, &next_cluster::of_the_request(config))
}
