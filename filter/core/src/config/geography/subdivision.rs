//! ISO 3166-2 codes of states, provinces and regions.

use crate::config::geography::country::Country;
use std::fmt;

/// The longest part behind the hyphen: "up to three alphanumeric characters" (ISO 3166-2).
const LONGEST: usize = 3;

/// A part of a country: `US-CA`, `CN-SH`, `FR-75C`.
///
/// The form is checked and the country exists; whether the country has such a part is not known
/// here, because the parts change several times a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subdivision {
    country: Country,
    /// Upper case, filled up with zero bytes, so that equal codes are equal values.
    code: [u8; LONGEST],
}

impl Subdivision {
    /// Reads what a geo header says about a client in `country`: the bare part (`CA`), as
    /// databases have it, or the whole code (`US-CA`).
    ///
    /// `None` if it has another form, or is qualified by another country: then one of the two
    /// headers is wrong, and the country is the coarser and safer of them.
    #[must_use]
    pub fn parse(country: Country, bytes: &[u8]) -> Option<Self> {
        if bytes.contains(&b'-') {
            Self::parse_qualified(bytes).filter(|found| found.country == country)
        } else {
            Self::of(country, bytes.trim_ascii())
        }
    }

    /// Reads a whole code, country and part, as a policy names it: `US-CA`, in either case.
    #[must_use]
    pub fn parse_qualified(bytes: &[u8]) -> Option<Self> {
        match bytes.trim_ascii() {
            [first, second, b'-', part @ ..] => Self::of(Country::parse(&[*first, *second])?, part),
            _ => None,
        }
    }

    /// The country that the subdivision is a part of.
    #[must_use]
    pub const fn country(self) -> Country {
        self.country
    }

    fn of(country: Country, part: &[u8]) -> Option<Self> {
        if part.is_empty() || !part.iter().all(u8::is_ascii_alphanumeric) {
            return None;
        }
        let mut code = [0; LONGEST];
        code.get_mut(..part.len())?.copy_from_slice(part);
        code.make_ascii_uppercase();
        Some(Self { country, code })
    }
}

impl fmt::Display for Subdivision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}-", self.country)?;
        self.code
            .into_iter()
            .filter(|&byte| byte != 0)
            .try_for_each(|byte| write!(formatter, "{}", char::from(byte)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(subdivision: Option<Subdivision>) -> Option<String> {
        subdivision.map(|subdivision| subdivision.to_string())
    }

    #[test]
    fn qualified_codes() {
        let cases: &[(&[u8], Option<&str>, &str)] = &[
            (b"US-CA", Some("US-CA"), "a state"),
            (b"cn-sh", Some("CN-SH"), "lower case"),
            (b" FR-75c ", Some("FR-75C"), "three characters, spaces around"),
            (b"AT-9", Some("AT-9"), "one digit"),
            (b"UK-ENG", Some("GB-ENG"), "the country's other code"),
            (b"US", None, "no part"),
            (b"US-", None, "empty part"),
            (b"US-CALI", None, "part too long"),
            (b"US_CA", None, "underscore"),
            (b"US-C A", None, "space inside"),
            (b"US- CA", None, "space behind the hyphen"),
            (b"US-C-A", None, "two hyphens"),
            (b"EU-DE", None, "not a country"),
            (b"USA-CA", None, "alpha-3"),
            (b"-CA", None, "no country"),
            (b"", None, "empty"),
            (b"US-\xc3\xa9", None, "not ASCII"),
            (b"US-\0", None, "a zero byte is not filling"),
        ];
        for &(bytes, expected, why) in cases {
            let found = printed(Subdivision::parse_qualified(bytes));
            assert_eq!(found.as_deref(), expected, "{why}");
        }
    }

    #[test]
    fn a_header_gives_the_part_or_the_whole() {
        let us = Country::parse(b"US").unwrap();
        let cases: &[(&[u8], Option<&str>, &str)] = &[
            (b"CA", Some("US-CA"), "the bare part, as the database has it"),
            (b" ca ", Some("US-CA"), "lower case, spaces"),
            (b"US-CA", Some("US-CA"), "the whole code"),
            (b"CN-SH", None, "of another country"),
            (b"California", None, "a name"),
            (b"", None, "empty"),
        ];
        for &(bytes, expected, why) in cases {
            let found = printed(Subdivision::parse(us, bytes));
            assert_eq!(found.as_deref(), expected, "{why}");
        }
    }
}
