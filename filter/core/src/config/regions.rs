//! The regions of a policy: every way in which a client can be placed in one.

use crate::config::geography::{Continent, Country, Subdivision};
use crate::config::ids::{LabelId, RegionId};
use crate::config::network_table::{NetworkEntry, NetworkTable};
use crate::config::ordered::map;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// The region that takes every client that no other region does.
pub const DEFAULT_REGION: &str = "default";

/// Who wrote the geo headers of a request, and so whether they are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GeoSource {
    /// Nobody: geo headers are ignored, only networks place a client.
    None,
    /// Envoy's own geoip filter. What a client sent under the same names was removed first: the
    /// filter overwrites a header only if it finds the address, and leaves it otherwise.
    TrustedHeaders,
    /// A content network or load balancer in front. Believed only if the connection comes from
    /// one of the trusted proxies, because anybody else can connect and send the same headers.
    ProxyHeaders,
}

/// What the compiler of the policy found, checked: every id is an index into `names` or `labels`.
#[derive(Clone, Debug)]
pub struct RegionsParts {
    /// The name of each region, in the order of [`RegionId`].
    pub names: Vec<String>,
    /// The region of a client that nothing else places.
    pub default: RegionId,
    /// The name of each label, in the order of [`LabelId`].
    pub labels: Vec<String>,
    /// The region of each country that the policy names.
    pub countries: Vec<(Country, RegionId)>,
    /// The region of each subdivision that the policy names.
    pub subdivisions: Vec<(Subdivision, RegionId)>,
    /// The region of each continent that the policy names.
    pub continents: Vec<(Continent, RegionId)>,
    /// Every prefix that belongs to a region or carries a label.
    pub networks: Vec<NetworkEntry>,
    /// Where the proxies are that [`GeoSource::ProxyHeaders`] believes.
    pub trusted_proxies: Vec<IpNet>,
    /// Whose geo headers are believed.
    pub geo_source: GeoSource,
}

/// The compiled regions: names by id, and a map for each way of placing a client.
#[derive(Clone, Debug)]
pub struct Regions {
    names: Box<[String]>,
    default: RegionId,
    labels: Box<[String]>,
    countries: BTreeMap<Country, RegionId>,
    subdivisions: BTreeMap<Subdivision, RegionId>,
    continents: BTreeMap<Continent, RegionId>,
    networks: NetworkTable,
    trusted_proxies: NetworkTable,
    geo_source: GeoSource,
}

impl Regions {
    /// Builds the maps. The policy has been checked before, so nothing here can be wrong.
    #[must_use]
    pub fn new(parts: RegionsParts) -> Self {
        Self {
            names: parts.names.into(),
            default: parts.default,
            labels: parts.labels.into(),
            countries: map(parts.countries),
            subdivisions: map(parts.subdivisions),
            continents: map(parts.continents),
            networks: NetworkTable::new(parts.networks),
            trusted_proxies: NetworkTable::of_prefixes(parts.trusted_proxies),
            geo_source: parts.geo_source,
        }
    }

    /// The name of a region; empty for an id of another policy.
    #[must_use]
    pub fn name(&self, region: RegionId) -> &str {
        self.names.get(region.index()).map_or("", String::as_str)
    }

    /// The name of a label; empty for an id of another policy.
    #[must_use]
    pub fn label(&self, label: LabelId) -> &str {
        self.labels.get(label.index()).map_or("", String::as_str)
    }

    /// The region of a client that nothing else places.
    #[must_use]
    pub const fn default_region(&self) -> RegionId {
        self.default
    }

    /// How many regions there are, the default one included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// Every region, in the order of the policy.
    pub fn ids(&self) -> impl Iterator<Item = RegionId> + '_ {
        (0..).map(RegionId::new).take(self.count())
    }

    /// The region that the policy gives a country.
    #[must_use]
    pub fn of_country(&self, country: Country) -> Option<RegionId> {
        self.countries.get(&country).copied()
    }

    /// The region that the policy gives a subdivision.
    #[must_use]
    pub fn of_subdivision(&self, subdivision: Subdivision) -> Option<RegionId> {
        self.subdivisions.get(&subdivision).copied()
    }

    /// The region that the policy gives a continent.
    #[must_use]
    pub fn of_continent(&self, continent: Continent) -> Option<RegionId> {
        self.continents.get(&continent).copied()
    }

    /// The prefixes that belong to a region or carry a label.
    #[must_use]
    pub const fn networks(&self) -> &NetworkTable {
        &self.networks
    }

    /// Where the proxies are whose geo headers may be believed.
    #[must_use]
    pub const fn trusted_proxies(&self) -> &NetworkTable {
        &self.trusted_proxies
    }

    /// Whose geo headers are believed.
    #[must_use]
    pub const fn geo_source(&self) -> GeoSource {
        self.geo_source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn regions() -> Regions {
        Regions::new(RegionsParts {
            names: vec!["cn".into(), "us-west".into(), "world".into()],
            default: RegionId::new(2),
            labels: vec!["office".into()],
            countries: vec![(Country::parse(b"CN").unwrap(), RegionId::new(0))],
            subdivisions: vec![(Subdivision::parse_qualified(b"US-CA").unwrap(), RegionId::new(1))],
            continents: vec![(Continent::Asia, RegionId::new(0))],
            networks: vec![NetworkEntry {
                prefix: "10.0.0.0/8".parse().unwrap(),
                region: Some(RegionId::new(1)),
                label: Some(LabelId::new(0)),
            }],
            trusted_proxies: vec!["192.0.2.0/24".parse().unwrap()],
            geo_source: GeoSource::ProxyHeaders,
        })
    }

    #[test]
    fn names_and_ids() {
        let regions = regions();
        let names: Vec<_> = regions.ids().map(|id| regions.name(id)).collect();
        assert_eq!(names, ["cn", "us-west", "world"]);
        assert_eq!(regions.count(), 3);
        assert_eq!(regions.name(regions.default_region()), "world");
        assert_eq!(regions.label(LabelId::new(0)), "office");
        assert_eq!(regions.name(RegionId::new(3)), "", "another policy's id");
        assert_eq!(regions.label(LabelId::new(1)), "", "another policy's id");
    }

    #[test]
    fn each_map_answers_for_what_the_policy_names() {
        let regions = regions();
        let country = |code: &[u8]| regions.of_country(Country::parse(code).unwrap());
        let subdivision =
            |code: &[u8]| regions.of_subdivision(Subdivision::parse_qualified(code).unwrap());
        assert_eq!(country(b"CN"), Some(RegionId::new(0)));
        assert_eq!(country(b"JP"), None);
        assert_eq!(subdivision(b"US-CA"), Some(RegionId::new(1)));
        assert_eq!(subdivision(b"US-NY"), None);
        assert_eq!(regions.of_continent(Continent::Asia), Some(RegionId::new(0)));
        assert_eq!(regions.of_continent(Continent::Europe), None);
        assert!(regions.networks().contains("10.1.1.1".parse().unwrap()));
        assert!(!regions.networks().contains("192.0.2.1".parse().unwrap()));
        assert!(regions.trusted_proxies().contains("192.0.2.1".parse().unwrap()));
        assert!(!regions.trusted_proxies().contains("10.1.1.1".parse().unwrap()));
        assert_eq!(regions.geo_source(), GeoSource::ProxyHeaders);
    }
}
