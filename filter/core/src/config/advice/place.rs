//! Mistakes in a country, a subdivision or a continent.

use crate::config::geography::{Continent, Country, Subdivision};

/// Names that people write in place of the code of ISO 3166-1, and codes of three letters.
#[rustfmt::skip]
const COUNTRIES: &[(&str, &str)] = &[
    ("argentina", "AR"), ("arg", "AR"), ("australia", "AU"), ("aus", "AU"), ("austria", "AT"), ("aut", "AT"),
    ("belgium", "BE"), ("bel", "BE"), ("brazil", "BR"), ("bra", "BR"), ("canada", "CA"), ("can", "CA"),
    ("chile", "CL"), ("chl", "CL"), ("china", "CN"), ("chn", "CN"), ("prc", "CN"), ("czechia", "CZ"), ("cze", "CZ"),
    ("denmark", "DK"), ("dnk", "DK"), ("egypt", "EG"), ("egy", "EG"), ("england", "GB"), ("finland", "FI"), ("fin", "FI"),
    ("france", "FR"), ("fra", "FR"), ("germany", "DE"), ("deu", "DE"), ("deutschland", "DE"), ("greece", "GR"), ("grc", "GR"),
    ("hongkong", "HK"), ("hkg", "HK"), ("hungary", "HU"), ("hun", "HU"), ("india", "IN"), ("ind", "IN"),
    ("indonesia", "ID"), ("idn", "ID"), ("iran", "IR"), ("irn", "IR"), ("ireland", "IE"), ("irl", "IE"),
    ("israel", "IL"), ("isr", "IL"), ("italy", "IT"), ("ita", "IT"), ("japan", "JP"), ("jpn", "JP"),
    ("korea", "KR"), ("southkorea", "KR"), ("kor", "KR"), ("malaysia", "MY"), ("mys", "MY"), ("mexico", "MX"), ("mex", "MX"),
    ("netherlands", "NL"), ("nld", "NL"), ("holland", "NL"), ("newzealand", "NZ"), ("nzl", "NZ"), ("nigeria", "NG"), ("nga", "NG"),
    ("norway", "NO"), ("nor", "NO"), ("pakistan", "PK"), ("pak", "PK"), ("philippines", "PH"), ("phl", "PH"),
    ("poland", "PL"), ("pol", "PL"), ("portugal", "PT"), ("prt", "PT"), ("romania", "RO"), ("rou", "RO"),
    ("russia", "RU"), ("rus", "RU"), ("saudiarabia", "SA"), ("sau", "SA"), ("singapore", "SG"), ("sgp", "SG"),
    ("southafrica", "ZA"), ("zaf", "ZA"), ("spain", "ES"), ("esp", "ES"), ("sweden", "SE"), ("swe", "SE"),
    ("switzerland", "CH"), ("che", "CH"), ("taiwan", "TW"), ("twn", "TW"), ("thailand", "TH"), ("tha", "TH"),
    ("turkey", "TR"), ("türkiye", "TR"), ("tur", "TR"), ("ukraine", "UA"), ("ukr", "UA"),
    ("unitedarabemirates", "AE"), ("are", "AE"), ("unitedkingdom", "GB"), ("greatbritain", "GB"), ("gbr", "GB"),
    ("unitedstates", "US"), ("unitedstatesofamerica", "US"), ("usa", "US"), ("vietnam", "VN"), ("vnm", "VN"),
];

const CONTINENTS: &[(&str, &str)] = &[
    ("africa", "AF"),
    ("antarctica", "AN"),
    ("asia", "AS"),
    ("apac", "AS"),
    ("australia", "OC"),
    ("oceania", "OC"),
    ("europe", "EU"),
    ("northamerica", "NA"),
    ("southamerica", "SA"),
    ("latinamerica", "SA"),
];

fn coded(text: &str, codes: &[(&str, &'static str)]) -> Option<&'static str> {
    let letters = text.chars().filter(|c| c.is_alphabetic());
    let word: String = letters.flat_map(char::to_lowercase).collect();
    codes.iter().find(|(name, _)| *name == word).map(|(_, code)| *code)
}

/// Why a text is no country.
pub(crate) fn country(text: &str) -> Option<String> {
    let several: Vec<&str> = text.split([',', ';', ' ']).filter(|one| !one.is_empty()).collect();
    let each: Option<Vec<String>> = several.iter().map(|one| code_of(one)).collect();
    if let Some(each) = each.filter(|each| each.len() > 1) {
        return Some(format!("is more than one; write each by itself: `[{}]`", each.join(", ")));
    }
    if let Some(code) = coded(text, COUNTRIES) {
        return Some(format!("is no code of ISO 3166-1; write `{code}`"));
    }
    if Subdivision::parse_qualified(text.as_bytes()).is_some() {
        return Some(format!("is a part of a country; write `subdivisions: [{text}]`"));
    }
    let code = text.to_ascii_uppercase();
    if let Some(continent) = coded(text, CONTINENTS) {
        return Some(format!("is no country; write `continents: [{continent}]`"));
    }
    match code.as_str() {
        "EU" => Some("is no country; write `continents: [EU]`, or each of its countries".to_owned()),
        "AP" | "XX" | "ZZ" | "T1" | "A1" | "A2" | "O1" => {
            Some("means that a client's country is not known; such clients are in `default`".to_owned())
        }
        _ if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) => Some(
            "is no country of ISO 3166-1, and no database says so of a client; see the list of its codes".to_owned(),
        ),
        _ => None,
    }
}

/// The code of one country, by its code or its name.
fn code_of(text: &str) -> Option<String> {
    let is_code = Country::parse(text.as_bytes()).is_some();
    if is_code {
        Some(text.to_ascii_uppercase())
    } else {
        coded(text, COUNTRIES).map(str::to_owned)
    }
}

/// Why a text is no subdivision.
pub(crate) fn subdivision(text: &str) -> Option<String> {
    let hyphened = text.replace(['_', ' ', '.', ':', '/'], "-");
    if hyphened != text && Subdivision::parse_qualified(hyphened.as_bytes()).is_some() {
        return Some(format!("has no hyphen; write `{}`", hyphened.to_ascii_uppercase()));
    }
    if Country::parse(text.as_bytes()).is_some() {
        return Some(format!(
            "is a country; write `countries: [{text}]`, or the country before the code of its part, such as `US-CA`"
        ));
    }
    None
}

/// Why a text is no continent.
pub(crate) fn continent(text: &str) -> Option<String> {
    if let Some(code) = coded(text, CONTINENTS) {
        return Some(format!("is no code of a continent; write `{code}`"));
    }
    if Continent::parse(text.as_bytes()).is_none() && Country::parse(text.as_bytes()).is_some() {
        return Some(format!("is a country; write `countries: [{}]`", text.to_ascii_uppercase()));
    }
    None
}
