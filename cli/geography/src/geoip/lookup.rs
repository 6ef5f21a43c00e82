//! Asks a database as Envoy's geoip filter would.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::Reader;
use serde_json::Value;

use super::error::GeoipError;
use super::location::Location;
use super::source::{open, read_file};

/// A database that lies in memory, with the records that were decoded so far: a million networks
/// share a few hundred of them.
pub struct Lookup {
    path: PathBuf,
    reader: Reader<Vec<u8>>,
    known: HashMap<usize, Option<Location>>,
}

impl Lookup {
    /// Reads a database, once for all addresses.
    ///
    /// # Errors
    ///
    /// [`GeoipError::File`] or [`GeoipError::Unusable`] if it cannot be read.
    pub fn open(path: &Path) -> Result<Self, GeoipError> {
        let reader = open(path, read_file(path)?)?;
        Ok(Self { path: path.to_owned(), reader, known: HashMap::new() })
    }

    /// Where the database puts an address; `None` where nobody knows, or Envoy would set no header.
    ///
    /// # Errors
    ///
    /// [`GeoipError::Flat`] if its records have the flat shape, in which Envoy finds nothing
    /// although the answer is there; [`GeoipError::Record`] or [`GeoipError::Unusable`] if the
    /// record of this address makes no sense.
    pub fn place(&mut self, address: IpAddr) -> Result<Option<Location>, GeoipError> {
        let path = &self.path;
        let unusable = |reason| GeoipError::Unusable { path: path.clone(), reason };
        let found = self.reader.lookup(address).map_err(|error| unusable(error.to_string()))?;
        let Some(offset) = found.offset() else { return Ok(None) };
        if let Some(known) = self.known.get(&offset) {
            return Ok(*known);
        }
        let record: Option<Value> = found.decode().map_err(|error| unusable(error.to_string()))?;
        let record = record.unwrap_or_default();
        let text = |pointer| record.pointer(pointer).and_then(Value::as_str);
        let place = match text("/country/iso_code") {
            Some(country) => {
                let subdivision = text("/subdivisions/0/iso_code").unwrap_or_default();
                Location::parse(country, subdivision).map_err(|fault| GeoipError::Record {
                    path: path.clone(),
                    network: address.to_string(),
                    fault,
                })?
            }
            None if text("/country_code").is_some() => return Err(GeoipError::Flat(path.clone())),
            None => None,
        };
        self.known.insert(offset, place);
        Ok(place)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use maxminddb_writer::Database;
    use maxminddb_writer::paths::IpAddrWithMask;
    use serde_json::json;

    use super::*;

    /// One question, as Envoy would ask it.
    pub(in crate::geoip) fn lookup(
        database: &Path,
        address: IpAddr,
    ) -> Result<Option<Location>, GeoipError> {
        Lookup::open(database)?.place(address)
    }

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
            (&json!({ "country": { "iso_code": "EU" } }), "192.0.2.1", None),
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
