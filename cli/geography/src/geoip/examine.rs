//! Properties of a database: whether Envoy can use it, its coverage, its age.

use std::path::Path;

use portolan_command::date::BuildDate;

use super::error::GeoipError;
use super::known::Sample;
use super::merge::{Claim, Segment};
use super::public_space::coverage;
use super::source::{Source, open, read_database, read_file};
use super::summary::countries;
use super::tree;

/// A database that Envoy can use, and what it says.
#[derive(Debug)]
pub struct Examined {
    /// The file as it is.
    pub bytes: Vec<u8>,
    /// Of which day its data is.
    pub date: BuildDate,
    /// Every range that it locates, rising.
    pub(super) segments: Vec<Segment>,
    /// How many countries it knows.
    pub countries: usize,
    /// How many ranges it locates in a subdivision.
    pub subdivisions: usize,
    /// The share of the public IPv4 addresses that it locates, from 0 to 1.
    pub(super) coverage: f64,
    /// What it says of addresses whose country is known.
    pub sample: Sample,
}

impl Examined {
    /// Reads a database and looks at every node and record of it.
    ///
    /// # Errors
    ///
    /// [`GeoipError::File`] if it cannot be read; else why Envoy would find nothing in it, or
    /// nonsense.
    pub fn read(path: &Path) -> Result<Self, GeoipError> {
        Self::of(path, read_file(path)?)
    }

    /// The same of a file that lies in memory. `path` is for messages.
    ///
    /// # Errors
    ///
    /// As for [`Self::read`].
    pub fn of(path: &Path, bytes: Vec<u8>) -> Result<Self, GeoipError> {
        let unusable = |reason: String| GeoipError::Unusable { path: path.to_owned(), reason };
        let reader = open(path, bytes.clone())?;
        tree::check(&bytes, reader.metadata())
            .map_err(|reason| unusable(format!("is damaged ({reason}): fetch it again")))?;
        drop(reader);
        let Source { claims, flat, date, .. } = read_database(path, bytes.clone(), 0)?;
        if flat > 0 {
            return Err(GeoipError::Flat(path.to_owned()));
        }
        let segment = |Claim { span, location, .. }: Claim| Segment { span, location };
        let segments: Vec<Segment> = claims.into_iter().map(segment).collect();
        if segments
            .windows(2)
            .any(|pair| matches!(pair, [one, next] if one.span.last >= next.span.first))
        {
            return Err(unusable(
                "is damaged (its networks do not rise): fetch it again".to_owned(),
            ));
        }
        Ok(Self {
            date: date.ok_or(GeoipError::NoDate)?,
            countries: countries(&segments),
            subdivisions: segments
                .iter()
                .filter(|segment| segment.location.subdivision().is_some())
                .count(),
            coverage: coverage(&segments),
            sample: Sample::of(&segments),
            segments,
            bytes,
        })
    }

    /// Whether it knows the subdivision of any address.
    #[must_use]
    pub const fn has_subdivisions(&self) -> bool {
        self.subdivisions > 0
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use maxminddb_writer::Database;
    use maxminddb_writer::metadata::IpVersion;
    use maxminddb_writer::paths::IpAddrWithMask;
    use serde_json::{Value, json};

    use super::*;

    fn database(record: &Value) -> Vec<u8> {
        let mut database = Database::default();
        database.metadata.ip_version = IpVersion::V6;
        database.metadata.binary_format_major_version = 2;
        database.metadata.build_epoch = 951_782_400;
        let place = database.insert_value(record).unwrap();
        database.insert_node("::800:0/104".parse::<IpAddrWithMask>().unwrap(), place);
        database.write_to(Vec::new()).unwrap()
    }

    fn examined(bytes: &[u8]) -> Result<Examined, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("some.mmdb");
        fs::write(&path, bytes).unwrap();
        Examined::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn properties_of_a_database() {
        let nested = json!({"country": {"iso_code": "US"}, "subdivisions": [{"iso_code": "CA"}]});
        let found = examined(&database(&nested)).unwrap();
        assert_eq!((found.countries, found.has_subdivisions()), (1, true));
        assert_eq!(found.date.to_string(), "2000-02-29");
        assert!(
            (found.coverage - 0.00453).abs() < 0.0001,
            "8.0.0.0/8 is 0.45 %: {}",
            found.coverage
        );
        let country = json!({"country": {"iso_code": "US"}});
        assert!(!examined(&database(&country)).unwrap().has_subdivisions());
    }

    #[test]
    fn databases_in_which_envoy_would_find_nothing() {
        let mut damaged = database(&json!({"country": {"iso_code": "US"}}));
        damaged[60..120].fill(0);
        let rows = [
            (
                database(&json!({"country_code": "US"})),
                "convert it with `portolan geoip build`",
                "flat records",
            ),
            (
                database(&json!({"autonomous_system_number": 15169})),
                "give a country or a city database",
                "networks",
            ),
            (
                database(&json!({"country": {"iso_code": "QQ"}})),
                "`QQ` is not a country code",
                "nobody's code",
            ),
            (damaged, "is damaged (node", "zeros in its middle"),
            (b"\0\0\0".to_vec(), "not a MaxMind DB", "another file"),
        ];
        for (bytes, expected, reason) in rows {
            let found = examined(&bytes).unwrap_err();
            assert!(found.contains(expected), "{reason}: {found}");
        }
    }
}
