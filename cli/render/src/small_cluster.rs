//! Clusters of services with small requests and answers.

use portolan_core::config::BackendUrl;
use serde_json::{Value, json};

use super::origin;
use super::socket::BUFFER_BYTES;
use super::typed::object;

/// The most that is in flight to a service. What is more fails at once, which looks like an outage.
#[derive(Clone, Copy)]
pub(super) struct Most {
    pub(super) connections: u32,
    pub(super) requests: u32,
}

/// What a service is asked at once by an Envoy that is busy.
pub(super) const CALLS: Most = Most { connections: 64, requests: 1024 };

/// The cluster of a service that no policy names.
pub(super) fn small(name: &str, url: &BackendUrl, transport: Value) -> Value {
    cluster(name, url, transport, Vec::new(), CALLS)
}

/// The cluster of a service that speaks gRPC, which is HTTP/2 always.
pub(super) fn of_grpc(name: &str, url: &BackendUrl, transport: Value) -> Value {
    with_protocol(
        name,
        url,
        transport,
        origin::protocol_options(origin::http2(), Vec::new()),
        CALLS,
    )
}

/// A service whose requests are small and whose answers are waited for. It is asked only when there
/// is something to ask; whether it is well shows then, and there is nobody else to ask anyway.
pub(super) fn cluster(
    name: &str,
    url: &BackendUrl,
    transport: Value,
    filters: Vec<Value>,
    most: Most,
) -> Value {
    let protocol = origin::protocol_options(origin::protocol(url.scheme()), filters);
    with_protocol(name, url, transport, protocol, most)
}

fn with_protocol(
    name: &str,
    url: &BackendUrl,
    transport: Value,
    protocol: Value,
    most: Most,
) -> Value {
    object([
        json!({"name": name}),
        origin::discovery(url),
        json!({
            "connect_timeout": "2s",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "circuit_breakers": {"thresholds": [{
                "max_connections": most.connections,
                "max_pending_requests": most.requests,
                "max_requests": most.requests,
            }]},
        }),
        origin::keepalive(),
        protocol,
        origin::load_assignment(name, url, None),
        transport,
    ])
}
