//! Sources other than the database for the places of addresses.

use std::fs;
use std::path::Path;

use crate::geoip::error::{Fault, GeoipError};
use crate::geoip::examine::Examined;
use crate::geoip::location::Location;
use crate::geoip::merge::{Claim, Segment, settle};
use crate::geoip::source::read_table;
use crate::geoip::span::Span;
use crate::networks::{Provider, country, published};

/// A source, and what it says.
#[derive(Debug)]
pub(super) struct Truth {
    /// What it is called in the answer.
    pub(super) name: String,
    /// The ranges that the source locates, in ascending order.
    pub(super) segments: Vec<Segment>,
}

impl Truth {
    /// What a cloud publishes of its own addresses.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not the provider's.
    pub(super) fn of_provider(provider: Provider, path: &Path) -> Result<Self, GeoipError> {
        let text = fs::read_to_string(path).map_err(|source| GeoipError::File {
            doing: "read",
            path: path.to_owned(),
            source,
        })?;
        let unusable = |reason| GeoipError::Unusable { path: path.to_owned(), reason };
        let mut claims = Vec::new();
        for (prefix, label) in published(provider, &text).map_err(unusable)? {
            let Some(country) = country(&label) else { continue };
            let known = Location::parse(country, "").ok().flatten().zip(Span::of(prefix).ok());
            if let Some((location, spans)) = known {
                claims.extend(spans.into_iter().map(|span| Claim {
                    span,
                    location,
                    input: 0,
                    line: 0,
                }));
            }
        }
        Self::settled(provider.name().to_owned(), path, &claims)
    }

    /// A list with a country for each prefix or range: a table as `build` reads it, or a geofeed
    /// (RFC 8805), whose city and postal code are passed over.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line of it.
    pub(super) fn of_list(path: &Path) -> Result<Self, GeoipError> {
        let bytes = fs::read(path).map_err(|source| GeoipError::File {
            doing: "read",
            path: path.to_owned(),
            source,
        })?;
        let text = String::from_utf8(bytes).map_err(|_| GeoipError::Line {
            path: path.to_owned(),
            line: 1,
            fault: Fault::Encoding,
        })?;
        let lines: Vec<String> = text.lines().map(of_geofeed).collect();
        let source = read_table(path, lines.join("\n").as_bytes(), 0)?;
        Self::settled(name(path), path, &source.claims)
    }

    /// Another database.
    ///
    /// # Errors
    ///
    /// It is of no use.
    pub(super) fn of_database(path: &Path) -> Result<Self, GeoipError> {
        Ok(Self { name: name(path), segments: Examined::read(path)?.segments })
    }

    fn settled(name: String, path: &Path, claims: &[Claim]) -> Result<Self, GeoipError> {
        let segments = settle(claims).map_err(|found| GeoipError::Contradiction {
            path: path.to_owned(),
            lines: found.lines,
        })?;
        Ok(Self { name, segments })
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A line without the columns that only geofeeds have. One without a country says that nobody
/// should look there (RFC 8805 section 2.1.1), and is no line of a table.
fn of_geofeed(line: &str) -> String {
    let line = line.split('#').next().unwrap_or_default().trim();
    let columns: Vec<&str> = line.split(',').map(str::trim).collect();
    match columns.as_slice() {
        [prefix, "", ..] if prefix.contains('/') => String::new(),
        [prefix, country, region, _city, ..] if prefix.contains('/') => {
            format!("{prefix},{country},{region}")
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(truth: &Truth) -> String {
        let shown = truth.segments.iter().flat_map(|Segment { span, location }| {
            span.networks().map(move |network| format!("{network}={location}"))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn lists_of_every_shape() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("list.csv");
        let rows = [
            ("192.0.2.0/24,US\n", Ok("::c000:200/120=US"), "a prefix"),
            ("192.0.2.0,192.0.2.255,US\n", Ok("::c000:200/120=US"), "a range"),
            (
                "# RFC 8805\n192.0.2.0/24,US,US-AL,Alabaster,\n2001:db8::/32,PL,,,\n198.51.100.0/24,,,,\n",
                Ok("::c000:200/120=US-AL 2001:db8::/32=PL"),
                "a geofeed",
            ),
            ("192.0.2.0/24,QQ,,,\n", Err("line 1: `QQ` is not a country code"), "nobody's country"),
            (
                "192.0.2.0/24,US\n192.0.2.0/24,DE\n",
                Err("lines 1 and 2 put the same addresses"),
                "a contradiction",
            ),
        ];
        for (text, expected, reason) in rows {
            fs::write(&path, text).unwrap();
            let found =
                Truth::of_list(&path).map(|truth| shown(&truth)).map_err(|error| error.to_string());
            match (found, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{reason}"),
                (Err(found), Err(part)) => assert!(found.contains(part), "{reason}: {found}"),
                (found, _) => panic!("{reason}: {found:?}"),
            }
        }
    }

    #[test]
    fn a_clouds_own_word() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../geoip-data/networks");
        let path = Path::new(root).join("azure-shape.json");
        let truth = Truth::of_provider(Provider::Azure, &path).unwrap();
        let found = shown(&truth);
        assert!(
            found.contains("::d45:0/112=NL") && found.contains("2406:e500:4000::/40=CN"),
            "{found}"
        );
        assert!(!found.contains("::d49:f810"), "what is everywhere is nowhere: {found}");
        let wrong = Truth::of_provider(Provider::Gcp, &path).unwrap_err().to_string();
        assert!(wrong.contains("not what the provider publishes"), "{wrong}");
    }
}
