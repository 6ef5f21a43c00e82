//! Where a client is, on five lines: address, peer, country, subdivision, continent.
//!
//! Every client has a region. What a header says counts only where the peer is a proxy that the
//! policy trusts, and an address that is not in a network of the policy is in none.

#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use portolan_core::client::{ClientFacts, Locality, locate};
use portolan_core::config::Config;

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let policy = br#"{
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example"]}},
        "backends": {"b": {"url": "https://b.example"}},
        "networks": {"office": ["198.51.100.0/24", "2001:db8::/32"]},
        "regions": {"office": {"labels": ["office"]}, "cn": {"countries": ["CN"]}, "west": {"subdivisions": ["US-CA"]},
                    "eu": {"continents": ["EU"]}, "default": {}},
        "clients": {"geo": {"headers": {"country": "x-geo-country", "subdivision": "x-geo-region", "continent": "x-geo-continent"}},
                    "trusted_proxies": ["10.0.0.0/8"]},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["b"]}}]
    }"#;
    Config::from_json(policy).unwrap_or_else(|found| panic!("{found:?}"))
});

fuzz_target!(|input: &[u8]| {
    let mut lines = input
        .splitn(5, |byte| *byte == b'\n')
        .map(|line| Some(line).filter(|line| !line.is_empty()));
    let mut line = || lines.next().flatten();
    let (address, peer, country, subdivision, continent) = (line(), line(), line(), line(), line());
    let said = ClientFacts { address, peer, country, subdivision, continent };
    let silent = ClientFacts { address, peer, ..ClientFacts::default() };
    let (found, without) = (place(&said), place(&silent));
    assert_eq!(place(&said), found, "the same facts, the same place");

    let region = |locality: &Locality| CONFIG.regions().name(locality.region).to_owned();
    if !peer.is_some_and(is_trusted) {
        assert_eq!(
            (region(&found), found.country),
            (region(&without), None),
            "nobody believes this peer"
        );
    }
    assert!(
        matches!(region(&without).as_str(), "office" | "default"),
        "an address says no country"
    );
    if let Some(address) = address.and_then(plain) {
        assert_eq!(region(&without) == "office", is_office(address), "{address}");
        assert!(
            !is_office(address) || region(&found) == "office",
            "an address is more than a header"
        );
    }
});

fn place(facts: &ClientFacts<'_>) -> Locality {
    locate(CONFIG.regions(), facts)
}

/// Whether a peer could be one of the trusted proxies: every spelling of their addresses, and some
/// more.
fn is_trusted(peer: &[u8]) -> bool {
    peer.windows(3).any(|part| part == b"10.")
        || peer
            .windows(4)
            .any(|part| part.eq_ignore_ascii_case(b":0a0") || part.eq_ignore_ascii_case(b":a00"))
        || peer.contains(&b':')
}

fn plain(bytes: &[u8]) -> Option<IpAddr> {
    str::from_utf8(bytes).ok()?.parse().ok()
}

fn is_office(address: IpAddr) -> bool {
    let is_v4 = |octets: [u8; 4]| octets[..3] == [198, 51, 100];
    match address {
        IpAddr::V4(v4) => is_v4(v4.octets()),
        IpAddr::V6(v6) => {
            let segments = v6.segments();
            // Mapped (RFC 4291), and behind a NAT64 (RFC 6052, RFC 8215).
            let holds_v4 = v6.to_ipv4_mapped().is_some()
                || segments[..6] == [0x64, 0xff9b, 0, 0, 0, 0]
                || segments[..3] == [0x64, 0xff9b, 1];
            let octets = v6.octets();
            segments[..2] == [0x2001, 0xdb8]
                || holds_v4 && is_v4([octets[12], octets[13], octets[14], octets[15]])
        }
    }
}
