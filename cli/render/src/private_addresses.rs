//! Private addresses: no content delivery network has one, and a host behind one may trust requests
//! from inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use portolan_geography::special_addresses;
use serde_json::{Value, json};

/// What a packet must not be sent to either, though it stands in no row of
/// [`special_addresses::V4`] or is public by its looks.
const V4_BESIDE: [(Ipv4Addr, u8); 2] = [
    (Ipv4Addr::new(168, 63, 129, 16), 32), // a cloud's own agent
    (Ipv4Addr::new(192, 88, 99, 0), 24),   // relays to IPv6, RFC 7526
];

/// The same of IPv6.
const V6: [(Ipv6Addr, u8); 12] = [
    (Ipv6Addr::UNSPECIFIED, 96), // unspecified, the machine itself, embedded IPv4
    (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96), // mapped IPv4: any address in other words
    (Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48), // NAT64 of a network's own, RFC 8215
    (Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 0), 64), // discarded
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments, Teredo among them
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: any IPv4 address in other words
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation, RFC 9637
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7), // unique local; a cloud's metadata
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10), // link-local
    (Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0), 10), // site-local, as there was once
    (Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0), 8), // multicast
];

/// The prefix by which a NAT64 reaches all of IPv4 (RFC 6052). Where a machine has no IPv4 the
/// addresses of everybody begin so; private ones must not, but what must not be is seen.
const NAT64: Ipv6Addr = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0);
const NAT64_LENGTH: u8 = 96;

/// All of them, as Envoy writes ranges.
pub(super) fn ranges() -> Vec<Value> {
    let mut all_v4: Vec<(Ipv4Addr, u8)> =
        special_addresses::V4.into_iter().chain(V4_BESIDE).collect();
    all_v4.sort_unstable();
    let v4 = all_v4.iter().map(|(address, length)| range(*address, *length));
    let v6 = V6.iter().map(|(address, length)| range(*address, *length));
    let by_nat64 = all_v4.iter().map(|(address, length)| {
        let embedded = u128::from(NAT64) | u128::from(u32::from(*address));
        range(Ipv6Addr::from(embedded), NAT64_LENGTH.saturating_add(*length))
    });
    v4.chain(v6).chain(by_nat64).collect()
}

fn range(address: impl Into<IpAddr>, length: u8) -> Value {
    json!({"address_prefix": address.into().to_string(), "prefix_len": length})
}

#[cfg(test)]
mod tests {
    use ipnet::IpNet;

    use super::*;

    fn is_kept_from(address: &str) -> bool {
        let address: IpAddr = address.parse().unwrap();
        ranges().iter().any(|range| {
            let text =
                format!("{}/{}", range["address_prefix"].as_str().unwrap(), range["prefix_len"]);
            let net: IpNet = text.parse().unwrap();
            assert_eq!(net, net.trunc(), "{text}: bits behind the prefix");
            net.contains(&address)
        })
    }

    #[test]
    fn private_is_what_not_everybody_reaches() {
        #[rustfmt::skip]
        let private = [
            "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.255",
            "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192",
            "192.168.1.1", "198.19.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
            "::", "::1", "::10.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254", "64:ff9b:1::1", "2001::1", "2002:a00:1::1", "fc00::1",
            "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1",
        ];
        for address in private {
            assert!(is_kept_from(address), "{address}");
        }
        #[rustfmt::skip]
        let public = [
            "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
            "128.0.0.1", "169.253.0.1", "172.15.0.1", "172.32.0.1", "192.0.1.1", "192.167.0.1",
            "192.169.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255", "2606:4700::1111",
            "2a00:1450::1", "2001:4860:4860::8888", "64:ff9b::8.8.8.8", "2400:cb00::1",
        ];
        for address in public {
            assert!(!is_kept_from(address), "{address}");
        }
    }

    /// What the standard library knows of private addresses is among them.
    #[test]
    fn the_standard_library_agrees() {
        for first in 0..=255_u8 {
            for second in 0..=255_u8 {
                let address = Ipv4Addr::new(first, second, 7, 9);
                let private = address.is_private()
                    || address.is_loopback()
                    || address.is_link_local()
                    || address.is_multicast()
                    || first == 0
                    || first >= 240;
                if private {
                    assert!(is_kept_from(&address.to_string()), "{address}");
                }
            }
        }
    }
}
