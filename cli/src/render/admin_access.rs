//! What may be asked of the admin interface by others than its operator: how the clusters are, by the filter, and
//! metrics, by who scrapes them. Nothing else: whoever reaches all of it can stop Envoy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portolan_core::config::Config;
use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::options::{FilterKind, Options, Target};
use super::socket::{BUFFER_BYTES, address};
use super::typed::{extension, object};
use super::{egress, inside, metrics};

/// A listener inside of Envoy, which no connection from outside reaches.
const INSIDE: &str = "portolan-admin";
/// The listener for metrics.
pub(super) const METRICS: &str = "portolan-metrics";
/// What its statistics and its routes are called.
pub(super) const SCRAPES: &str = "portolan_metrics";

/// Whether the filter asks Envoy for the health of backends: a front shows it, something depends on it, or the
/// next policy may need it.
pub(super) fn is_needed(config: &Config, target: Target) -> bool {
    let mut fronts = config.fronts().all().iter();
    target == Target::Files
        || config.redirects_by_health()
        || fronts.any(|front| front.has_health() || front.ping_needs_all())
}

/// Whether the filter asks through a listener inside. The native module asks on Envoy's main thread, which has no such
/// listener; nothing keeps a native module from the admin interface anyway.
fn has_a_listener_inside(config: &Config, options: &Options) -> bool {
    let is_native = options.filter.as_ref().is_some_and(|filter| filter.kind == FilterKind::Module);
    is_needed(config, options.target) && !is_native
}

/// The listeners.
pub(super) fn listeners(config: &Config, options: &Options) -> Vec<Value> {
    let mut all = Vec::new();
    if has_a_listener_inside(config, options) {
        let question = json!({
            "path": "/clusters",
            "headers": [get()],
            "query_parameters": [{"name": "format", "string_match": {"exact": "json"}}],
        });
        all.push(json!({
            "name": INSIDE,
            "internal_listener": {},
            "filter_chains": [{"filters": [
                manager("portolan_admin", &question, None, Value::Null, Value::Null),
            ]}],
        }));
    }
    if let Some(scraped) = options.metrics {
        let question = json!({"path": "/metrics", "headers": [get()]});
        let policy = metrics::of_scrapes(options);
        let route = metrics::of_policy(options);
        let manager = manager(SCRAPES, &question, Some("/stats/prometheus"), route, policy);
        all.push(json!({
            "name": METRICS,
            "address": address(scraped),
            "filter_chains": [{"filters": [manager]}],
        }));
    }
    all
}

/// The clusters: that of the interface, and the one that the filter knows, which leads to the listener inside.
pub(super) fn clusters(config: &Config, options: &Options) -> Vec<Value> {
    let mut all = Vec::new();
    if is_needed(config, options.target) || options.metrics.is_some() {
        all.push(json!({
            "name": clusters::ADMIN_INTERFACE,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": clusters::ADMIN_INTERFACE, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(options.admin)}},
            ]}]},
        }));
    }
    // Whether a front is scraped may change while Envoy runs.
    if let Some(scraped) = options.metrics {
        all.push(json!({
            "name": clusters::SCRAPES,
            "type": "STATIC",
            "connect_timeout": "1s",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "load_assignment": {"cluster_name": clusters::SCRAPES, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(from_here(scraped))}},
            ]}]},
        }));
    }
    if is_needed(config, options.target) {
        let is_inside = has_a_listener_inside(config, options);
        let address = if is_inside {
            json!({"envoy_internal_address": {"server_listener_name": INSIDE}})
        } else {
            address(options.admin)
        };
        all.push(object([
            json!({
                "name": clusters::ADMIN,
                "type": "STATIC",
                "connect_timeout": "1s",
                "per_connection_buffer_limit_bytes": BUFFER_BYTES,
                "load_assignment": {"cluster_name": clusters::ADMIN, "endpoints": [{"lb_endpoints": [
                    {"endpoint": {"address": address}},
                ]}]},
            }),
            if is_inside {
                json!({"transport_socket": inside::transport(None, Value::Null)})
            } else {
                Value::Null
            },
        ]));
    }
    all
}

/// The address at which this Envoy reaches a listener of its own.
fn from_here(listener: SocketAddr) -> SocketAddr {
    let ip = match listener.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listener.port())
}

/// The extension that listeners inside of Envoy need.
pub(super) fn bootstrap_extensions(config: &Config, options: &Options) -> Vec<Value> {
    let is_needed =
        has_a_listener_inside(config, options) || egress::is_needed(config, options.target);
    is_needed.then(inside::bootstrap_extension).into_iter().collect()
}

fn get() -> Value {
    json!({"name": ":method", "string_match": {"exact": "GET"}})
}

/// One question, and the path that the interface has for it, if it is another; all else is not there. `route` and `more`
/// are further fields of the one route and of the manager.
fn manager(name: &str, question: &Value, path: Option<&str>, route: Value, more: Value) -> Value {
    let rewrite = path.map_or_else(|| json!({}), |path| json!({"prefix_rewrite": path}));
    let action = object([json!({"cluster": clusters::ADMIN_INTERFACE, "timeout": "5s"}), rewrite]);
    extension(
        "envoy.filters.network.http_connection_manager",
        "extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        object([
            more,
            json!({
                "stat_prefix": name,
                "route_config": {"virtual_hosts": [{
                    "name": name,
                    "domains": ["*"],
                    "routes": [object([json!({"match": question, "route": action}), route])],
                }]},
                "http_filters": [extension(
                    "envoy.filters.http.router",
                    "extensions.filters.http.router.v3.Router",
                    json!({"suppress_envoy_headers": true}),
                )],
            }),
        ]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envoy_reaches_its_own_listeners() {
        let rows = [
            ("0.0.0.0:9902", "127.0.0.1:9902"),
            ("[::]:9902", "[::1]:9902"),
            ("192.0.2.1:9902", "192.0.2.1:9902"),
            ("127.0.0.2:9902", "127.0.0.2:9902"),
        ];
        for (listener, expected) in rows {
            assert_eq!(from_here(listener.parse().unwrap()).to_string(), expected);
        }
    }
}
