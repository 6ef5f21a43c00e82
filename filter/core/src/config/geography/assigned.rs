//! The country codes in use, each with its continent.

use crate::config::geography::continent::Continent::{
    self, Africa as AF, Antarctica as AN, Asia as AS, Europe as EU, NorthAmerica as NA,
    Oceania as OC, SouthAmerica as SA,
};

/// How many codes ISO 3166-1 officially assigns, and one more: `XK`.
const COUNT: usize = 249 + 1;

/// Every officially assigned alpha-2 code of ISO 3166-1, and `XK`, sorted by code.
///
/// A state on two continents is on the one that the `GeoNames` country list gives it: `RU` and `CY`
/// are in Europe; `TR`, `GE`, `AM`, `AZ` and `KZ` in Asia; `EG` in Africa; `TL` in Oceania. A
/// policy that wants it otherwise names the country: a country beats a continent.
#[rustfmt::skip] // one row a line would be 250 lines; so each row here is one initial letter
pub(super) const COUNTRIES: [([u8; 2], Continent); COUNT] = [
    (*b"AD", EU), (*b"AE", AS), (*b"AF", AS), (*b"AG", NA), (*b"AI", NA), (*b"AL", EU), (*b"AM", AS),
    (*b"AO", AF), (*b"AQ", AN), (*b"AR", SA), (*b"AS", OC), (*b"AT", EU), (*b"AU", OC), (*b"AW", NA),
    (*b"AX", EU), (*b"AZ", AS),
    (*b"BA", EU), (*b"BB", NA), (*b"BD", AS), (*b"BE", EU), (*b"BF", AF), (*b"BG", EU), (*b"BH", AS),
    (*b"BI", AF), (*b"BJ", AF), (*b"BL", NA), (*b"BM", NA), (*b"BN", AS), (*b"BO", SA), (*b"BQ", NA),
    (*b"BR", SA), (*b"BS", NA), (*b"BT", AS), (*b"BV", AN), (*b"BW", AF), (*b"BY", EU), (*b"BZ", NA),
    (*b"CA", NA), (*b"CC", AS), (*b"CD", AF), (*b"CF", AF), (*b"CG", AF), (*b"CH", EU), (*b"CI", AF),
    (*b"CK", OC), (*b"CL", SA), (*b"CM", AF), (*b"CN", AS), (*b"CO", SA), (*b"CR", NA), (*b"CU", NA),
    (*b"CV", AF), (*b"CW", NA), (*b"CX", OC), (*b"CY", EU), (*b"CZ", EU),
    (*b"DE", EU), (*b"DJ", AF), (*b"DK", EU), (*b"DM", NA), (*b"DO", NA), (*b"DZ", AF),
    (*b"EC", SA), (*b"EE", EU), (*b"EG", AF), (*b"EH", AF), (*b"ER", AF), (*b"ES", EU), (*b"ET", AF),
    (*b"FI", EU), (*b"FJ", OC), (*b"FK", SA), (*b"FM", OC), (*b"FO", EU), (*b"FR", EU),
    (*b"GA", AF), (*b"GB", EU), (*b"GD", NA), (*b"GE", AS), (*b"GF", SA), (*b"GG", EU), (*b"GH", AF),
    (*b"GI", EU), (*b"GL", NA), (*b"GM", AF), (*b"GN", AF), (*b"GP", NA), (*b"GQ", AF), (*b"GR", EU),
    (*b"GS", AN), (*b"GT", NA), (*b"GU", OC), (*b"GW", AF), (*b"GY", SA),
    (*b"HK", AS), (*b"HM", AN), (*b"HN", NA), (*b"HR", EU), (*b"HT", NA), (*b"HU", EU),
    (*b"ID", AS), (*b"IE", EU), (*b"IL", AS), (*b"IM", EU), (*b"IN", AS), (*b"IO", AS), (*b"IQ", AS),
    (*b"IR", AS), (*b"IS", EU), (*b"IT", EU),
    (*b"JE", EU), (*b"JM", NA), (*b"JO", AS), (*b"JP", AS),
    (*b"KE", AF), (*b"KG", AS), (*b"KH", AS), (*b"KI", OC), (*b"KM", AF), (*b"KN", NA), (*b"KP", AS),
    (*b"KR", AS), (*b"KW", AS), (*b"KY", NA), (*b"KZ", AS),
    (*b"LA", AS), (*b"LB", AS), (*b"LC", NA), (*b"LI", EU), (*b"LK", AS), (*b"LR", AF), (*b"LS", AF),
    (*b"LT", EU), (*b"LU", EU), (*b"LV", EU), (*b"LY", AF),
    (*b"MA", AF), (*b"MC", EU), (*b"MD", EU), (*b"ME", EU), (*b"MF", NA), (*b"MG", AF), (*b"MH", OC),
    (*b"MK", EU), (*b"ML", AF), (*b"MM", AS), (*b"MN", AS), (*b"MO", AS), (*b"MP", OC), (*b"MQ", NA),
    (*b"MR", AF), (*b"MS", NA), (*b"MT", EU), (*b"MU", AF), (*b"MV", AS), (*b"MW", AF), (*b"MX", NA),
    (*b"MY", AS), (*b"MZ", AF),
    (*b"NA", AF), (*b"NC", OC), (*b"NE", AF), (*b"NF", OC), (*b"NG", AF), (*b"NI", NA), (*b"NL", EU),
    (*b"NO", EU), (*b"NP", AS), (*b"NR", OC), (*b"NU", OC), (*b"NZ", OC),
    (*b"OM", AS),
    (*b"PA", NA), (*b"PE", SA), (*b"PF", OC), (*b"PG", OC), (*b"PH", AS), (*b"PK", AS), (*b"PL", EU),
    (*b"PM", NA), (*b"PN", OC), (*b"PR", NA), (*b"PS", AS), (*b"PT", EU), (*b"PW", OC), (*b"PY", SA),
    (*b"QA", AS),
    (*b"RE", AF), (*b"RO", EU), (*b"RS", EU), (*b"RU", EU), (*b"RW", AF),
    (*b"SA", AS), (*b"SB", OC), (*b"SC", AF), (*b"SD", AF), (*b"SE", EU), (*b"SG", AS), (*b"SH", AF),
    (*b"SI", EU), (*b"SJ", EU), (*b"SK", EU), (*b"SL", AF), (*b"SM", EU), (*b"SN", AF), (*b"SO", AF),
    (*b"SR", SA), (*b"SS", AF), (*b"ST", AF), (*b"SV", NA), (*b"SX", NA), (*b"SY", AS), (*b"SZ", AF),
    (*b"TC", NA), (*b"TD", AF), (*b"TF", AN), (*b"TG", AF), (*b"TH", AS), (*b"TJ", AS), (*b"TK", OC),
    (*b"TL", OC), (*b"TM", AS), (*b"TN", AF), (*b"TO", OC), (*b"TR", AS), (*b"TT", NA), (*b"TV", OC),
    (*b"TW", AS), (*b"TZ", AF),
    (*b"UA", EU), (*b"UG", AF), (*b"UM", OC), (*b"US", NA), (*b"UY", SA), (*b"UZ", AS),
    (*b"VA", EU), (*b"VC", NA), (*b"VE", SA), (*b"VG", NA), (*b"VI", NA), (*b"VN", AS), (*b"VU", OC),
    (*b"WF", OC), (*b"WS", OC),
    (*b"XK", EU), // Kosovo: a code for private use by the standard, used by everybody
    (*b"YE", AS), (*b"YT", AF),
    (*b"ZA", AF), (*b"ZM", AF), (*b"ZW", AF),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorted_without_a_repeat_so_that_it_can_be_searched() {
        assert!(COUNTRIES.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn every_code_is_two_upper_case_letters() {
        assert!(COUNTRIES.iter().all(|(code, _)| code.iter().all(u8::is_ascii_uppercase)));
    }

    /// The counts are those of the `GeoNames` country list. A slip of a letter in the table moves a
    /// country, and so changes two of them.
    #[test]
    fn every_continent_has_as_many_countries_as_published() {
        let expected = [(AF, 58), (AN, 5), (AS, 51), (EU, 53), (NA, 41), (OC, 28), (SA, 14)];
        for (continent, count) in expected {
            let found = COUNTRIES.iter().filter(|row| row.1 == continent).count();
            assert_eq!(found, count, "{continent}");
        }
    }
}
