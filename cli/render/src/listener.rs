//! The listener for clients.

use serde_json::{Value, json};

use super::client_address::ranges;
use super::limits::seconds;
use super::model::Model;
use super::model::inbound::{Inbound, Sockets, Sources};
use super::socket::{self, BUFFER_BYTES};
use super::typed::{extension, object};
use super::{connection_manager, downstream_tls, http3};

/// The listeners that serve the policy: for TCP, and for QUIC where somebody wants it.
pub(super) fn listeners(model: &Model<'_>) -> Vec<Value> {
    let manager = connection_manager::connection_manager(&model.serving, &model.listeners.clients);
    let quic = http3::listener(model, &manager);
    [for_tcp(model, &manager)].into_iter().chain(quic).collect()
}

fn for_tcp(model: &Model<'_>, manager: &Value) -> Value {
    let Inbound { address, .. } = model.listeners.clients;
    let sockets = model.listeners.sockets;
    let certificates = &model.serving.fronts.certificates;
    let transport = downstream_tls::transport(certificates, model.trust.secrets);
    let handshake = seconds(sockets.limits.handshake_timeout);
    let all = json!({
        "name": NAME,
        "address": socket::address(address),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "listener_filters": listener_filters(&model.listeners.clients, !transport.is_null()),
        "listener_filters_timeout": handshake,
        "filter_chains": [object([
            whose_connections(&model.listeners.clients.sources),
            json!({"transport_socket_connect_timeout": handshake}),
            json!({"filters": [manager]}),
            transport,
        ])],
    });
    object([all, own_sockets(sockets)])
}

/// Whether each worker has a socket of its own, which is Envoy's default.
pub(super) fn own_sockets(sockets: Sockets) -> Value {
    if sockets.reuse_port { Value::Null } else { json!({"enable_reuse_port": false}) }
}

/// What the listener is called.
pub const NAME: &str = "portolan";

/// What looks at a connection before anything else does. The PROXY protocol comes before TLS
/// (<https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt>, section 2).
pub(super) fn listener_filters(inbound: &Inbound<'_>, has_tls: bool) -> Vec<Value> {
    let proxy_protocol = extension(
        "envoy.filters.listener.proxy_protocol",
        "extensions.filters.listener.proxy_protocol.v3.ProxyProtocol",
        json!({"stat_prefix": "portolan"}),
    );
    inbound
        .speaks_proxy_protocol
        .then_some(proxy_protocol)
        .into_iter()
        .chain([first_bytes(has_tls)])
        .collect()
}

/// Who may connect: Envoy closes a connection that no filter chain is for.
pub(super) fn whose_connections(sources: &Sources) -> Value {
    match sources {
        Sources::Anywhere => Value::Null,
        Sources::Networks(networks) => {
            json!({"filter_chain_match": {"direct_source_prefix_ranges": ranges(networks)}})
        }
    }
}

/// Looks at the first bytes of a connection, and so waits for them: without it a connection on
/// which nothing ever comes is one that is idle between two requests, which may take minutes.
/// Without TLS the inspector of HTTP does the same for half as many instructions.
pub(super) fn first_bytes(has_tls: bool) -> Value {
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
