//! Which hosts are near.

use std::net::IpAddr;

/// Whether a host is, by its name or address, on the same machine or in a private network.
pub(super) fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        // A single label is a name of the local network or of a container's; RFC 6761 section
        // 6.3 keeps `localhost` and all below it for the machine itself.
        Err(_) => !host.contains('.') || host.ends_with(".localhost"),
    }
}
