//! Doubts about clients that are placed by what nobody tells.

use portolan_core::config::{Config, Document, Geo, GeoHeaders};

use super::Doubt;
use crate::policy_file::{join, view};

/// Regions by country, subdivision or continent that no client can be found to be in.
pub(super) fn doubts(config: &Config, document: &Document) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (name, region) in view::mapping(view::field(document, "regions")) {
        for (field, kind) in [
            ("countries", Criterion::Country),
            ("subdivisions", Criterion::Subdivision),
            ("continents", Criterion::Continent),
        ] {
            let is_written = !view::list(view::field(region, field)).is_empty();
            if let Some(message) = kind.unknown(config.clients().geo()).filter(|_| is_written) {
                doubts.push((join(&join("regions", name), field), message.to_owned()));
            }
        }
    }
    doubts
}

/// What a region may say about where its clients are.
#[derive(Clone, Copy)]
enum Criterion {
    Country,
    Subdivision,
    Continent,
}

impl Criterion {
    /// Why no client is known to be there, if none is.
    fn unknown(self, geo: &Geo) -> Option<&'static str> {
        const NO_GEO: &str = "nothing says where clients are, so that none is placed by this; write \
             `clients: {geo: {database: FILE}}`, or `headers` in its place";
        let GeoHeaders { country, subdivision, continent } = match geo {
            Geo::None => return Some(NO_GEO),
            Geo::Database(_) => return None,
            Geo::Headers(headers) => headers,
        };
        match self {
            Self::Country if country.is_none() => Some(
                "no header says the country of a client, so that none is placed by this; write \
                 `country` in `clients.geo.headers`",
            ),
            Self::Subdivision if subdivision.is_none() => Some(
                "no header says the subdivision of a client, so that none is placed by this; write \
                 `subdivision` in `clients.geo.headers`",
            ),
            Self::Continent if continent.is_none() && country.is_none() => Some(
                "no header says the continent or the country of a client, so that none is placed by \
                 this; write one of them in `clients.geo.headers`",
            ),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::told_of;

    #[test]
    fn regions_that_nothing_leads_to() {
        let told = |clients: &str, region: &str| {
            told_of(&format!(
                "version: 1\nfronts: {{main: {{hosts: [r.example.com]}}}}\n\
                 regions: {{cn: {{{region}}}, default: {{}}}}\nclients: {{{clients}}}\n\
                 backends: {{a: {{url: \"https://a.example\"}}}}\n\
                 rules: [{{name: r, repositories: [x], chains: {{default: [a]}}}}]\n"
            ))
        };
        let headers =
            |names: &str| format!("trusted_proxies: [192.0.2.0/24], geo: {{headers: {{{names}}}}}");
        let (none, database) = ("", "geo: {database: /g.mmdb}");
        let (country, continent) =
            (&*headers("country: cf-ipcountry"), &*headers("continent: x-c"));
        #[rustfmt::skip]
        let rows = [
            (none, "countries: [CN]", Some("countries: nothing says where clients are"), "no source"),
            (none, "subdivisions: [US-CA]", Some("subdivisions: nothing says"), "nor for these"),
            (none, "continents: [AS]", Some("continents: nothing says"), "nor for these"),
            (none, "networks: [10.0.0.0/8]", None, "an address is always known"),
            (none, "countries: []", None, "nothing is claimed"),
            (database, "countries: [CN], continents: [AS]", None, "the database knows"),
            (country, "countries: [CN], continents: [AS]", None, "a continent follows from the country"),
            (country, "subdivisions: [US-CA]", Some("subdivisions: no header says the subdivision"), "another header"),
            (continent, "countries: [CN]", Some("countries: no header says the country"), "another header"),
            (continent, "continents: [AS]", None, "its own header"),
        ];
        for (clients, region, expected, reason) in rows {
            let found = told(clients, region);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{reason}: {found:#?}");
            let start = expected.map(|start| format!("regions.cn.{start}"));
            assert!(start.is_none_or(|start| found[0].starts_with(&start)), "{reason}: {found:?}");
        }
    }
}
