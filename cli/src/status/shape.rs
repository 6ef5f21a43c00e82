//! The parts of a policy that have no metrics yet: all fronts, regions and backends.

use std::collections::{BTreeMap, BTreeSet};

use portolan_core::config::Config;

/// The names of a policy, and who is nearest to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    /// The fronts.
    pub(super) fronts: BTreeSet<String>,
    /// The backends.
    pub(super) backends: BTreeSet<String>,
    /// The backend of each cluster that has another name than its backend.
    pub(super) clusters: BTreeMap<String, String>,
    /// The regions, and of each the backends that are the first of some rule's chain.
    pub(super) nearest: BTreeMap<String, BTreeSet<String>>,
}

impl Shape {
    /// What a policy says.
    pub(super) fn of(config: &Config) -> Self {
        let fronts = config.fronts().all().iter().map(|front| front.name().to_owned());
        let backends = config.backends().iter();
        let renamed = backends.clone().filter(|backend| backend.cluster() != backend.name());
        let clusters = renamed.map(|one| (one.cluster().to_owned(), one.name().to_owned()));
        let nearest = config.regions().ids().map(|region| {
            let chains = config.rules().all().iter().filter_map(|rule| rule.chain(region));
            let lists = chains.filter_map(|chain| config.list(chain.lists("").digests));
            let first = lists.filter_map(|list| config.backend(*list.backends().first()?));
            let names = first.map(|backend| backend.name().to_owned()).collect();
            (config.regions().name(region).to_owned(), names)
        });
        Self {
            fronts: fronts.collect(),
            backends: backends.map(|backend| backend.name().to_owned()).collect(),
            clusters: clusters.collect(),
            nearest: nearest.collect(),
        }
    }

    /// The backend that a cluster reaches; `None` for clusters of another kind: of token services,
    /// of lists.
    pub(super) fn backend_of<'a>(&'a self, cluster: &'a str) -> Option<&'a str> {
        if let Some(backend) = self.clusters.get(cluster) {
            return Some(backend);
        }
        // What stands behind a tilde says what the cluster connects to.
        let name = cluster.split('~').next().unwrap_or(cluster);
        let is_backend = if self.backends.is_empty() {
            !cluster.contains(['@', '+'])
        } else {
            self.backends.contains(name) && !cluster.contains(['@', '+'])
        };
        is_backend.then_some(name)
    }

    /// The backend that a cluster belongs to, be it that of its token service or for its writes.
    pub(super) fn owner_of<'a>(&'a self, cluster: &'a str) -> Option<&'a str> {
        let before = cluster.split_once('@').map_or(cluster, |(name, _)| name);
        self.backend_of(before)
    }

    /// The regions whose clients a backend is nearest to.
    pub(super) fn regions_of(&self, backend: &str) -> BTreeSet<String> {
        let regions = self.nearest.iter().filter(|(_, backends)| backends.contains(backend));
        regions.map(|(region, _)| region.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{
        "version": 1,
        "fronts": {"main": {"hosts": ["r.example"]}},
        "backends": {
            "east": {"url": "https://east.example"},
            "west": {"url": "https://west.example", "cluster": "outbound-west"}
        },
        "regions": {"cn": {"countries": ["CN"]}, "default": {}},
        "clients": {"geo": {"database": "/g.mmdb"}},
        "rules": [
            {"name": "a", "repositories": ["a/**"], "chains": {"cn": ["east", "west"], "default": ["west", "east"]}},
            {"name": "b", "repositories": ["b/**"], "chains": {"default": ["west"]}}
        ]
    }"#;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_and_neighbours() {
        let shape = Shape::of(&Config::from_json(POLICY.as_bytes()).unwrap());
        assert_eq!(
            (shape.fronts.clone(), shape.backends.clone()),
            (set(&["main"]), set(&["east", "west"]))
        );
        assert_eq!(shape.nearest["cn"], set(&["east", "west"]), "by one rule each");
        assert_eq!(shape.nearest["default"], set(&["west"]));
        assert_eq!(shape.regions_of("east"), set(&["cn"]));
        assert_eq!(shape.regions_of("west"), set(&["cn", "default"]));
    }

    #[test]
    fn clusters_beside_that_of_the_backend() {
        let shape = Shape::of(&Config::from_json(POLICY.as_bytes()).unwrap());
        let rows = [
            ("east@token", Some("east")),
            ("outbound-west@owner", Some("west")),
            ("east", Some("east")),
            ("east+west@last", None),
            ("portolan@admin", None),
        ];
        for (cluster, wanted) in rows {
            assert_eq!(shape.owner_of(cluster), wanted, "{cluster}");
        }
    }

    #[test]
    fn clusters() {
        let shape = Shape::of(&Config::from_json(POLICY.as_bytes()).unwrap());
        #[rustfmt::skip]
        let rows = [
            ("east", Some("east"), Some("east"), "its own name"),
            ("east~1a2b", Some("east"), Some("east"), "with what it connects to"),
            ("outbound-west", Some("west"), Some("outbound-west"), "a name that the policy gives it"),
            ("east+west", None, None, "a list"),
            ("east@token", None, None, "its token service"),
            ("other", None, Some("other"), "a cluster of somebody else"),
        ];
        for (cluster, wanted, without_policy, reason) in rows {
            assert_eq!(shape.backend_of(cluster), wanted, "{reason}");
            assert_eq!(Shape::default().backend_of(cluster), without_policy, "{reason}");
        }
    }
}
