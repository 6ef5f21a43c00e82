//! Segments to the bytes of a `MaxMind` DB (<https://maxmind.github.io/MaxMind-DB/>).

use std::collections::BTreeMap;
use std::net::IpAddr;

use maxminddb::Reader;
use maxminddb_writer::Database;
use maxminddb_writer::metadata::{IpVersion, Metadata};
use maxminddb_writer::paths::IpAddrWithMask;
use portolan_command::date::BuildDate;
use serde::Serialize;

use super::alias;
use super::error::GeoipError;
use super::location::Location;
use super::merge::Segment;
use super::span::Span;

/// Envoy takes any type. `MaxMind`'s own readers choose the kind of record by a word in it.
const DATABASE_TYPE: &str = "Portolan-Country";

/// A record in the shape whose paths Envoy's geoip filter reads.
#[derive(Serialize)]
struct Record<'a> {
    country: Code<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subdivisions: Option<[Code<'a>; 1]>,
}

#[derive(Serialize)]
struct Code<'a> {
    iso_code: &'a str,
}

impl<'a> From<&'a Location> for Record<'a> {
    fn from(location: &'a Location) -> Self {
        Self {
            country: Code { iso_code: location.country() },
            subdivisions: location.subdivision().map(|iso_code| [Code { iso_code }]),
        }
    }
}

/// Writes rising segments that do not overlap, as [`super::merge::settle`] gives them.
///
/// The bytes depend on the arguments alone: records stand in the order of their codes, nodes
/// in the order of addresses.
///
/// IPv4 networks are found at the places of [`alias`] too: Envoy looks the address of an
/// `x-forwarded-for` header up as it is written there, and `::ffff:192.0.2.1` would find nothing.
///
/// # Errors
///
/// [`GeoipError::TooLarge`] if the format cannot hold it.
pub(super) fn encode(
    segments: &[Segment],
    description: &str,
    date: BuildDate,
) -> Result<Vec<u8>, GeoipError> {
    let mut database = Database::default();
    describe(&mut database.metadata, description, date);
    let mut records = BTreeMap::new();
    for segment in segments {
        records.insert(segment.location, None);
    }
    for (location, place) in &mut records {
        let written = database.insert_value(Record::from(location));
        *place = Some(written.map_err(|error| too_large(&error))?);
    }
    for segment in segments {
        let Some(record) = records.get(&segment.location).copied().flatten() else {
            continue;
        };
        for network in networks(segment.span) {
            database.insert_node(network, record);
        }
    }
    let Some(any) = records.values().copied().flatten().next() else {
        return Err(GeoipError::Empty);
    };
    for place in alias::PLACES {
        database.insert_node(IpAddrWithMask::new(IpAddr::V6(place), alias::LENGTH), any);
    }
    let mut bytes = database.write_to(Vec::new()).map_err(|error| too_large(&error))?;
    linked(&mut bytes)
        .ok_or_else(|| GeoipError::TooLarge("no way to the IPv4 networks".to_owned()))?;
    Ok(bytes)
}

/// Makes the places of [`alias`] what they are to be.
fn linked(bytes: &mut [u8]) -> Option<()> {
    // The writer keeps to itself how large its nodes are.
    let (node_bits, nodes) = {
        let reader = Reader::from_source(&*bytes).ok()?;
        (reader.metadata().record_size.checked_mul(2)?, reader.metadata().node_count)
    };
    alias::link(bytes, usize::from(node_bits / 8), usize::try_from(nodes).ok()?)
}

fn describe(metadata: &mut Metadata, description: &str, date: BuildDate) {
    metadata.ip_version = IpVersion::V6;
    metadata.binary_format_major_version = 2;
    metadata.binary_format_minor_version = 0;
    DATABASE_TYPE.clone_into(&mut metadata.database_type);
    metadata.languages = vec!["en".to_owned()];
    metadata.build_epoch = date.seconds();
    // One entry only: the writer keeps them in a hash map, whose order differs from run to run.
    metadata.description.insert("en".to_owned(), description.to_owned());
}

fn networks(span: Span) -> impl Iterator<Item = IpAddrWithMask> {
    span.networks()
        .map(|network| IpAddrWithMask::new(IpAddr::V6(network.network()), network.prefix_len()))
}

fn too_large(error: &maxminddb_writer::Error) -> GeoipError {
    GeoipError::TooLarge(error.to_string())
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::net::{Ipv4Addr, Ipv6Addr};

    use maxminddb::PathElement;
    use proptest::prelude::*;

    use super::*;
    use crate::geoip::merge::{Claim, settle};

    fn segment(first: u128, last: u128, country: &str, subdivision: &str) -> Segment {
        let location = Location::parse(country, subdivision).unwrap().unwrap();
        Segment { span: Span { first, last }, location }
    }

    fn encoded(segments: &[Segment]) -> Reader<Vec<u8>> {
        let bytes = encode(segments, "for a test", BuildDate::of(951_782_400)).unwrap();
        Reader::from_source(bytes).unwrap()
    }

    fn text(reader: &Reader<Vec<u8>>, address: IpAddr, path: &[PathElement<'_>]) -> Option<String> {
        reader.lookup(address).unwrap().decode_path(path).unwrap()
    }

    fn country(reader: &Reader<Vec<u8>>, address: IpAddr) -> Option<String> {
        text(reader, address, &[PathElement::Key("country"), PathElement::Key("iso_code")])
    }

    #[test]
    fn records_have_the_paths_that_envoy_reads() {
        let first = Ipv4Addr::new(192, 0, 2, 0).to_bits().into();
        let reader = encoded(&[segment(first, first + 255, "US", "CA")]);
        let subdivision =
            [PathElement::Key("subdivisions"), PathElement::Index(0), PathElement::Key("iso_code")];
        for address in ["192.0.2.0", "192.0.2.255", "::ffff:192.0.2.7", "64:ff9b::192.0.2.7"] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(country(&reader, address).as_deref(), Some("US"), "{address}");
            assert_eq!(text(&reader, address, &subdivision).as_deref(), Some("CA"), "{address}");
        }
        for address in
            ["192.0.1.255", "192.0.3.0", "2001:db8::1", "::ffff:192.0.3.0", "64:ff9b::192.0.3.0"]
        {
            assert_eq!(country(&reader, address.parse().unwrap()), None, "{address}");
        }
    }

    #[test]
    fn the_metadata_is_what_readers_ask_for() {
        let reader = encoded(&[segment(1 << 120, (1 << 121) - 1, "DE", "")]);
        reader.verify().expect("a sound database");
        let metadata = reader.metadata();
        assert_eq!(metadata.binary_format_major_version, 2);
        assert_eq!(metadata.ip_version, 6);
        assert_eq!(metadata.build_epoch, 951_782_400);
        assert_eq!(metadata.database_type, "Portolan-Country");
        assert_eq!(metadata.description["en"], "for a test");
    }

    #[test]
    fn a_joined_segment_across_both_families_is_found_in_both() {
        let reader = encoded(&[segment(0xffff_ff00, 0x1_0000_00ff, "DE", "")]);
        let (ipv4, mapped) = ("255.255.255.255", "::ffff:255.255.255.255");
        for address in [ipv4, mapped, "::1:0:0"] {
            let found = country(&reader, address.parse().unwrap());
            assert_eq!(found.as_deref(), Some("DE"), "{address}");
        }
    }

    /// Addresses on a small stretch of either family, so that claims overlap often.
    const STRETCHES: [u128; 2] = [0x0a00_0000, 0x2001_0db8_u128 << 96];

    fn position(stretch: usize, offset: u16) -> u128 {
        STRETCHES[stretch] | u128::from(offset)
    }

    fn address(position: u128) -> IpAddr {
        match u32::try_from(position) {
            Ok(ipv4) => IpAddr::V4(Ipv4Addr::from_bits(ipv4)),
            Err(_) => IpAddr::V6(Ipv6Addr::from_bits(position)),
        }
    }

    fn any_claim() -> impl Strategy<Value = Claim> {
        let country = prop_oneof![Just("US"), Just("DE"), Just("CN")];
        let claim = (0..3_usize, 0..2_usize, any::<[u8; 2]>(), country);
        claim.prop_map(|(input, stretch, ends, country)| {
            let first = position(stretch, ends[0].min(ends[1]).into());
            let last = position(stretch, ends[0].max(ends[1]).into());
            let Segment { span, location } = segment(first, last, country, "");
            Claim { span, location, input, line: 1 }
        })
    }

    /// The naive twin: for one address, look at every claim.
    fn by_looking_at_all(claims: &[Claim], position: u128) -> Option<String> {
        let covers = |claim: &&Claim| (claim.span.first..=claim.span.last).contains(&position);
        let best = |claim: &&Claim| (claim.input, Reverse(claim.span.width()));
        let holder = claims.iter().filter(covers).max_by_key(best);
        holder.map(|claim| claim.location.to_string())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// The file, asked through an independent reader, answers like a look at every claim.
        #[test]
        fn answers_like_a_look_at_every_claim(claims in prop::collection::vec(any_claim(), 1..12)) {
            let Ok(segments) = settle(&claims) else { return Ok(()) };
            let reader = encoded(&segments);
            prop_assert!(reader.verify().is_ok());
            for position in (0..2).flat_map(|stretch| (0..=256).map(move |at| position(stretch, at))) {
                let (address, expected) = (address(position), by_looking_at_all(&claims, position));
                prop_assert_eq!(country(&reader, address), expected.clone(), "{}", address);
                if let IpAddr::V4(ipv4) = address {
                    let mapped = IpAddr::V6(ipv4.to_ipv6_mapped());
                    prop_assert_eq!(country(&reader, mapped), expected.clone(), "{}", mapped);
                    let translated = alias::PLACES[1].to_bits() | u128::from(ipv4.to_bits());
                    let translated = IpAddr::V6(Ipv6Addr::from_bits(translated));
                    prop_assert_eq!(country(&reader, translated), expected, "{}", translated);
                }
            }
        }
    }
}
