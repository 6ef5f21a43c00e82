//! The clusters of a backend: one for reads, and one where it is an owner.

use std::net::IpAddr;

use portolan_core::config::{Backend, BackendUrl, Limits, Scheme};
use serde_json::{Map, Value, json};

use super::health;
use super::listener::BUFFER_BYTES;
use super::typed::{extension, typed};
use super::upstream_tls;

/// The cluster for reads, alone or as a member of an aggregate; `system_certificates` is the
/// file of CA certificates for a backend that names none.
///
/// With Envoy's usual panic threshold a backend that is not well is still tried where there is
/// nobody else: health checks may be what is wrong.
pub(super) fn for_reads(backend: &Backend, system_certificates: &str) -> Value {
    let more = json!({
        "outlier_detection": health::outlier_detection(),
        "common_lb_config": {"update_merge_window": AT_ONCE},
    });
    cluster(backend, backend.cluster(), more, system_certificates)
}

/// The cluster for what only the owner may answer. Without a panic threshold: a write to an
/// owner that is known to be down is answered at once.
pub(super) fn for_owner(backend: &Backend, name: &str, system_certificates: &str) -> Value {
    let more = json!({"common_lb_config": {
        "healthy_panic_threshold": {"value": 0},
        "update_merge_window": AT_ONCE,
    }});
    cluster(backend, name, more, system_certificates)
}

/// A change of health that follows another within a second would otherwise wait for the end of
/// that second: a registry that fails again at once would be asked for all that time.
const AT_ONCE: &str = "0s";

fn cluster(backend: &Backend, name: &str, more: Value, system_certificates: &str) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), name.into());
    let parts = [
        discovery(backend.url()),
        limits(backend.resilience().limits),
        json!({"health_checks": health::checks(backend)}),
        more,
        json!({
            "typed_extension_protocol_options": {PROTOCOL_OPTIONS: protocol(backend.url().scheme())},
            "load_assignment": load_assignment(backend, name),
        }),
    ];
    for part in parts {
        if let Value::Object(part) = part {
            fields.extend(part);
        }
    }
    if backend.url().scheme() == Scheme::Https {
        fields.insert(
            "transport_socket".to_owned(),
            upstream_tls::transport_socket(backend.tls(), system_certificates),
        );
    }
    Value::Object(fields)
}

const PROTOCOL_OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";

/// How the host's addresses are found.
///
/// All of them as one endpoint: a public registry's name answers with other addresses every
/// time, and an endpoint each would come and go. Together they also get Happy Eyeballs
/// (RFC 8305): a machine without IPv6 would otherwise fail every other connection to a registry
/// that has it.
fn discovery(url: &BackendUrl) -> Value {
    if url.host().parse::<IpAddr>().is_ok() {
        return json!({"type": "STATIC"});
    }
    json!({"cluster_type": extension(
        "envoy.clusters.dns",
        "extensions.clusters.dns.v3.DnsCluster",
        json!({
            "all_addresses_in_single_endpoint": true,
            "dns_lookup_family": "ALL",
            "respect_dns_ttl": true,
            "dns_failure_refresh_rate": {"base_interval": "1s", "max_interval": "10s"},
        }),
    )})
}

/// What is more than a backend's limits is answered with 503 at once and not handed on to the next
/// backend: a load that broke one would break the others too. `max_retries` counts retries in
/// flight at once; Envoy's own 3 would let most of a burst fail that one retry would have saved.
fn limits(limits: Limits) -> Value {
    json!({
        "connect_timeout": "3s",
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {"thresholds": [{
            "max_connections": limits.connections,
            "max_pending_requests": limits.pending,
            "max_requests": limits.requests,
            "max_retries": u32::MAX,
            "track_remaining": true,
        }]},
        "upstream_connection_options": {"tcp_keepalive": {
            "keepalive_time": 60,
            "keepalive_interval": 15,
            "keepalive_probes": 4,
        }},
    })
}

/// Over TLS HTTP/2 if the backend offers it, else HTTP/1.1; without TLS there is no way to ask.
///
/// Few streams share one connection, so that a lost packet does not hold up every pull. The
/// windows hold what one pull over 100 ms may have in flight at 40 MB/s.
fn protocol(scheme: Scheme) -> Value {
    let common = json!({"idle_timeout": "60s"});
    let options = match scheme {
        Scheme::Http => json!({
            "common_http_protocol_options": common,
            "explicit_http_config": {"http_protocol_options": {}},
        }),
        Scheme::Https => json!({
            "common_http_protocol_options": common,
            "auto_config": {
                "http_protocol_options": {},
                "http2_protocol_options": {
                    "max_concurrent_streams": 16,
                    "initial_stream_window_size": 4 * 1024 * 1024,
                    "initial_connection_window_size": 16 * 1024 * 1024,
                    "connection_keepalive": {"interval": "60s", "timeout": "20s"},
                },
            },
        }),
    };
    typed("extensions.upstreams.http.v3.HttpProtocolOptions", options)
}

/// `hostname` is what `auto_host_rewrite` sends; the metadata tells the access log the backend.
fn load_assignment(backend: &Backend, name: &str) -> Value {
    let url = backend.url();
    json!({
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [{
            "metadata": {"filter_metadata": {"portolan": {"backend": backend.name()}}},
            "endpoint": {
                "hostname": url.authority(),
                "address": {"socket_address": {"address": url.host(), "port_value": url.port()}},
            },
        }]}],
    })
}
