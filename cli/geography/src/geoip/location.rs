//! A place on Earth as the databases name it: a country and perhaps a part of it.

use std::fmt;

use portolan_core::config::geography::Country;

use super::error::Fault;

/// Codes by which the public databases say "nobody knows": the user-assigned ZZ and XX (ISO 3166-1,
/// clause 8.1.3), the dash of `IP2Location`, and what is no country but an area or a kind of
/// network: Europe, Asia and the Pacific, anonymous proxies, satellites, others, Tor.
const UNLOCATED: [&str; 10] = ["ZZ", "XX", "-", "--", "EU", "AP", "A1", "A2", "O1", "T1"];

/// Codes of countries that are no more, and whose networks are in one of several by now (ISO
/// 3166-3). Registries of addresses still have some in old entries.
const WITHDRAWN: [&str; 6] = ["AN", "CS", "SU", "TP", "YU", "ZR"];

/// A country and, where the data goes that deep, its subdivision.
///
/// Prints as `US` or `US-CA`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Location {
    country: [u8; 2],
    /// The code after the hyphen of ISO 3166-2, one to three characters, filled up with zeros;
    /// all zeros for no subdivision. Bytes, so that a million claims need no allocation.
    subdivision: [u8; 3],
}

impl Location {
    /// The location that sorts before every other. It names no place.
    pub(super) const LOWEST: Self = Self { country: [0; 2], subdivision: [0; 3] };

    /// Reads the codes of one line or record; `None` where they say that nobody knows.
    ///
    /// `country` is two letters (ISO 3166-1 alpha-2) in either case. `subdivision` is empty, or
    /// ISO 3166-2 with or without its country: `CA` and `US-CA` are the same.
    ///
    /// # Errors
    ///
    /// The fault says which code is wrong and what to write instead.
    pub(super) fn parse(country: &str, subdivision: &str) -> Result<Option<Self>, Fault> {
        let country = country.to_ascii_uppercase();
        if UNLOCATED.contains(&country.as_str()) || WITHDRAWN.contains(&country.as_str()) {
            return Ok(None);
        }
        let code = country_code(&country)?;
        let country = text(&code).to_owned();
        let subdivision = subdivision_code(&country, &subdivision.to_ascii_uppercase())?;
        Ok(Some(Self { country: code, subdivision }))
    }

    /// The country's code, as in `country.iso_code`.
    pub fn country(&self) -> &str {
        text(&self.country)
    }

    /// The subdivision's code without its country, as in `subdivisions[0].iso_code`.
    pub fn subdivision(&self) -> Option<&str> {
        let code = text(&self.subdivision).trim_end_matches('\0');
        (!code.is_empty()).then_some(code)
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.country())?;
        match self.subdivision() {
            Some(code) => write!(out, "-{code}"),
            None => Ok(()),
        }
    }
}

/// The bytes were checked to be ASCII when they were stored.
fn text(code: &[u8]) -> &str {
    str::from_utf8(code).unwrap_or_default()
}

fn country_code(country: &str) -> Result<[u8; 2], Fault> {
    match country.as_bytes() {
        [] => Err(Fault::NoCountry),
        // What the filter will make of it: a code that nothing was assigned to is no country there.
        code => match Country::parse(code) {
            Some(known) if country.trim() == country => Ok(known.code()),
            _ => Err(Fault::Country(country.to_owned())),
        },
    }
}

/// ISO 3166-2, clause 5.2: the part after the hyphen is one to three letters or digits.
fn subdivision_code(country: &str, subdivision: &str) -> Result<[u8; 3], Fault> {
    let code = match subdivision.split_once('-') {
        None => subdivision,
        Some((prefix, code)) if prefix == country && !code.is_empty() => code,
        Some(_) => return Err(bad_subdivision(country, subdivision)),
    };
    if !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(bad_subdivision(country, subdivision));
    }
    match *code.as_bytes() {
        [] => Ok([0; 3]),
        [first] => Ok([first, 0, 0]),
        [first, second] => Ok([first, second, 0]),
        [first, second, third] => Ok([first, second, third]),
        _ => Err(bad_subdivision(country, subdivision)),
    }
}

fn bad_subdivision(country: &str, subdivision: &str) -> Fault {
    Fault::Subdivision { country: country.to_owned(), subdivision: subdivision.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read() {
        let cases = [
            // country, subdivision, printed
            ("US", "", Some("US")),
            ("us", "", Some("US")),
            ("US", "CA", Some("US-CA")),
            ("US", "ca", Some("US-CA")),
            ("US", "US-CA", Some("US-CA")),
            ("GB", "ENG", Some("GB-ENG")),
            ("CZ", "10", Some("CZ-10")),
            ("AR", "B", Some("AR-B")),
            ("XK", "", Some("XK")), // Kosovo: user-assigned, and in every database
            ("UK", "", Some("GB")), // what it can only mean, and what the filter reads
            ("EU", "", None),       // an area, whose clients may be anywhere in it
            ("ap", "", None),
            ("A1", "", None),
            ("T1", "", None),
            ("ZZ", "", None),
            ("AN", "", None), // the Netherlands Antilles: three countries by now
            ("zz", "", None),
            ("XX", "CA", None), // nobody knows the country, so nobody knows its part
            ("-", "", None),
        ];
        for (country, subdivision, printed) in cases {
            let location = Location::parse(country, subdivision).expect(country);
            let shown = location.map(|location| location.to_string());
            assert_eq!(shown.as_deref(), printed, "{country},{subdivision}");
        }
    }

    #[test]
    fn bad_codes_are_refused_with_what_to_write() {
        let cases = [
            ("", "", "ZZ"),
            ("USA", "", "`USA` is not a country code"),
            ("U", "", "`U` is not a country code"),
            ("U1", "", "`U1` is not a country code"),
            ("QQ", "", "`QQ` is not a country code"), // two letters, and nobody's
            ("BQQ", "", "`BQQ` is not a country code"),
            (" D", "", "is not a country code"),
            ("Ü", "", "is not a country code"), // two bytes, but not two letters of ASCII
            ("US", "California", "`CALIFORNIA` is not a subdivision of US"),
            ("DE", "US-CA", "`US-CA` is not a subdivision of DE"),
            ("US", "US-", "`US-` is not a subdivision of US"),
            ("US", "C A", "`C A` is not a subdivision of US"),
            ("US", "A-B-C", "`A-B-C` is not a subdivision of US"),
        ];
        for (country, subdivision, message) in cases {
            let fault = Location::parse(country, subdivision).expect_err(country);
            assert!(fault.to_string().contains(message), "{fault}");
        }
    }
}
