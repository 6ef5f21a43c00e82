//! The endpoint of a host: its addresses, its port, its protocol.

use std::net::IpAddr;

use portolan_core::config::{BackendUrl, Scheme};
use serde_json::{Map, Value, json};

use super::typed::{extension, object, typed};

/// How the host's addresses are found.
///
/// All of them as one endpoint: a public registry's name answers with other addresses every
/// time, and an endpoint each would come and go. Together they also get Happy Eyeballs
/// (RFC 8305): a machine without IPv6 would otherwise fail every other connection to a registry
/// that has it.
pub(super) fn discovery(url: &BackendUrl) -> Value {
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

/// A connection whose other end is gone, while an answer stands still on it, is found out within
/// half a minute. A registry whose kernel answers is not taken for one that is gone, and neither is
/// a client that reads nothing.
pub(super) fn keepalive() -> Value {
    json!({"upstream_connection_options": {"tcp_keepalive": {
        "keepalive_time": 15,
        "keepalive_interval": 5,
        "keepalive_probes": 3,
    }}})
}

/// The options of a protocol, with the filters of the cluster if it has any.
pub(super) fn protocol_options(protocol: Value, filters: Vec<Value>) -> Value {
    let mut fields = Map::new();
    if !filters.is_empty() {
        fields.insert("http_filters".to_owned(), filters.into());
    }
    let options = object([protocol, Value::Object(fields)]);
    json!({"typed_extension_protocol_options": {
        "envoy.extensions.upstreams.http.v3.HttpProtocolOptions":
            typed("extensions.upstreams.http.v3.HttpProtocolOptions", options),
    }})
}

/// Over TLS HTTP/2 if the host offers it, else HTTP/1.1; without TLS there is no way to ask.
///
/// Few streams share one connection, so that a lost packet does not hold up every pull. The
/// windows hold what one pull over 100 ms may have in flight at 40 MB/s.
pub(super) fn protocol(scheme: Scheme) -> Value {
    let common = json!({"idle_timeout": "60s"});
    match scheme {
        Scheme::Http => json!({
            "common_http_protocol_options": common,
            "explicit_http_config": {"http_protocol_options": {}},
        }),
        Scheme::Https => json!({
            "common_http_protocol_options": common,
            "auto_config": {
                "http_protocol_options": {},
                "http2_protocol_options": {
                    // One malformed answer is the end of its stream, and not of all others of the
                    // connection.
                    "override_stream_error_on_invalid_http_message": true,
                    "max_concurrent_streams": 16,
                    "initial_stream_window_size": 4 * 1024 * 1024,
                    "initial_connection_window_size": 16 * 1024 * 1024,
                    "connection_keepalive": {"interval": "20s", "timeout": "20s"},
                },
            },
        }),
    }
}

/// HTTP/2 without asking, as gRPC has it.
pub(super) fn http2() -> Value {
    json!({"explicit_http_config": {"http2_protocol_options": {
        "connection_keepalive": {"interval": "30s", "timeout": "5s"},
    }}})
}

/// The one endpoint of the cluster `name`; `metadata` is told to the access log.
///
/// `hostname` is what `auto_host_rewrite` sends.
pub(super) fn load_assignment(name: &str, url: &BackendUrl, metadata: Option<Value>) -> Value {
    let mut endpoint = Map::new();
    if let Some(metadata) = metadata {
        endpoint.insert("metadata".to_owned(), metadata);
    }
    let address = json!({"address": url.host(), "port_value": url.port()});
    endpoint.insert(
        "endpoint".to_owned(),
        json!({"hostname": url.authority(), "address": {"socket_address": address}}),
    );
    json!({"load_assignment": {
        "cluster_name": name,
        "endpoints": [{"lb_endpoints": [endpoint]}],
    }})
}
