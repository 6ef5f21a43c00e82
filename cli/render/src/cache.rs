//! The nodes of caches, and the choice of a node by digest.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use portolan_core::config::{Backend, BackendUrl, Cache};
use portolan_core::contract::{self, clusters};
use serde_json::{Value, json};

use super::model::caches::Caches;
use super::model::trust::Trust;
use super::origin;
use super::socket::{BUFFER_BYTES, address};
use super::typed::object;
use super::upstream_tls;

/// The host that nodes are asked for: a name that nobody else answers to.
pub const HOST: &str = "cache.internal";

/// The clusters: one for the nodes of each cache, and one by which the filter asks what
/// repositories have.
pub(super) fn clusters(caches: &Caches<'_>, trust: Trust<'_>) -> Vec<Value> {
    let nodes = caches.all.iter().map(|(cache, member)| nodes(cache, member, trust));
    nodes.chain(caches.filled_at.map(questions)).collect()
}

/// The nodes of a cache. Each digest has its node; a node that is gone leaves its share to the
/// others, and nothing of theirs moves.
///
/// * With Envoy's usual overprovisioning a part of the requests would go to the registries as soon
///   as a third of the nodes is away.
/// * A node is not taken out for what registries answer while it is filled: an ill registry must
///   not take the cache away with it.
/// * A node that hangs costs each request the time of an attempt until two checks have failed.
/// * The place of a digest goes by what the policy calls a node, not by its address: one that comes
///   back at another address has kept what it had.
fn nodes(cache: &Cache, member: &Backend, trust: Trust<'_>) -> Value {
    let endpoints: Vec<Value> = cache
        .nodes()
        .iter()
        .zip(cache.node_names())
        .map(|(url, node)| endpoint(url, &node, member))
        .collect();
    let all_addresses = cache.nodes().iter().all(|url| url.host().parse::<IpAddr>().is_ok());
    object([
        json!({
            "name": member.cluster(),
            "type": if all_addresses { "STATIC" } else { "STRICT_DNS" },
            "connect_timeout": "1s",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "lb_policy": "MAGLEV",
            "common_lb_config": {"healthy_panic_threshold": {"value": 0}, "update_merge_window": "0s"},
            "load_assignment": {
                "cluster_name": member.cluster(),
                "policy": {"overprovisioning_factor": 100_000},
                "endpoints": [{"lb_endpoints": endpoints}],
            },
            "health_checks": [{
                "timeout": "1s",
                "interval": "1s",
                "initial_jitter": "0.050s",
                "no_traffic_interval": "1s",
                "no_traffic_healthy_interval": "2s",
                "unhealthy_threshold": 2,
                "healthy_threshold": 2,
                "http_health_check": {"path": "/v2/", "host": HOST},
            }],
            "outlier_detection": {
                "split_external_local_origin_errors": true,
                "consecutive_local_origin_failure": 3,
                "enforcing_consecutive_local_origin_failure": 100,
                "enforcing_consecutive_5xx": 0,
                "enforcing_consecutive_gateway_failure": 0,
                "enforcing_success_rate": 0,
                "enforcing_local_origin_success_rate": 0,
                "base_ejection_time": "5s",
                "max_ejection_percent": 100,
            },
            "circuit_breakers": {"thresholds": [{
                "max_connections": u32::MAX,
                "max_pending_requests": u32::MAX,
                "max_requests": u32::MAX,
                "max_retries": u32::MAX,
            }]},
        }),
        upstream_tls::to_nodes(member.name(), cache, trust),
        origin::keepalive(),
        origin::protocol_options(plain(), Vec::new()),
    ])
}

fn endpoint(url: &BackendUrl, node: &str, member: &Backend) -> Value {
    let said = json!({contract::BACKEND: member.name(), contract::NODE: node});
    let hashed = json!({"hash_key": format!("{}:{}", url.host(), url.port())});
    json!({
        "endpoint": {
            "hostname": HOST,
            "address": {"socket_address": {"address": url.host(), "port_value": url.port()}},
        },
        "metadata": {"filter_metadata": {contract::NAMESPACE: said, "envoy.lb": hashed}},
    })
}

/// The listener that fills caches, for the filter's own questions.
fn questions(filled_at: SocketAddr) -> Value {
    let here = match filled_at.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        other => other,
    };
    let address = address(SocketAddr::new(here, filled_at.port()));
    // A client's request gets there for what a tag was, as the last of a list.
    let said = json!({contract::BACKEND: clusters::STALE});
    object([
        json!({
            "name": clusters::FILL,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {
                "cluster_name": clusters::FILL,
                "endpoints": [{"lb_endpoints": [{
                    "endpoint": {"address": address},
                    "metadata": {"filter_metadata": {contract::NAMESPACE: said}},
                }]}],
            },
        }),
        origin::protocol_options(plain(), Vec::new()),
    ])
}

fn plain() -> Value {
    json!({
        "common_http_protocol_options": {"idle_timeout": "30s"},
        "explicit_http_config": {"http_protocol_options": {}},
    })
}

/// By what Envoy chooses the node: kind and digest, which stand at the end of the path. No client
/// and no registry sees more of it than the path. It is looked at only where a cache is asked.
pub(super) fn hash_policy(has_caches: bool) -> Value {
    if !has_caches {
        return Value::Null;
    }
    json!({"hash_policy": [{"header": {
        "header_name": ":path",
        "regex_rewrite": {
            "pattern": {"regex": "^.*/((?:blobs|manifests)/sha256:[0-9a-f]+)(?:[?].*)?$"},
            "substitution": "\\1",
        },
    }}]})
}
