//! From the filter's decision to a cluster.

use portolan_core::attempt;
use portolan_core::config::{Backend, Config, List};
use portolan_core::policy::TOKEN_PATH;
use serde_json::{Map, Value, json};

use super::connection_manager::IDLE;
use super::credential_filter::CREDENTIAL_HEADER;
use super::options::Options;
use super::typed::{extension, object, typed};
use super::{next_cluster, redirects, upstream_headers, wasm};

/// The header in which the filter names the cluster.
pub(super) const CLUSTER_HEADER: &str = "x-portolan-cluster";

/// All requests take the cluster that the filter named; reads may be tried twice.
///
/// `internal_only_headers` says a second time that no client names a cluster, or a credential of the
/// proxy's. Without the header of the cluster Envoy answers 503: a request that nobody decided about goes nowhere. `to_first_backend` takes
/// the policy's first backend instead, for a configuration without the filter.
pub(super) fn route_config(config: &Config, options: &Options) -> Value {
    let to_first_backend = options.wasm.is_none();
    let first = config.backends().first().filter(|_| to_first_backend).map(Backend::cluster);
    let mut virtual_hosts = vec![json!({
        "name": "portolan",
        "domains": ["*"],
        "routes": routes(config, first, options),
    })];
    if redirects::are_followed(config, options) {
        virtual_hosts.push(redirects::virtual_host(config, options));
    }
    json!({
        "name": "portolan",
        "internal_only_headers": [CLUSTER_HEADER, CREDENTIAL_HEADER],
        "request_headers_to_remove": upstream_headers::removed_from_requests(config.clients()),
        "response_headers_to_remove": upstream_headers::REMOVED_FROM_RESPONSES,
        "virtual_hosts": virtual_hosts,
    })
}

fn routes(config: &Config, first: Option<&str>, options: &Options) -> Vec<Value> {
    let mut routes = Vec::new();
    if has_token_endpoint(config) && options.wasm.is_some() {
        routes.push(token_endpoint(config));
    }
    let follow = redirects::are_followed(config, options).then(redirects::policy);
    routes.push(json!({
        "name": "read",
        "match": {"prefix": "/", "headers": [reading()]},
        "route": object([
            action(&reading_cluster(config, first), Some(retry())),
            follow.unwrap_or_default(),
        ]),
    }));
    routes.push(json!({
        "name": "write",
        "match": {"prefix": "/"},
        "route": action(&named_by_the_filter(first), None),
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
        wasm::TOKEN_FORM.to_owned(),
        typed("config.route.v3.FilterConfig", json!({"config": {}})),
    );
    json!({
        "name": "token",
        "match": {kind: TOKEN_PATH},
        "direct_response": {"status": 503},
        "typed_per_filter_config": filters,
    })
}

fn reading() -> Value {
    json!({"name": ":method", "string_match": {"safe_regex": {"regex": "GET|HEAD"}}})
}

/// A read goes on to the next backend of its list after an answer that the attempt phase has marked, and
/// after none; the filter says how often. A request with nobody to go on to is tried once more where no
/// answer had begun. A write is not retried at all: its body would have to be kept, and what a registry
/// made of the first half is unknown.
fn retry() -> Value {
    json!({
        "retry_on": "connect-failure,refused-stream,reset,retriable-headers",
        "retriable_headers": [{"name": attempt::MARK, "present_match": true}],
        "num_retries": 1,
        "refresh_cluster_on_retry": true,
        "per_try_timeout": "60s",
        "retry_back_off": {"base_interval": "0.005s", "max_interval": "0.05s"},
        "retry_priority": previous_priorities(),
    })
}

/// Each attempt goes to another place of the list than those before.
pub(super) fn previous_priorities() -> Value {
    extension(
        "envoy.retry_priorities.previous_priorities",
        "extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig",
        json!({"update_frequency": 1}),
    )
}

/// `auto_host_rewrite` sends the authority that stands at the endpoint. The client's would make
/// a registry look for a host that it does not serve.
fn action(cluster: &Value, retry: Option<Value>) -> Value {
    let retry = retry.map_or(Value::Null, |retry| json!({"retry_policy": retry}));
    object([
        cluster.clone(),
        json!({"auto_host_rewrite": true, "timeout": "0s", "idle_timeout": IDLE}),
        retry,
    ])
}

/// The cluster that the filter names, or the first backend's where there is no filter.
fn named_by_the_filter(first: Option<&str>) -> Value {
    match first {
        Some(cluster) => json!({"cluster": cluster}),
        None => json!({"cluster_header": CLUSTER_HEADER}),
    }
}

/// The same for reads: the attempts after the first go to those of a list that were not asked.
fn reading_cluster(config: &Config, first: Option<&str>) -> Value {
    if first.is_some() || !config.lists().iter().any(List::has_fallback) {
        return named_by_the_filter(first);
    }
    next_cluster::specifier(config, None, &next_cluster::of_the_request(config))
}
