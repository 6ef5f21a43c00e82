//! Warnings about how clients are assigned to regions.

use ipnet::IpNet;
use portolan_command::policy_file::{join, view};
use portolan_core::config::{Config, DEFAULT_REGION, Document, Geo, GeoHeaders};

use super::doubt::Doubt;

/// Regions by country, subdivision or continent that no client can be found to be in.
pub(super) fn doubts(config: &Config, document: &Document) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    doubts.extend(headers_of_envoy(config));
    doubts.extend(everybody_is_believed(config, document));
    doubts.extend(regions_of_nobody(document));
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

/// Geo headers that `render` refuses: what Envoy calls its own is removed before the filter sees
/// it.
fn headers_of_envoy(config: &Config) -> Vec<Doubt> {
    let Geo::Headers(GeoHeaders { country, subdivision, continent }) = config.clients().geo()
    else {
        return Vec::new();
    };
    let named = [("country", country), ("subdivision", subdivision), ("continent", continent)];
    let own = named.into_iter().filter_map(|(field, name)| Some((field, name.as_deref()?)));
    let own = own.filter(|(_, name)| name.starts_with("x-envoy-"));
    own.map(|(field, name)| {
        let message = format!(
            "`{name}` is Envoy's own, which is removed from every request, and `portolan render` refuses it; \
             let the proxy send it under another name"
        );
        (format!("clients.geo.headers.{field}"), message)
    })
    .collect()
}

/// Trusted proxies that are half of the Internet: who connects may then say who and where he is.
fn everybody_is_believed(config: &Config, document: &Document) -> Vec<Doubt> {
    const SHORTEST: u8 = 4;
    let written =
        view::field(document, "clients").and_then(|all| view::field(all, "trusted_proxies"));
    let mut doubts = Vec::new();
    for (index, text) in view::list(written).iter().enumerate() {
        let prefix = view::text(text).and_then(|text| text.parse::<IpNet>().ok());
        if prefix.is_some_and(|prefix| prefix.prefix_len() < SHORTEST) {
            let what = match config.clients().geo() {
                Geo::Headers(_) => "where it is and what its address is",
                Geo::None | Geo::Database(_) => "what its address is",
            };
            let message = format!(
                "believes whoever connects when it says {what}, and `readers` by network admit it; write the \
                 addresses of your own proxies"
            );
            doubts.push((format!("clients.trusted_proxies[{index}]"), message));
        }
    }
    doubts
}

/// Regions without any word on who is in them.
fn regions_of_nobody(document: &Document) -> Vec<Doubt> {
    const CRITERIA: [&str; 5] = ["networks", "labels", "countries", "subdivisions", "continents"];
    let regions = view::mapping(view::field(document, "regions")).iter();
    let nobody = regions.filter(|(name, region)| {
        name != DEFAULT_REGION
            && CRITERIA.iter().all(|field| view::list(view::field(region, field)).is_empty())
    });
    nobody
        .map(|(name, _)| {
            let message = "no client is in this region; write its `networks`, `labels`, `countries`, \
                 `subdivisions` or `continents`, or take it out";
            (join("regions", name), message.to_owned())
        })
        .collect()
}

/// A field of a region that says where its clients are.
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
            (none, "countries: [], networks: [10.0.0.0/8]", None, "nothing is claimed"),
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

    #[test]
    fn trusted_peers_and_networks_without_a_region() {
        let told = |clients: &str, regions: &str| {
            told_of(&format!(
                "version: 1\nfronts: {{main: {{hosts: [r.example.com]}}}}\n\
                 regions: {{{regions}}}\nclients: {{{clients}}}\n\
                 backends: {{a: {{url: \"https://a.example\"}}}}\n\
                 rules: [{{name: r, repositories: [x], chains: {{default: [a]}}}}]\n"
            ))
        };
        let (lan, all) = ("lan: {networks: [10.0.0.0/8]}, default: {}", "default: {}");
        #[rustfmt::skip]
        let rows = [
            ("trusted_proxies: [192.0.2.0/24]", lan, None, "a proxy"),
            ("trusted_proxies: [192.0.2.0/24, 0.0.0.0/0]", lan, Some("clients.trusted_proxies[1]: believes whoever connects when it says what its address is"), "everybody"),
            ("trusted_proxies: [\"::/0\"]", lan, Some("clients.trusted_proxies[0]: believes"), "everybody on IPv6"),
            ("trusted_proxies: [0.0.0.0/1]", lan, Some("clients.trusted_proxies[0]: believes"), "half of everybody"),
            ("trusted_proxies: [0.0.0.0/0], geo: {headers: {country: x-c}}", lan, Some("clients.trusted_proxies[0]: believes whoever connects when it says where it is"), "and geography"),
            ("trusted_proxies: [10.0.0.0/8]", lan, None, "a private network"),
            ("trusted_proxies: [192.0.2.0/24], geo: {headers: {country: x-envoy-country}}", all, Some("clients.geo.headers.country: `x-envoy-country` is Envoy's own"), "render refuses it"),
            ("trusted_proxies: [192.0.2.0/24], geo: {headers: {country: x-c, continent: x-envoy-c}}", all, Some("clients.geo.headers.continent: `x-envoy-c`"), "any of the three"),
            ("", "cn: {}, default: {}", Some("regions.cn: no client is in this region"), "nothing leads to it"),
            ("", "cn: {countries: []}, default: {}", Some("regions.cn: no client is in this region"), "nor an empty list"),
            ("", "cn: {drained: true}, default: {}", Some("regions.cn: no client is in this region"), "nor that it is drained"),
        ];
        for (clients, regions, expected, reason) in rows {
            let found = told(clients, regions);
            assert_eq!(found.len(), usize::from(expected.is_some()), "{reason}: {found:#?}");
            assert!(
                expected.is_none_or(|start| found[0].starts_with(start)),
                "{reason}: {found:?}"
            );
        }
    }
}
