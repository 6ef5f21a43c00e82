//! Asks a database as Envoy's geoip filter would.

use std::net::IpAddr;
use std::path::Path;

use serde_json::Value;

use super::error::GeoipError;
use super::location::Location;
use super::source::{open, read_file};

/// Where a database puts an address; `None` where Envoy would set no header.
///
/// # Errors
///
/// [`GeoipError::File`] or [`GeoipError::Unusable`] if it cannot be read; also if its record
/// has the flat shape, in which Envoy finds nothing although the answer is there.
pub(crate) fn lookup(database: &Path, address: IpAddr) -> Result<Option<Location>, GeoipError> {
    let unusable = |reason| GeoipError::Unusable { path: database.to_owned(), reason };
    let reader = open(database, read_file(database)?)?;
    let found = reader.lookup(address).map_err(|error| unusable(error.to_string()))?;
    let record: Option<Value> = found.decode().map_err(|error| unusable(error.to_string()))?;
    let Some(record) = record else {
        return Ok(None);
    };
    let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
    match text("/country/iso_code") {
        Some(country) => {
            let subdivision = text("/subdivisions/0/iso_code").unwrap_or_default();
            Location::parse(country, subdivision).map_err(|fault| GeoipError::Record {
                path: database.to_owned(),
                network: address.to_string(),
                fault,
            })
        }
        None if text("/country_code").is_some() => Err(unusable(FLAT.to_owned())),
        None => Ok(None),
    }
}

const FLAT: &str = "has flat records (`country_code`), in which Envoy's geoip filter finds \
                    nothing: convert it with `portolan geoip build`";

#[cfg(test)]
mod tests {
    use std::fs;

    use maxminddb_writer::Database;
    use maxminddb_writer::paths::IpAddrWithMask;
    use serde_json::json;

    use super::*;

    fn asked(record: &Value, address: &str) -> Result<Option<String>, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.mmdb");
        let mut database = Database::default();
        database.metadata.binary_format_major_version = 2;
        let place = database.insert_value(record).unwrap();
        database.insert_node("192.0.2.0/24".parse::<IpAddrWithMask>().unwrap(), place);
        fs::write(&path, database.write_to(Vec::new()).unwrap()).unwrap();
        let found = lookup(&path, address.parse().unwrap());
        found.map(|place| place.map(|place| place.to_string())).map_err(|error| error.to_string())
    }

    #[test]
    fn answers_as_envoy_would() {
        let nested =
            json!({ "country": { "iso_code": "US" }, "subdivisions": [{ "iso_code": "CA" }] });
        let cases = [
            (&nested, "192.0.2.1", Some("US-CA")),
            (&nested, "192.0.3.1", None),
            (&json!({ "continent": { "code": "EU" } }), "192.0.2.1", None),
        ];
        for (record, address, place) in cases {
            assert_eq!(asked(record, address).unwrap().as_deref(), place, "{record} {address}");
        }
    }

    #[test]
    fn a_flat_record_is_an_error_because_envoy_is_silent_about_it() {
        let shown = asked(&json!({ "country_code": "US" }), "192.0.2.1").unwrap_err();
        assert!(shown.contains("convert it with `portolan geoip build`"), "{shown}");
    }
}
