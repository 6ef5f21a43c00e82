//! Databases in the `MaxMind` DB format (<https://maxmind.github.io/MaxMind-DB/>).

use std::collections::HashMap;
use std::path::Path;

use maxminddb::{LookupResult, MaxMindDbError, Reader, WithinOptions};
use portolan_command::date::BuildDate;
use serde_json::Value;

use super::input::{Source, file_name};
use crate::geoip::error::{Fault, GeoipError};
use crate::geoip::location::Location;
use crate::geoip::merge::Claim;
use crate::geoip::span::Span;

const METADATA_MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";
/// "the maximum size of the metadata section": the marker cannot lie further from the end.
const METADATA_REACH: usize = 128 * 1024;

/// Whether a file is, or was meant as, a `MaxMind` DB.
pub(crate) fn is_database(path: &Path, bytes: &[u8]) -> bool {
    let tail = bytes.get(bytes.len().saturating_sub(METADATA_REACH)..).unwrap_or(bytes);
    path.extension().is_some_and(|extension| extension == "mmdb")
        || tail.windows(METADATA_MARKER.len()).any(|window| window == METADATA_MARKER)
}

/// Opens a database that lies in memory. `path` is for messages.
///
/// # Errors
///
/// [`GeoipError::Unusable`] if it is not one.
pub(crate) fn open(path: &Path, bytes: Vec<u8>) -> Result<Reader<Vec<u8>>, GeoipError> {
    Reader::from_source(bytes).map_err(|error| damaged(path, &error))
}

/// Reads a database with flat records (`country_code`) or with nested ones
/// (`country.iso_code` and `subdivisions[0].iso_code`).
///
/// # Errors
///
/// [`GeoipError::Unusable`] if it is damaged or not about countries, [`GeoipError::Record`] if
/// a code in it is not one.
pub(crate) fn read(path: &Path, bytes: Vec<u8>, input: usize) -> Result<Source, GeoipError> {
    let reader = open(path, bytes)?;
    let mut source = Source {
        claims: Vec::new(),
        unlocated: 0,
        nameless: 0,
        flat: 0,
        date: Some(BuildDate::of(reader.metadata().build_epoch)),
        description: description(path, &reader),
    };
    let mut records = Records { path, known: HashMap::new(), nameless: 0, flat: 0 };
    // The default leaves out the aliases of the IPv4 tree.
    let networks = reader.networks(WithinOptions::default());
    for found in networks.map_err(|error| damaged(path, &error))? {
        let found = found.map_err(|error| damaged(path, &error))?;
        match records.location(&found)? {
            Some(location) => {
                let spans = spans(&found).map_err(|error| damaged(path, &error))?;
                let claims = spans.into_iter();
                source.claims.extend(claims.map(|span| Claim { span, location, input, line: 0 }));
            }
            None => source.unlocated = source.unlocated.saturating_add(1),
        }
    }
    source.nameless = records.nameless;
    source.flat = records.flat;
    if source.claims.is_empty() {
        return Err(not_about_countries(path, &reader));
    }
    Ok(source)
}

type Found<'a> = LookupResult<'a, Vec<u8>>;

/// The records that were decoded, by their place in the file: a million networks share a few
/// hundred of them.
struct Records<'a> {
    path: &'a Path,
    known: HashMap<usize, Option<Location>>,
    /// How many of them name a subdivision without its code.
    nameless: usize,
    /// How many of them have their place where Envoy does not look for it.
    flat: usize,
}

impl Records<'_> {
    fn location(&mut self, found: &Found<'_>) -> Result<Option<Location>, GeoipError> {
        let Some(offset) = found.offset() else {
            return Ok(None);
        };
        if let Some(location) = self.known.get(&offset) {
            return Ok(*location);
        }
        let record: Option<Value> = found.decode().map_err(|error| damaged(self.path, &error))?;
        let record = record.unwrap_or_default();
        let location = location_of(&record).map_err(|fault| bad_record(self.path, found, fault))?;
        if location.is_some_and(|place| place.subdivision().is_none()) && names_subdivision(&record)
        {
            self.nameless = self.nameless.saturating_add(1);
        }
        if location.is_some() && record.pointer("/country/iso_code").is_none() {
            self.flat = self.flat.saturating_add(1);
        }
        self.known.insert(offset, location);
        Ok(location)
    }
}

fn location_of(record: &Value) -> Result<Option<Location>, Fault> {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
    // Some call the code itself `country`; others keep the name of the country there.
    let short = || text("/country").filter(|country| country.len() == 2);
    let Some(country) = text("/country/iso_code").or_else(|| text("/country_code")).or_else(short)
    else {
        return Ok(None);
    };
    let subdivision = CODES.into_iter().find_map(text).unwrap_or_default();
    Location::parse(country, subdivision)
}

/// Where a subdivision's code stands: in `MaxMind`'s shape, and in flat ones.
const CODES: [&str; 4] =
    ["/subdivisions/0/iso_code", "/region_code", "/subdivision_code", "/state_code"];

/// Where a subdivision's name stands: DB-IP's city database, ip-location-db's, `IPinfo`'s and
/// others.
const NAMES: [&str; 6] =
    ["/subdivisions/0/names/en", "/state1", "/state", "/region", "/region_name", "/subdivision"];

fn names_subdivision(record: &Value) -> bool {
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
    NAMES.into_iter().filter_map(text).any(|name| !name.is_empty() && name != "-")
}

fn spans(found: &Found<'_>) -> Result<Vec<Span>, MaxMindDbError> {
    let network = found.network()?;
    Ok(Span::in_tree(network.network(), network.broadcast()))
}

fn description(path: &Path, reader: &Reader<Vec<u8>>) -> String {
    let metadata = reader.metadata();
    let own = metadata.description.get("en").or_else(|| metadata.description.values().next());
    match own.filter(|own| !own.is_empty()) {
        Some(own) => format!("{} ({own})", file_name(path)),
        None => file_name(path),
    }
}

fn damaged(path: &Path, error: &MaxMindDbError) -> GeoipError {
    GeoipError::Unusable {
        path: path.to_owned(),
        reason: format!("not a MaxMind DB, or a damaged one ({error}): fetch it again"),
    }
}

fn bad_record(path: &Path, found: &Found<'_>, fault: Fault) -> GeoipError {
    let network = found.network().map(|network| network.to_string());
    GeoipError::Record {
        path: path.to_owned(),
        network: network.unwrap_or_else(|error| error.to_string()),
        fault,
    }
}

fn not_about_countries(path: &Path, reader: &Reader<Vec<u8>>) -> GeoipError {
    GeoipError::Unusable {
        path: path.to_owned(),
        reason: format!(
            "no record of this database (type `{}`) has `country.iso_code` or `country_code`: \
             give a country or a city database",
            reader.metadata().database_type
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use maxminddb_writer::Database;
    use maxminddb_writer::metadata::IpVersion;
    use maxminddb_writer::paths::IpAddrWithMask;
    use serde_json::json;

    use super::*;

    /// A foreign database: each network with a record of any shape.
    fn database(networks: &[(&str, Value)]) -> Vec<u8> {
        let mut database = Database::default();
        database.metadata.ip_version = IpVersion::V6;
        database.metadata.binary_format_major_version = 2;
        database.metadata.database_type = "Test-Country".into();
        database.metadata.build_epoch = 951_782_400;
        database.metadata.description.insert("en".into(), "made for a test".into());
        for (network, record) in networks {
            let record = database.insert_value(record).unwrap();
            database.insert_node(network.parse::<IpAddrWithMask>().unwrap(), record);
        }
        database.write_to(Vec::new()).unwrap()
    }

    fn read_all(networks: &[(&str, Value)]) -> Result<Source, String> {
        read(Path::new("db/some.mmdb"), database(networks), 0).map_err(|error| error.to_string())
    }

    fn claims(source: &Source) -> String {
        let shown = source.claims.iter().flat_map(|claim| {
            let networks = claim.span.networks();
            networks.map(|network| format!("{network}={}", claim.location))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn flat_and_nested_records_are_read() {
        let nested = json!({
            "country": { "iso_code": "US", "names": { "en": "United States" } },
            "subdivisions": [{ "iso_code": "CA" }, { "iso_code": "XY" }],
        });
        let cases = [
            (json!({ "country_code": "US" }), "2001:db8::/32=US", "ip-location-db"),
            (nested, "2001:db8::/32=US-CA", "MaxMind and what this tool writes"),
            (
                json!({ "country": "US", "region": "California", "region_code": "CA" }),
                "2001:db8::/32=US-CA",
                "flat, with a region",
            ),
            (
                json!({ "country_code": "US", "state1": "California" }),
                "2001:db8::/32=US",
                "a name is no code",
            ),
            (
                json!({ "country": "Germany", "country_code": "DE" }),
                "2001:db8::/32=DE",
                "a country's name is not its code",
            ),
        ];
        for (record, expected, shape) in cases {
            let source = read_all(&[("2001:db8::/32", record)]).unwrap();
            assert_eq!(claims(&source), expected, "{shape}");
        }
    }

    #[test]
    fn both_families_are_read_and_unknown_places_counted() {
        let source = read_all(&[
            ("::a00:0/104", json!({ "country_code": "DE" })),
            ("::b00:0/104", json!({ "country_code": "ZZ" })),
            ("::c00:0/104", json!({ "asn": 1 })),
            ("2001:db8::/32", json!({ "country_code": "FR" })),
            // An alias made of copies, as this tool writes it: read with the IPv4 networks.
            ("::ffff:a00:0/104", json!({ "country_code": "DE" })),
        ]);
        let source = source.unwrap();
        assert_eq!(claims(&source), "::a00:0/104=DE 2001:db8::/32=FR");
        assert_eq!(source.unlocated, 2);
        assert_eq!(source.date, Some(BuildDate::of(951_782_400)));
        assert_eq!(source.description, "some.mmdb (made for a test)");
    }

    #[test]
    fn subdivisions_that_have_names_only_are_counted() {
        let source = read_all(&[
            ("2001:db8:1::/48", json!({ "country_code": "US", "state1": "California" })),
            (
                "2001:db8:2::/48",
                json!({ "country": {"iso_code": "US"}, "subdivisions": [{"names": {"en": "Texas"}}] }),
            ),
            ("2001:db8:3::/48", json!({ "country": "US", "region": "Utah", "region_code": "UT" })),
            ("2001:db8:4::/48", json!({ "country_code": "US", "state1": "" })),
            ("2001:db8:5::/48", json!({ "country_code": "ZZ", "state1": "Nowhere" })),
        ]);
        assert_eq!(source.unwrap().nameless, 2);
    }

    #[test]
    fn a_record_above_the_ipv4_tree_holds_for_ipv4() {
        let source = read_all(&[("::/64", json!({ "country_code": "DE" }))]).unwrap();
        let ipv4 = Ipv6Addr::from(0x0102_0304_u128).to_bits();
        let holds = |claim: &Claim| (claim.span.first..=claim.span.last).contains(&ipv4);
        assert!(source.claims.iter().any(holds));
    }

    #[test]
    fn foreign_databases_are_refused_with_what_to_give() {
        let asn = read_all(&[("2001:db8::/32", json!({ "autonomous_system_number": 1 }))]);
        let message = asn.unwrap_err();
        assert!(message.contains("type `Test-Country`"), "{message}");
        assert!(message.contains("give a country or a city database"), "{message}");

        let wrong = read_all(&[("2001:db8::/32", json!({ "country_code": "Germany" }))]);
        let message = wrong.unwrap_err();
        assert!(
            message.contains("record of 2001:db8::/32: `GERMANY` is not a country code"),
            "{message}"
        );
    }
}
