//! The listener that clients are served at.

use portolan_core::config::{Clients, Config};
use serde_json::{Value, json};

use super::client_address::ranges;
use super::limits::seconds;
use super::options::Options;
use super::socket::{BUFFER_BYTES, address};
use super::typed::{extension, object};
use super::{connection_manager, downstream_tls, http3};

/// The listeners that serve the policy: for TCP, and for QUIC where somebody wants it.
pub(super) fn listeners(config: &Config, policy_json: &str, options: &Options) -> Vec<Value> {
    let manager = connection_manager::connection_manager(config, policy_json, options);
    let quic = http3::listener(config, &manager, options);
    [for_tcp(config, &manager, options)].into_iter().chain(quic).collect()
}

fn for_tcp(config: &Config, manager: &Value, options: &Options) -> Value {
    let transport = downstream_tls::transport(config, options);
    let all = json!({
        "name": NAME,
        "address": address(options.listen),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": listener_filters(config.clients(), !transport.is_null()),
        "listener_filters_timeout": seconds(options.limits.handshake_timeout),
        "filter_chains": [object([
            whose_connections(config.clients()),
            json!({"transport_socket_connect_timeout": seconds(options.limits.handshake_timeout)}),
            json!({"filters": [manager]}),
            transport,
        ])],
    });
    object([all, sockets(options)])
}

/// Whether each worker has a socket of its own, which is Envoy's default.
pub(super) fn sockets(options: &Options) -> Value {
    if options.reuse_port { Value::Null } else { json!({"enable_reuse_port": false}) }
}

/// What the listener is called.
pub(crate) const NAME: &str = "portolan";

/// What looks at a connection before anything else does. The PROXY protocol comes before TLS
/// (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>, section 2).
pub(super) fn listener_filters(clients: &Clients, has_tls: bool) -> Vec<Value> {
    let proxy_protocol = extension(
        "envoy.filters.listener.proxy_protocol",
        "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        json!({"stat_prefix": "portolan"}),
    );
    let is_spoken = !clients.proxy_protocol().is_empty();
    is_spoken.then_some(proxy_protocol).into_iter().chain([first_bytes(has_tls)]).collect()
}

/// Who may connect. Whoever speaks the PROXY protocol can say to be anybody, so nobody but the balancers may; Envoy
/// closes a connection that no filter chain is for.
pub(super) fn whose_connections(clients: &Clients) -> Value {
    match clients.proxy_protocol() {
        [] => Value::Null,
        balancers => {
            json!({"filter_chain_match": {"direct_source_prefix_ranges": ranges(balancers)}})
        }
    }
}

/// Looks at the first bytes of a connection, and so waits for them: without it a connection on which
/// nothing ever comes is one that is idle between two requests, which may take minutes. Without TLS the
/// inspector of HTTP does the same for half as many instructions.
fn first_bytes(has_tls: bool) -> Value {
    if has_tls {
        extension(
            "envoy.filters.listener.tls_inspector",
            "extensions.filters.listener.tls_inspector.v3.TlsInspector",
            json!({}),
        )
    } else {
        extension(
            "envoy.filters.listener.http_inspector",
            "extensions.filters.listener.http_inspector.v3.HttpInspector",
            json!({}),
        )
    }
}
