//! Localities of clients: precedence, trust, and no failure for any input.

mod labels;

use super::*;
use crate::config::geography::{Continent, Subdivision};
use crate::config::network_table::NetworkEntry;
use crate::config::regions::{GeoSource, RegionsParts};
use proptest::prelude::*;

const NAMES: [&str; 6] = ["lan", "us-west", "cn", "eu", "us", "world"];

fn id(name: &str) -> RegionId {
    let index = NAMES.iter().position(|&known| known == name).unwrap();
    RegionId::new(u32::try_from(index).unwrap())
}

fn network(prefix: &str, region: Option<&str>, label: Option<u32>) -> NetworkEntry {
    NetworkEntry {
        prefix: prefix.parse().unwrap(),
        region: region.map(id),
        label: label.map(LabelId::new),
    }
}

fn regions(geo_source: GeoSource) -> Regions {
    let country = |code: &[u8], name| (Country::parse(code).unwrap(), id(name));
    Regions::new(RegionsParts {
        names: NAMES.map(String::from).into(),
        default: id("world"),
        labels: vec!["office".into(), "gcp".into()],
        countries: vec![country(b"CN", "cn"), country(b"US", "us")],
        subdivisions: vec![(Subdivision::parse_qualified(b"US-CA").unwrap(), id("us-west"))],
        continents: vec![(Continent::Europe, id("eu"))],
        networks: vec![
            network("10.0.0.0/8", Some("lan"), None),
            network("10.1.0.0/16", None, Some(0)),
            network("34.0.0.0/8", None, Some(1)),
            network("2001:db8::/32", Some("lan"), None),
            network("203.0.113.0/24", Some("lan"), None),
            network("64:ff9b::/96", Some("us-west"), None),
        ],
        trusted_proxies: vec!["192.0.2.0/24".parse().unwrap(), "2001:db8:f::/48".parse().unwrap()],
        geo_source,
    })
}

/// Facts from text; an empty one is absent.
fn facts<'a>(address: &'a str, country: &'a str, subdivision: &'a str) -> ClientFacts<'a> {
    let present = |text: &'a str| Some(text.as_bytes()).filter(|bytes| !bytes.is_empty());
    ClientFacts {
        address: present(address),
        country: present(country),
        subdivision: present(subdivision),
        ..ClientFacts::default()
    }
}

/// Address, country, subdivision; region and why; the reason.
type Place = ([&'static str; 3], [&'static str; 2], &'static str);

#[rustfmt::skip] // one row a case
const PLACES: &[Place] = &[
    (["10.9.9.9", "US", "CA"], ["lan", "network 10.0.0.0/8"], "a network beats all"),
    (["10.1.9.9", "CN", ""], ["lan", "network 10.0.0.0/8"], "a region inherited by a label"),
    (["10.9.9.9:555", "CN", ""], ["lan", "network 10.0.0.0/8"], "with a port"),
    (["::ffff:10.9.9.9", "CN", ""], ["lan", "network 10.0.0.0/8"], "IPv4-mapped"),
    (["[2001:db8::1]:80", "CN", ""], ["lan", "network 2001:db8::/32"], "IPv6"),
    (["64:ff9b::34.1.1.1", "CN", ""], ["cn", "country CN"], "NAT64: a network with only a label"),
    (["64:ff9b::203.0.113.9", "CN", ""], ["lan", "network 203.0.113.0/24"], "NAT64: the address inside"),
    (["64:ff9b::10.9.9.9", "CN", ""], ["us-west", "network 64:ff9b::/96"], "NAT64 shows no private address"),
    (["34.1.1.1", "CN", ""], ["cn", "country CN"], "a network with only a label"),
    (["8.8.8.8", "US", "CA"], ["us-west", "subdivision US-CA"], "a subdivision"),
    (["8.8.8.8", "US-CA", ""], ["us-west", "subdivision US-CA"], "in the country header"),
    (["8.8.8.8", "US", "NY"], ["us", "country US"], "a subdivision without a region"),
    (["8.8.8.8", "us", ""], ["us", "country US"], "a country"),
    (["8.8.8.8", "DE", "BY"], ["eu", "continent EU"], "a country without a region"),
    (["8.8.8.8", "JP", ""], ["world", "default"], "a continent without a region"),
    (["8.8.8.8", "XX", ""], ["world", "default"], "an unknown country"),
    (["8.8.8.8", "T1", ""], ["world", "default"], "Tor"),
    (["unknown", "CN", ""], ["cn", "country CN"], "no address, but a country"),
    (["10.9.9.9, 8.8.8.8", "", ""], ["world", "default"], "an address that was added to"),
    (["300.1.1.1", "??", ""], ["world", "default"], "junk"),
    (["", "", ""], ["world", "default"], "nothing known"),
];

#[test]
fn the_most_specific_fact_decides() {
    let regions = regions(GeoSource::TrustedHeaders);
    for &([address, country, subdivision], [region, why], reason) in PLACES {
        let found = locate(&regions, &facts(address, country, subdivision));
        let shown = [regions.name(found.region), &found.why.to_string()];
        assert_eq!(shown, [region, why], "{address} {country} {subdivision}: {reason}");
    }
}

#[test]
fn label_and_country_do_not_depend_on_what_decided() {
    let regions = regions(GeoSource::TrustedHeaders);
    let label_and_country = |address, country| {
        let found = locate(&regions, &facts(address, country, ""));
        let country = found.country.map(|country| country.to_string());
        (found.label.map(|label| regions.label(label)), country)
    };
    let cn = || Some("CN".to_owned());
    assert_eq!(label_and_country("34.1.1.1", "CN"), (Some("gcp"), cn()));
    assert_eq!(label_and_country("10.1.1.1", "CN"), (Some("office"), cn()));
    assert_eq!(label_and_country("10.2.2.2", "CN"), (None, cn()));
    assert_eq!(label_and_country("10.1.1.1", "XX"), (Some("office"), None));
    assert_eq!(label_and_country("8.8.8.8", ""), (None, None));
}

/// Source, peer, whether `CN` counts, the reason.
type Peer = (GeoSource, Option<&'static str>, bool, &'static str);

#[rustfmt::skip] // one row a case
const PEERS: &[Peer] = &[
    (GeoSource::None, Some("192.0.2.1"), false, "no source, whoever connects"),
    (GeoSource::TrustedHeaders, None, true, "Envoy's own, whoever connects"),
    (GeoSource::TrustedHeaders, Some("8.8.8.8"), true, "Envoy's own, whoever connects"),
    (GeoSource::ProxyHeaders, Some("192.0.2.1"), true, "a trusted proxy"),
    (GeoSource::ProxyHeaders, Some("192.0.2.1:4433"), true, "with its port"),
    (GeoSource::ProxyHeaders, Some("[::ffff:192.0.2.1]:4433"), true, "IPv4-mapped, as a dual socket shows it"),
    (GeoSource::ProxyHeaders, Some("[2001:db8:f::1]:4433"), true, "over IPv6"),
    (GeoSource::ProxyHeaders, Some("192.0.3.1"), false, "a client that forges the header"),
    (GeoSource::ProxyHeaders, Some("10.1.1.1"), false, "in the policy's networks, but no proxy"),
    (GeoSource::ProxyHeaders, Some("unknown"), false, "no address"),
    (GeoSource::ProxyHeaders, Some("192.0.2.1, 8.8.8.8"), false, "a peer is one address"),
    (GeoSource::ProxyHeaders, None, false, "no peer"),
];

#[test]
fn geo_headers_count_only_from_trusted_peers() {
    for &(source, peer, believed, why) in PEERS {
        let regions = regions(source);
        let facts = ClientFacts {
            peer: peer.map(str::as_bytes),
            continent: Some(b"EU"),
            ..facts("8.8.8.8", "CN", "")
        };
        let found = locate(&regions, &facts);
        let expected = if believed { "cn" } else { "world" };
        assert_eq!(regions.name(found.region), expected, "{source:?} {peer:?}: {why}");
        assert_eq!(found.country.is_some(), believed, "{source:?} {peer:?}: {why}");
    }
}

#[test]
fn a_header_that_stands_twice_is_one_with_both_values() {
    let regions = regions(GeoSource::TrustedHeaders);
    #[rustfmt::skip] // one row a case
    let rows: &[(&[&str], &str, &str)] = &[
        (&["CN", "US"], "cn", "the first"),
        (&["XX", "US"], "us", "the first that means something"),
        (&["", "US"], "us", "an empty one"),
        (&["US", "US-CA"], "us-west", "a country, and a part of it"),
        (&["DE", "US-CA"], "eu", "a part of another country"),
        (&["XX", "T1"], "world", "none"),
        (&["XX,CN", "US"], "cn", "joined by a hop, and then repeated"),
    ];
    for (values, region, reason) in rows {
        let bytes: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
        let whole = joined(&bytes);
        let found = locate(&regions, &facts("8.8.8.8", str::from_utf8(&whole).unwrap(), ""));
        assert_eq!(regions.name(found.region), *region, "{values:?}: {reason}");
    }
}

#[test]
fn networks_count_without_any_geo_source() {
    let regions = regions(GeoSource::None);
    let found = locate(&regions, &facts("10.1.1.1", "CN", ""));
    assert_eq!(regions.name(found.region), "lan");
    assert_eq!(found.label.map(|label| regions.label(label)), Some("office"));
}

fn any_header() -> impl Strategy<Value = Option<Vec<u8>>> {
    proptest::option::of(prop_oneof![
        any::<Vec<u8>>(),
        "[A-Za-z0-9, -]{0,9}".prop_map(String::into_bytes),
        proptest::sample::select(vec!["CN", "US", "US-CA", "CA", "EU", "10.1.1.1", "192.0.2.1"])
            .prop_map(|text| text.as_bytes().to_vec()),
    ])
}

fn any_source() -> impl Strategy<Value = GeoSource> {
    proptest::sample::select(vec![
        GeoSource::None,
        GeoSource::TrustedHeaders,
        GeoSource::ProxyHeaders,
    ])
}

proptest! {
    #[test]
    fn every_client_has_a_region_of_the_policy_and_the_same_one_each_time(
        headers in proptest::array::uniform5(any_header()),
        source in any_source(),
    ) {
        let regions = regions(source);
        let [address, peer, country, subdivision, continent] = &headers;
        let facts = ClientFacts {
            address: address.as_deref(),
            peer: peer.as_deref(),
            country: country.as_deref(),
            subdivision: subdivision.as_deref(),
            continent: continent.as_deref(),
        };
        let found = locate(&regions, &facts);
        prop_assert!(regions.ids().any(|region| region == found.region));
        prop_assert_eq!(found.why == Why::Default, found.region == regions.default_region());
        prop_assert_eq!(locate(&regions, &facts), found);
    }

    #[test]
    fn a_network_with_a_region_always_beats_geo(
        host in 0u32..(1 << 24),
        headers in proptest::array::uniform4(any_header()),
        source in any_source(),
    ) {
        let regions = regions(source);
        let address = std::net::Ipv4Addr::from_bits((10 << 24) | host).to_string();
        let [peer, country, subdivision, continent] = &headers;
        let found = locate(&regions, &ClientFacts {
            address: Some(address.as_bytes()),
            peer: peer.as_deref(),
            country: country.as_deref(),
            subdivision: subdivision.as_deref(),
            continent: continent.as_deref(),
        });
        prop_assert_eq!(found.why, Why::Network("10.0.0.0/8".parse().unwrap()));
        prop_assert_eq!(found.region, id("lan"));
    }
}
