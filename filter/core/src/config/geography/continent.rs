//! The seven continents.

use std::fmt;

/// A continent, by the two-letter code that geographic databases and content networks use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Continent {
    /// `AF`
    Africa,
    /// `AN`
    Antarctica,
    /// `AS`
    Asia,
    /// `EU`
    Europe,
    /// `NA`: Central America and the Caribbean are part of it.
    NorthAmerica,
    /// `OC`
    Oceania,
    /// `SA`
    SouthAmerica,
}

impl Continent {
    /// Every continent, in the order of the codes.
    pub const ALL: [Self; 7] = [
        Self::Africa,
        Self::Antarctica,
        Self::Asia,
        Self::Europe,
        Self::NorthAmerica,
        Self::Oceania,
        Self::SouthAmerica,
    ];

    /// Reads a code in either case, with spaces around it; `None` for anything else.
    ///
    /// `T1`, which content networks send for Tor, is no continent.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let code = bytes.trim_ascii();
        Self::ALL
            .into_iter()
            .find(|continent| continent.code().as_bytes().eq_ignore_ascii_case(code))
    }

    /// The two-letter code, in upper case.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Africa => "AF",
            Self::Antarctica => "AN",
            Self::Asia => "AS",
            Self::Europe => "EU",
            Self::NorthAmerica => "NA",
            Self::Oceania => "OC",
            Self::SouthAmerica => "SA",
        }
    }
}

impl fmt::Display for Continent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_codes_and_nothing_else() {
        let cases: &[(&[u8], Option<Continent>, &str)] = &[
            (b"EU", Some(Continent::Europe), "upper case"),
            (b"as", Some(Continent::Asia), "lower case"),
            (b" Na\t", Some(Continent::NorthAmerica), "mixed, spaces"),
            (b"T1", None, "Tor, as content networks mark it"),
            (b"XX", None, "unknown"),
            (b"AM", None, "the Americas are two continents"),
            (b"EUR", None, "too long"),
            (b"E", None, "too short"),
            (b"", None, "empty"),
            (b"\xff\xfe", None, "not text"),
        ];
        for &(bytes, expected, why) in cases {
            assert_eq!(Continent::parse(bytes), expected, "{why}");
        }
    }

    #[test]
    fn what_is_printed_reads_back() {
        for continent in Continent::ALL {
            assert_eq!(Continent::parse(continent.to_string().as_bytes()), Some(continent));
        }
    }
}
