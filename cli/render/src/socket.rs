//! The addresses at which Envoy listens or connects, and the buffers of a connection.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde_json::{Map, Value, json};

/// What Envoy buffers of one connection, in bytes. Much less starves the transfer of blobs, much
/// more lets slow clients hold the memory.
pub(super) const BUFFER_BYTES: u32 = 1024 * 1024;

/// A socket address in Envoy's words.
///
/// `[::]` takes IPv4 as well, as it does nearly everywhere; Envoy alone wants to be asked.
pub(super) fn address(address: SocketAddr) -> Value {
    let mut fields = Map::new();
    fields.insert("address".to_owned(), address.ip().to_string().into());
    fields.insert("port_value".to_owned(), address.port().into());
    if address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
        fields.insert("ipv4_compat".to_owned(), true.into());
    }
    json!({"socket_address": fields})
}
