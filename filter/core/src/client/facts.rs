//! The facts about a client that a host hands over: address and geo headers.

use std::net::IpAddr;

use super::address;

/// What the host knows about the client of a request, as bytes that nobody has read yet.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClientFacts<'a> {
    /// The client's address as Envoy trusts it, the forwarding hops already counted off.
    pub address: Option<&'a [u8]>,
    /// The address at the other end of the connection: the client or the last proxy before us.
    pub peer: Option<&'a [u8]>,
    /// The country header: `US`, also `US-CA`.
    pub country: Option<&'a [u8]>,
    /// The subdivision header: `CA` or `US-CA`.
    pub subdivision: Option<&'a [u8]>,
    /// The continent header: `NA`.
    pub continent: Option<&'a [u8]>,
}

pub(super) fn address_of(bytes: Option<&[u8]>) -> Option<IpAddr> {
    address::parse(bytes?)
}
