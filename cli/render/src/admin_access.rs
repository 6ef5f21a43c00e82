//! Access to Envoy's admin interface: the filter may read the clusters, and scrapers the metrics.
//! Nothing else is passed, because the whole interface can stop Envoy.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::model::admin::AdminAccess;
use super::model::connect_proxies::ConnectProxies;
use super::model::records::Records;
use super::socket::{BUFFER_BYTES, address};
use super::typed::{extension, object};
use super::{inside, metrics};

/// A listener inside of Envoy, which no connection from outside reaches.
const INSIDE: &str = "portolan-admin";
/// The listener for metrics.
pub(super) const METRICS: &str = "portolan-metrics";
/// What its statistics and its routes are called.
pub(super) const SCRAPES: &str = "portolan_metrics";

/// The listeners.
pub(super) fn listeners(admin: AdminAccess, records: Records<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    if admin.has_a_listener_inside {
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
    if let Some(scraped) = admin.metrics {
        let question = json!({"path": "/metrics", "headers": [get()]});
        let policy = metrics::of_scrapes(records);
        let route = metrics::of_policy(records);
        let manager = manager(SCRAPES, &question, Some("/stats/prometheus"), route, policy);
        all.push(json!({
            "name": METRICS,
            "address": address(scraped),
            "filter_chains": [{"filters": [manager]}],
        }));
    }
    all
}

/// The clusters: that of the interface, and the one that the filter knows, which leads to the
/// listener inside.
pub(super) fn clusters(admin: AdminAccess) -> Vec<Value> {
    let mut all = Vec::new();
    if admin.is_asked || admin.metrics.is_some() {
        all.push(json!({
            "name": clusters::ADMIN_INTERFACE,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": clusters::ADMIN_INTERFACE, "endpoints": [{"lb_endpoints": [
                {"endpoint": {"address": address(admin.address)}},
            ]}]},
        }));
    }
    // Whether a front is scraped may change while Envoy runs.
    if let Some(scraped) = admin.metrics {
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
    if admin.is_asked {
        let is_inside = admin.has_a_listener_inside;
        let address = if is_inside {
            json!({"envoy_internal_address": {"server_listener_name": INSIDE}})
        } else {
            address(admin.address)
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
pub(super) fn bootstrap_extensions(admin: AdminAccess, proxies: &ConnectProxies<'_>) -> Vec<Value> {
    let is_needed = admin.has_a_listener_inside || proxies.is_needed;
    is_needed.then(inside::bootstrap_extension).into_iter().collect()
}

fn get() -> Value {
    json!({"name": ":method", "string_match": {"exact": "GET"}})
}

/// One question, and the path that the interface has for it, if it is another; all else is not
/// there. `route` and `more` are further fields of the one route and of the manager.
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
