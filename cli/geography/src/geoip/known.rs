//! Addresses whose country has been the same for decades: networks of universities, and of the
//! networks that connect them. A database that puts many of them elsewhere is wrong, or is none of
//! countries.

use std::net::IpAddr;

use super::location::Location;
use super::merge::Segment;

/// An address, and its country.
#[rustfmt::skip] // two columns
const KNOWN: &[(&str, &str)] = &[
    ("128.103.0.1", "US"), ("171.64.0.1", "US"), ("128.32.0.1", "US"), ("129.6.13.1", "US"), ("6.0.0.1", "US"),
    ("142.150.1.1", "CA"), ("132.206.1.1", "CA"), ("132.248.1.1", "MX"), ("143.107.1.1", "BR"), ("146.83.1.1", "CL"),
    ("129.132.1.1", "CH"), ("130.59.1.1", "CH"), ("141.20.1.1", "DE"), ("129.187.1.1", "DE"), ("131.111.8.42", "GB"),
    ("129.67.1.1", "GB"), ("129.104.1.1", "FR"), ("131.180.77.1", "NL"), ("130.237.28.40", "SE"), ("129.240.2.1", "NO"),
    ("130.225.1.1", "DK"), ("128.214.1.1", "FI"), ("193.136.1.1", "PT"), ("130.206.1.1", "ES"), ("193.204.1.1", "IT"),
    ("195.251.1.1", "GR"), ("148.81.1.1", "PL"), ("147.32.1.1", "CZ"), ("193.6.1.1", "HU"), ("93.180.0.1", "RU"),
    ("144.122.1.1", "TR"), ("132.72.1.1", "IL"), ("166.111.1.1", "CN"), ("202.120.1.1", "CN"), ("159.226.1.1", "CN"),
    ("133.11.1.1", "JP"), ("130.54.1.1", "JP"), ("143.248.1.1", "KR"), ("168.126.63.1", "KR"), ("140.112.1.1", "TW"),
    ("137.189.1.1", "HK"), ("137.132.1.1", "SG"), ("14.139.1.1", "IN"), ("139.130.4.5", "AU"), ("130.102.1.1", "AU"),
    ("130.216.1.1", "NZ"), ("137.158.1.1", "ZA"), ("146.141.1.1", "ZA"),
    ("2001:628::1", "AT"), ("2001:638::1", "DE"), ("2001:660::1", "FR"), ("2001:630::1", "GB"), ("2001:620::1", "CH"),
    ("2001:6b0::1", "SE"), ("2001:700::1", "NO"), ("2001:708::1", "FI"), ("2001:718::1", "CZ"), ("2001:760::1", "IT"),
    ("2001:468::1", "US"), ("2001:12f0::1", "BR"), ("2001:da8::1", "CN"), ("2001:200::1", "JP"), ("2001:320::1", "KR"),
    ("2001:288::1", "TW"), ("2001:388::1", "AU"), ("2001:4200::1", "ZA"),
];

/// What a database says of the addresses that are known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How many of them it locates.
    pub(super) located: usize,
    /// Those that it puts into another country: the address, where it is, where it was put.
    pub(super) wrong: Vec<(IpAddr, String, Location)>,
}

impl Sample {
    /// Asks the segments, which rise, about every known address.
    pub(super) fn of(segments: &[Segment]) -> Self {
        let mut sample = Self { located: 0, wrong: Vec::new() };
        for (address, country) in KNOWN {
            let Ok(address) = address.parse::<IpAddr>() else { continue };
            let Some(found) = place(segments, address) else { continue };
            sample.located = sample.located.saturating_add(1);
            if found.country() != *country {
                sample.wrong.push((address, (*country).to_owned(), found));
            }
        }
        sample
    }
}

/// Where segments, which rise, put an address.
pub(super) fn place(segments: &[Segment], address: IpAddr) -> Option<Location> {
    let position = match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let behind = segments.partition_point(|segment| segment.span.first <= position);
    let segment = segments.get(behind.checked_sub(1)?)?;
    (position <= segment.span.last).then_some(segment.location)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geoip::span::Span;

    fn segment(address: &str, country: &str) -> Segment {
        let location = Location::parse(country, "").unwrap().unwrap();
        let position = match address.parse().unwrap() {
            IpAddr::V4(address) => u128::from(address.to_bits()),
            IpAddr::V6(address) => address.to_bits(),
        };
        Segment { span: Span { first: position, last: position.saturating_add(9) }, location }
    }

    #[test]
    fn every_address_is_one_and_has_a_country() {
        for (address, country) in KNOWN {
            assert!(address.parse::<IpAddr>().is_ok(), "{address}");
            assert!(Location::parse(country, "").unwrap().is_some(), "{country}");
        }
        assert!(KNOWN.len() > 60);
    }

    #[test]
    fn addresses_that_are_located_elsewhere_are_reported() {
        let mut segments = vec![
            segment("128.32.0.0", "US"),
            segment("141.20.1.0", "FR"),
            segment("2001:638::", "DE"),
        ];
        segments.sort_by_key(|segment| segment.span.first);
        let sample = Sample::of(&segments);
        assert_eq!(sample.located, 3);
        let [(address, expected, found)] = sample.wrong.as_slice() else { panic!("{sample:?}") };
        assert_eq!(
            (address.to_string(), expected.as_str(), found.to_string()),
            ("141.20.1.1".into(), "DE", "FR".into())
        );
        assert_eq!(Sample::of(&[]), Sample { located: 0, wrong: vec![] });
    }

    #[test]
    fn the_edges_of_a_segment_are_in_it() {
        let segments = [segment("192.0.2.0", "US"), segment("2001:db8::", "DE")];
        let rows = [
            ("192.0.1.255", None),
            ("192.0.2.0", Some("US")),
            ("192.0.2.9", Some("US")),
            ("192.0.2.10", None),
            ("::ffff:192.0.2.1", Some("US")),
            ("2001:db8::9", Some("DE")),
            ("2001:db8::a", None),
            ("::", None),
        ];
        for (address, expected) in rows {
            let found = place(&segments, address.parse().unwrap()).map(|place| place.to_string());
            assert_eq!(found.as_deref(), expected, "{address}");
        }
    }
}
