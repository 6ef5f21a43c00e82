//! HTTP/3 (RFC 9114): a listener for QUIC beside the one for TCP, which serves the same, and what
//! tells clients of it.

use std::num::NonZeroU16;

use serde_json::{Value, json};

use super::downstream_tls;
use super::limits::Limits;
use super::model::Model;
use super::socket::{BUFFER_BYTES, address};
use super::typed::extension;
use super::upstream_headers;

/// What the listener is called.
pub(crate) const NAME: &str = "portolan-quic";

/// For how long clients may remember it, in seconds (RFC 7838 section 3.1): a day.
const REMEMBERED: u32 = 86_400;

/// The listener, where somebody wants it. `manager` is the connection manager of the listener for
/// TCP.
pub(super) fn listener(model: &Model<'_>, manager: &Value) -> Option<Value> {
    model.listeners.http3?;
    let limits = model.limits;
    let certificates = &model.serving.fronts.certificates;
    let mut address = address(model.listeners.clients.address);
    if let Some(Value::Object(socket)) = address.get_mut("socket_address") {
        socket.insert("protocol".to_owned(), "UDP".into());
    }
    let handshake = super::limits::seconds(limits.handshake_timeout);
    Some(json!({
        "name": NAME,
        "address": address,
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "udp_listener_config": {
            "quic_options": {
                "quic_protocol_options": quic(limits),
                "crypto_handshake_timeout": handshake,
            },
        },
        "filter_chains": [{
            "filters": [for_quic(manager, limits)],
            "transport_socket": extension(
                "envoy.transport_sockets.quic",
                "extensions.transport_sockets.quic.v3.QuicDownstreamTransport",
                json!({"downstream_tls_context": downstream_tls::context(certificates, model.trust.secrets, &["h3"])}),
            ),
        }],
    }))
}

/// The same connection manager for another codec.
fn for_quic(manager: &Value, limits: Limits) -> Value {
    let mut manager = manager.clone();
    if let Some(Value::Object(fields)) = manager.get_mut("typed_config") {
        fields.remove("http2_protocol_options");
        fields.remove("http_protocol_options");
        fields.insert("codec_type".to_owned(), "HTTP3".into());
        fields.insert(
            "http3_protocol_options".to_owned(),
            json!({
                "quic_protocol_options": quic(limits),
                "override_stream_error_on_invalid_http_message": true,
            }),
        );
    }
    manager
}

/// The windows are those of HTTP/2 here: about what a client 100 ms away can have in flight.
fn quic(limits: Limits) -> Value {
    json!({
        "max_concurrent_streams": limits.max_streams,
        "initial_stream_window_size": 1024 * 1024,
        "initial_connection_window_size": 8 * 1024 * 1024,
    })
}

/// What the answers of every listener say of it (RFC 7838 section 3); nothing where there is none.
pub(super) fn advertised(port: Option<NonZeroU16>) -> Option<Value> {
    let port = NonZeroU16::get(port?);
    Some(upstream_headers::set("alt-svc", &format!("h3=\":{port}\"; ma={REMEMBERED}")))
}
