//! ISO 3166-1 alpha-2 country codes.

use crate::config::geography::assigned::COUNTRIES;
use crate::config::geography::continent::Continent;
use std::fmt;

/// A country that exists: one of the officially assigned codes of ISO 3166-1, or `XK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country {
    code: [u8; 2],
    continent: Continent,
}

impl Country {
    /// Reads an alpha-2 code in either case, with spaces around it; `None` for anything else.
    ///
    /// Not countries, on purpose: `XX`, `ZZ`, `T1`, `A1`, `A2`, `O1` (how databases and content
    /// networks write "unknown", "Tor", "anonymous proxy", "satellite", "other"), `EU` and `AP`
    /// (a registry's whole area), and every other code that ISO 3166-1 reserves or leaves to its
    /// users.
    ///
    /// Two exceptions, since refusing them would send real clients to the default region: `XK`
    /// (Kosovo, user-assigned, in every database) and `UK`, which the standard reserves for the
    /// United Kingdom at its own request, so it can mean nothing else. `UK` reads as `GB`.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let code: [u8; 2] = bytes.trim_ascii().to_ascii_uppercase().try_into().ok()?;
        let code = if code == *b"UK" { *b"GB" } else { code };
        let row = COUNTRIES.binary_search_by_key(&code, |row| row.0).ok()?;
        let &(code, continent) = COUNTRIES.get(row)?;
        Some(Self { code, continent })
    }

    /// The continent that holds the country, or the larger part of it.
    #[must_use]
    pub const fn continent(self) -> Continent {
        self.continent
    }

    /// The two upper-case letters.
    #[must_use]
    pub const fn code(self) -> [u8; 2] {
        self.code
    }
}

impl fmt::Display for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.code.map(char::from);
        write!(formatter, "{first}{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_assigned_codes_and_nothing_else() {
        let cases: &[(&[u8], Option<&str>, &str)] = &[
            (b"CN", Some("CN"), "upper case"),
            (b"us", Some("US"), "lower case"),
            (b"dE", Some("DE"), "mixed case"),
            (b" \tFR ", Some("FR"), "spaces around"),
            (b"XK", Some("XK"), "user-assigned, but used by everybody"),
            (b"uk", Some("GB"), "reserved for the United Kingdom"),
            (b"XX", None, "unknown"),
            (b"T1", None, "Tor"),
            (b"ZZ", None, "unknown"),
            (b"EU", None, "a union, not a country"),
            (b"AP", None, "a registry's area"),
            (b"A1", None, "anonymous proxy"),
            (b"A2", None, "satellite provider"),
            (b"O1", None, "other"),
            (b"AA", None, "user-assigned"),
            (b"QM", None, "user-assigned"),
            (b"XA", None, "user-assigned"),
            (b"SU", None, "transitionally reserved: the Soviet Union"),
            (b"AN", None, "withdrawn: the Netherlands Antilles"),
            (b"AC", None, "exceptionally reserved: Ascension, part of SH"),
            (b"USA", None, "alpha-3"),
            (b"840", None, "numeric"),
            (b"U", None, "too short"),
            (b"U S", None, "space inside"),
            (b"", None, "empty"),
            (b"  ", None, "blank"),
            (b"\xc3\xa9", None, "not ASCII"),
            (b"\0\0", None, "control bytes"),
        ];
        for &(bytes, expected, why) in cases {
            let found = Country::parse(bytes).map(|country| country.to_string());
            assert_eq!(found.as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn every_assigned_code_reads_back_with_its_continent() {
        for (code, continent) in COUNTRIES {
            let country = Country::parse(&code.to_ascii_lowercase()).unwrap();
            assert_eq!((country.code(), country.continent()), (code, continent));
        }
    }

    #[test]
    fn continents_of_well_known_countries() {
        let cases = [
            ("CN", Continent::Asia),
            ("US", Continent::NorthAmerica),
            ("MX", Continent::NorthAmerica),
            ("BR", Continent::SouthAmerica),
            ("DE", Continent::Europe),
            ("RU", Continent::Europe),
            ("TR", Continent::Asia),
            ("EG", Continent::Africa),
            ("AU", Continent::Oceania),
            ("AQ", Continent::Antarctica),
            ("XK", Continent::Europe),
        ];
        for (code, continent) in cases {
            let country = Country::parse(code.as_bytes()).unwrap();
            assert_eq!(country.continent(), continent, "{code}");
        }
    }
}
