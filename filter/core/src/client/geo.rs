//! Reads the geo headers of a request, if the policy trusts its sender.

use super::facts::{ClientFacts, address_of};
use crate::config::geography::{Continent, Country, Subdivision};
use crate::config::regions::{GeoSource, Regions};

/// What the believed geo headers say, as far as it has meaning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct GeoFacts {
    pub(super) country: Option<Country>,
    pub(super) subdivision: Option<Subdivision>,
    pub(super) continent: Option<Continent>,
}

impl GeoFacts {
    /// The geo headers of a request, or nothing if nobody trusted wrote them.
    pub(super) fn believed(regions: &Regions, facts: &ClientFacts<'_>) -> Self {
        let believed = match regions.geo_source() {
            GeoSource::None => false,
            GeoSource::TrustedHeaders => true,
            GeoSource::ProxyHeaders => {
                address_of(facts.peer).is_some_and(|peer| regions.trusted_proxies().contains(peer))
            }
        };
        if believed { Self::read(facts) } else { Self::default() }
    }

    /// Each fact from its own header if that has it, else from the next that implies it: a
    /// country header may name a subdivision (`US-CA`), a whole subdivision names its country,
    /// and a country is on a continent.
    fn read(facts: &ClientFacts<'_>) -> Self {
        let country_header = facts.country.unwrap_or_default();
        let subdivision_header = facts.subdivision.unwrap_or_default();
        let qualified = first(country_header, Subdivision::parse_qualified);
        let country = first(country_header, country_or_its_part)
            .or_else(|| Some(first(subdivision_header, Subdivision::parse_qualified)?.country()));
        let subdivision = country
            .and_then(|country| first(subdivision_header, |item| Subdivision::parse(country, item)))
            .or_else(|| qualified.filter(|part| Some(part.country()) == country));
        let continent = first(facts.continent.unwrap_or_default(), Continent::parse)
            .or_else(|| country.map(Country::continent));
        Self { country, subdivision, continent }
    }
}

fn country_or_its_part(bytes: &[u8]) -> Option<Country> {
    Country::parse(bytes).or_else(|| Subdivision::parse_qualified(bytes).map(Subdivision::country))
}

/// The first item of a header that means something.
///
/// A repeated header arrives with its values joined by commas. The first that can be read
/// counts: hops add theirs behind, and the hop nearest to the client saw its address, while a
/// later one may have located only the hop before it. Whoever can forge the first has already
/// passed the trust check above, and gains no more than another region's registries.
fn first<T>(header: &[u8], parse: impl Fn(&[u8]) -> Option<T>) -> Option<T> {
    header.split(|&byte| byte == b',').find_map(parse)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Country, subdivision and continent as headers; the same as printed facts; the reason.
    type Row = ([&'static str; 3], [&'static str; 3], &'static str);

    fn printed<T: ToString>(fact: Option<T>) -> String {
        fact.map(|fact| fact.to_string()).unwrap_or_default()
    }

    #[rustfmt::skip] // one row a case
    const HEADERS: &[Row] = &[
        (["CN", "", ""], ["CN", "", "AS"], "the continent follows from the country"),
        (["us", "ca", "na"], ["US", "US-CA", "NA"], "lower case"),
        ([" US ", " CA", ""], ["US", "US-CA", "NA"], "spaces"),
        (["US", "US-CA", ""], ["US", "US-CA", "NA"], "a whole subdivision"),
        (["US-CA", "", ""], ["US", "US-CA", "NA"], "a subdivision in the country header"),
        (["US-CA", "NY", ""], ["US", "US-NY", "NA"], "its own header knows better"),
        (["", "US-CA", ""], ["US", "US-CA", "NA"], "the country follows from the subdivision"),
        (["", "CA", ""], ["", "", ""], "part of an unknown country"),
        (["US", "CN-SH", ""], ["US", "", "NA"], "part of another country"),
        (["US", "California", ""], ["US", "", "NA"], "a name"),
        (["TR", "", "EU"], ["TR", "", "EU"], "the given continent counts"),
        (["", "", "OC"], ["", "", "OC"], "a continent alone"),
        (["XX", "", ""], ["", "", ""], "unknown"),
        (["T1", "", "T1"], ["", "", ""], "Tor"),
        (["ZZ", "", ""], ["", "", ""], "unknown"),
        (["EU", "", "EU"], ["", "", "EU"], "a continent, but no country"),
        (["AP", "", ""], ["", "", ""], "a registry's area"),
        (["A1", "", ""], ["", "", ""], "anonymous proxy"),
        (["USA", "", ""], ["", "", ""], "alpha-3"),
        (["UK", "ENG", ""], ["GB", "GB-ENG", "EU"], "reserved for the United Kingdom"),
        (["CN, US", "", ""], ["CN", "", "AS"], "conflicting: the first"),
        (["XX,,US", "", ""], ["US", "", "NA"], "the first that means something"),
        (["DE,US-CA", "", ""], ["DE", "", "EU"], "a part of a country that did not win"),
        (["US", "??, CA, NY", ""], ["US", "US-CA", "NA"], "repeated subdivision"),
        (["", "", "T1, AS"], ["", "", "AS"], "repeated continent"),
        (["", "", ""], ["", "", ""], "nothing"),
    ];

    #[test]
    fn locations_in_geo_headers() {
        for &([country, subdivision, continent], expected, why) in HEADERS {
            let facts = GeoFacts::read(&ClientFacts {
                country: Some(country.as_bytes()),
                subdivision: Some(subdivision.as_bytes()),
                continent: Some(continent.as_bytes()),
                ..ClientFacts::default()
            });
            let found =
                [printed(facts.country), printed(facts.subdivision), printed(facts.continent)];
            assert_eq!(found, expected, "{country:?} {subdivision:?} {continent:?}: {why}");
        }
    }
}
