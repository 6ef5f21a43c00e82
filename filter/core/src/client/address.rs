//! Reads an IP address as proxies write it.

use std::net::{IpAddr, Ipv6Addr};

/// Reads one address: `192.0.2.1`, `192.0.2.1:443`, `2001:db8::1`, `[2001:db8::1]`,
/// `[2001:db8::1]:443`, `fe80::1%eth0`; spaces around it are trimmed. An IPv4-mapped IPv6
/// address (RFC 4291 section 2.5.5.2) is returned as the IPv4 address. `unknown`, which RFC 7239
/// section 6.2 allows for a hidden client, and all other text is no address.
///
/// Envoy writes exactly one address. If the header was repeated, its values arrive joined by
/// commas, and then somebody else wrote one of them. Items that are no address are passed over
/// and agreeing ones count once; but if two differ there is no telling which is the forged one, and
/// there is no address. Taking the first would let a client choose its network, and, as the
/// peer, pass for a trusted proxy.
pub(super) fn parse(bytes: &[u8]) -> Option<IpAddr> {
    let mut addresses = bytes.split(|&byte| byte == b',').filter_map(single);
    let first = addresses.next()?;
    addresses.all(|address| address == first).then_some(first)
}

fn single(bytes: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(bytes.trim_ascii()).ok()?;
    let address = match text.strip_prefix('[') {
        Some(bracketed) => in_brackets(bracketed)?,
        None => bare(text)?,
    };
    Some(address.to_canonical())
}

/// What follows `[`: an IPv6 address, `]`, and perhaps a port.
fn in_brackets(text: &str) -> Option<IpAddr> {
    let (inside, behind) = text.split_once(']')?;
    let port_is_sound = behind.is_empty() || behind.strip_prefix(':').is_some_and(is_port);
    port_is_sound.then(|| v6(inside)).flatten()
}

/// Without brackets a port can follow only IPv4: `2001:db8::1:443` is a whole IPv6 address.
fn bare(text: &str) -> Option<IpAddr> {
    match text.split_once(':') {
        None => text.parse().map(IpAddr::V4).ok(),
        Some((host, port)) if is_port(port) => host.parse().map(IpAddr::V4).ok(),
        Some(_) => v6(text),
    }
}

/// An IPv6 address, without the zone that RFC 4007 section 11 lets follow it: a zone names an
/// interface of the host that wrote it and means nothing here.
fn v6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((_, "")) => return None,
        Some((address, _zone)) => address,
        None => text,
    };
    address.parse::<Ipv6Addr>().map(IpAddr::V6).ok()
}

/// A port in decimal digits. Not left to `parse` alone, which would take a sign.
fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[rustfmt::skip] // one row a case
    const AS_PROXIES_WRITE: &[(&str, Option<&str>, &str)] = &[
        ("192.0.2.1", Some("192.0.2.1"), "IPv4"),
        ("192.0.2.1:567", Some("192.0.2.1"), "a port"),
        ("192.0.2.1:0", Some("192.0.2.1"), "Envoy's port of an address from a header"),
        (" 192.0.2.1\t", Some("192.0.2.1"), "spaces around"),
        ("2001:DB8::1", Some("2001:db8::1"), "IPv6, upper case"),
        ("[::1]", Some("::1"), "brackets"),
        ("[::1]:80", Some("::1"), "brackets and a port"),
        ("2001:db8::1:80", Some("2001:db8::1:80"), "no brackets: all of it is the address"),
        ("fe80::1%eth0", Some("fe80::1"), "a zone"),
        ("[fe80::1%25eth0]:80", Some("fe80::1"), "a zone as URLs write it"),
        ("::ffff:192.0.2.1", Some("192.0.2.1"), "IPv4-mapped"),
        ("::FFFF:c000:201", Some("192.0.2.1"), "IPv4-mapped, in hexadecimal"),
        ("[::ffff:192.0.2.1]:80", Some("192.0.2.1"), "IPv4-mapped, brackets and a port"),
        ("::ffff:192.0.2.1%eth0", Some("192.0.2.1"), "IPv4-mapped with a zone"),
        ("::192.0.2.1", Some("::c000:201"), "IPv4-compatible is deprecated: IPv6"),
        ("unknown", None, "a hidden client"),
        ("_hidden", None, "an obfuscated client"),
        ("", None, "empty"),
        ("   ", None, "blank"),
        ("-", None, "a log's way to write none"),
        ("localhost", None, "a name"),
        ("192.0.2", None, "three octets"),
        ("192.0.2.256", None, "an octet too large"),
        ("192.0.2.01", None, "a leading zero: octal for some, decimal for others"),
        ("0xc0.0.2.1", None, "hexadecimal"),
        ("3221225985", None, "one number"),
        ("192.0.2.1:", None, "an empty port"),
        ("192.0.2.1:+80", None, "a sign"),
        ("192.0.2.1:65536", None, "a port too large"),
        ("192.0.2.1:80:80", None, "two ports"),
        ("192.0.2.1/32", None, "a prefix"),
        ("192.0.2.1%eth0", None, "IPv4 has no zones"),
        ("192.0.2.1 192.0.2.1", None, "a space between"),
        ("[192.0.2.1]:80", None, "brackets are for IPv6"),
        ("[::1", None, "an open bracket"),
        ("::1]", None, "a closing bracket alone"),
        ("[::1]80", None, "no colon before the port"),
        ("[::1]:", None, "an empty port"),
        ("[[::1]]", None, "brackets twice"),
        ("[]", None, "empty brackets"),
        ("fe80::1%", None, "an empty zone"),
        (":::1", None, "three colons"),
        ("::1::", None, "two gaps"),
        (":80", None, "a port alone"),
    ];

    #[test]
    fn addresses_as_proxies_write_them() {
        for &(text, expected, why) in AS_PROXIES_WRITE {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}: {why}");
        }
    }

    #[test]
    fn a_repeated_header() {
        let cases: &[(&str, Option<&str>, &str)] = &[
            ("192.0.2.1, 192.0.2.1", Some("192.0.2.1"), "agreeing"),
            ("192.0.2.1,::ffff:192.0.2.1", Some("192.0.2.1"), "agreeing, written twice"),
            (", ,192.0.2.1,", Some("192.0.2.1"), "empty items"),
            ("unknown, 192.0.2.1", Some("192.0.2.1"), "one of them hidden"),
            ("192.0.2.1, 192.0.2.2", None, "conflicting"),
            ("192.0.2.1, 192.0.2.2, 192.0.2.1", None, "a majority is no proof"),
            (",", None, "nothing"),
        ];
        for &(text, expected, why) in cases {
            let expected = expected.map(|address| address.parse().unwrap());
            assert_eq!(parse(text.as_bytes()), expected, "{text:?}: {why}");
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(address: IpAddr, port: u16) {
            let address = address.to_canonical();
            let with_port = std::net::SocketAddr::new(address, port).to_string();
            prop_assert_eq!(parse(address.to_string().as_bytes()), Some(address));
            prop_assert_eq!(parse(with_port.as_bytes()), Some(address));
        }

        #[test]
        fn any_bytes_are_read_without_a_panic(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }

        #[test]
        fn anything_like_an_address_is_read_without_a_panic(text in "[0-9a-f:.%, \\[\\]]{0,40}") {
            let found = parse(text.as_bytes());
            prop_assert_eq!(found, found.map(|address| address.to_canonical()));
        }
    }
}
