//! Listeners inside Envoy, which no connection from outside reaches.

use serde_json::{Value, json};

use super::typed::{extension, object};

/// The extension that such listeners need.
pub(super) fn bootstrap_extension() -> Value {
    extension(
        "envoy.bootstrap.internal_listener",
        "extensions.bootstrap.internal_listener.v3.InternalListener",
        json!({}),
    )
}

/// The transport to one. `inner` is what is spoken through it, nothing of its own if it is `None`;
/// `more` are further fields, such as what the listener is told.
pub(super) fn transport(inner: Option<Value>, more: Value) -> Value {
    let inner = inner.unwrap_or_else(|| {
        extension(
            "envoy.transport_sockets.raw_buffer",
            "extensions.transport_sockets.raw_buffer.v3.RawBuffer",
            json!({}),
        )
    });
    extension(
        "envoy.transport_sockets.internal_upstream",
        "extensions.transport_sockets.internal_upstream.v3.InternalUpstreamTransport",
        object([more, json!({"transport_socket": inner})]),
    )
}
