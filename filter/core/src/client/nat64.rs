//! IPv4 clients that reach an IPv6 server through a translator (NAT64, SIIT-DC: RFC 7915, RFC
//! 7755).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The first 96 bits of `64:ff9b::/96`, the well-known prefix (RFC 6052 section 2.1).
const WELL_KNOWN: u128 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0).to_bits();
/// The bits that hold the IPv4 address.
const IPV4_BITS: u128 = 0xffff_ffff;

/// The IPv4 address of a client that a translator shows in the well-known prefix.
///
/// Only a global address: "The Well-Known Prefix MUST NOT be used to represent non-global IPv4
/// addresses" (RFC 6052 section 3.1). So nobody is taken for a client of the private network of an
/// office by it.
pub(super) fn inside(address: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(address) = address else { return None };
    let bits = address.to_bits();
    if bits & !IPV4_BITS != WELL_KNOWN {
        return None;
    }
    let inner = Ipv4Addr::from_bits(u32::try_from(bits & IPV4_BITS).ok()?);
    is_global(inner).then_some(IpAddr::V4(inner))
}

/// Whether an address can be a client's anywhere on the Internet. Those of documentation count as
/// such: they stand for global ones.
fn is_global(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let is_shared = first == 100 && (64..128).contains(&second); // RFC 6598
    let is_reserved = first == 0 || first >= 224;
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || is_shared
        || is_reserved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rustfmt::skip] // one row a case
    const ADDRESSES: &[(&str, Option<&str>, &str)] = &[
        ("64:ff9b::192.0.2.33", Some("192.0.2.33"), "RFC 6052 section 2.4"),
        ("64:ff9b::c633:6401", Some("198.51.100.1"), "in hexadecimal"),
        ("64:ff9b::10.1.2.3", None, "private: RFC 6052 section 3.1"),
        ("64:ff9b::172.16.0.1", None, "private"),
        ("64:ff9b::192.168.0.1", None, "private"),
        ("64:ff9b::127.0.0.1", None, "loopback"),
        ("64:ff9b::169.254.1.1", None, "link-local"),
        ("64:ff9b::100.64.0.1", None, "shared by carriers"),
        ("64:ff9b::100.128.0.1", Some("100.128.0.1"), "behind what is shared"),
        ("64:ff9b::0.0.0.0", None, "nothing"),
        ("64:ff9b::224.0.0.1", None, "multicast"),
        ("64:ff9b:0:0:0:1:c000:201", None, "bits between prefix and address"),
        ("64:ff9b:1::192.0.2.33", None, "RFC 8215: a network's own, of any length"),
        ("::ffff:192.0.2.33", None, "mapped, which is no translation"),
        ("2001:db8::c000:221", None, "another prefix"),
        ("192.0.2.33", None, "IPv4 itself"),
    ];

    #[test]
    fn ipv4_addresses_inside_of_nat64_addresses() {
        for &(address, expected, why) in ADDRESSES {
            let found = inside(address.parse().unwrap()).map(|inner| inner.to_string());
            assert_eq!(found.as_deref(), expected, "{address}: {why}");
        }
    }
}
