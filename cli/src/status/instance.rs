//! The state of one Envoy, by its admin interface and its metrics.

use std::collections::BTreeMap;

use super::names;
use super::scrape::Scrape;
use super::shape::Shape;

/// What came of asking one Envoy.
#[derive(Clone, Debug)]
pub(super) struct Observation {
    /// Its address, as it was given.
    pub(super) address: String,
    /// What it said; or why it did not, in words.
    pub(super) said: Result<Said, String>,
}

/// What an Envoy said.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    /// Its numbers.
    pub(super) scrape: Scrape,
    /// How a front's `/healthcheck` says that its backends are, if it is at the same address.
    pub(super) health: Option<HealthCheck>,
}

/// The answer of `/healthcheck`, as far as it is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub(super) struct HealthCheck {
    /// `up`, `down` or `unknown`, by backend.
    backends: BTreeMap<String, String>,
    /// The policy that is in force.
    #[serde(default)]
    policy: Option<String>,
}

/// What an Envoy does, by what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ServerState {
    /// It serves.
    Ready,
    /// It ends what has begun.
    Draining,
    /// It does not serve yet.
    Starting,
    /// The admin interface does not answer.
    Unreachable,
}

impl Observation {
    /// What the Envoy does. One that does not say how it is answers at least, and only one that
    /// serves does.
    pub(super) fn state(&self) -> ServerState {
        let Ok(said) = &self.said else { return ServerState::Unreachable };
        match said.scrape.value(names::SERVER_STATE) {
            None => ServerState::Ready,
            Some(state) if state < 0.5 => ServerState::Ready,
            Some(state) if state < 1.5 => ServerState::Draining,
            Some(_) => ServerState::Starting,
        }
    }

    /// The hash of the policy that it serves, if it says so.
    pub(super) fn policy(&self) -> Option<String> {
        let said = self.said.as_ref().ok()?;
        let of_metric = said.scrape.by(names::POLICY_INFO, names::HASH).into_iter();
        // A series that once was 1 stays, with 0, until Envoy is started again.
        let mut of_metric =
            of_metric.filter(|(_, value)| *value > 0.0).map(|(hash, _)| hash.to_owned());
        let of_health = || said.health.as_ref()?.policy.clone();
        of_metric.next_back().or_else(of_health)
    }

    /// Which backends it holds for up, and which for down.
    pub(super) fn backends(&self, shape: &Shape) -> BTreeMap<String, bool> {
        let Ok(said) = &self.said else { return BTreeMap::new() };
        let clusters = said.scrape.by(names::MEMBERSHIP_HEALTHY, names::CLUSTER).into_iter();
        let clusters = clusters.filter_map(|(cluster, healthy)| {
            Some((shape.backend_of(cluster)?.to_owned(), healthy > 0.0))
        });
        let mut found: BTreeMap<String, bool> = BTreeMap::new();
        for (backend, is_up) in clusters {
            // Two clusters of one name: one of them belongs to the policy that goes.
            let any = found.entry(backend).or_default();
            *any |= is_up;
        }
        let told = said.health.iter().flat_map(|health| &health.backends);
        let told = told.filter(|(_, state)| *state == "up" || *state == "down");
        found.extend(told.map(|(name, state)| (name.clone(), state == "up")));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observed(text: &str, health: Option<&str>) -> Observation {
        let scrape = Scrape::read(text).unwrap();
        let health = health.map(|json| serde_json::from_str(json).unwrap());
        Observation { address: "a".to_owned(), said: Ok(Said { scrape, health }) }
    }

    #[test]
    fn states() {
        let rows = [
            ("", ServerState::Ready, "it answers, and does not say more"),
            ("envoy_server_state{} 0", ServerState::Ready, "live"),
            ("envoy_server_state{} 1", ServerState::Draining, "told to drain"),
            ("envoy_server_state{} 2", ServerState::Starting, "before initialisation"),
            ("envoy_server_state{} 3", ServerState::Starting, "initialising"),
        ];
        for (text, wanted, reason) in rows {
            assert_eq!(observed(text, None).state(), wanted, "{reason}");
        }
        let silent = Observation { address: "a".to_owned(), said: Err("refused".to_owned()) };
        assert_eq!(silent.state(), ServerState::Unreachable);
        assert_eq!((silent.policy(), silent.backends(&Shape::default()).len()), (None, 0));
    }

    #[test]
    fn the_policy_in_force() {
        let info = "portolan_policy_info{hash=\"old\"} 0\nportolan_policy_info{hash=\"new\"} 1\n";
        let health = r#"{"status": "ok", "backends": {}, "policy": "h"}"#;
        assert_eq!(observed(info, Some(health)).policy().as_deref(), Some("new"));
        assert_eq!(observed("", Some(health)).policy().as_deref(), Some("h"));
        assert_eq!(observed("", Some(r#"{"backends": {}}"#)).policy(), None);
    }

    #[test]
    fn backends_that_are_up() {
        let up = |text: &str, health| observed(text, health).backends(&Shape::default());
        let pairs = |rows: &[(&str, bool)]| -> BTreeMap<String, bool> {
            rows.iter().map(|(name, is_up)| ((*name).to_owned(), *is_up)).collect()
        };
        let clusters = "envoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n\
                        envoy_cluster_membership_healthy{envoy_cluster_name=\"b~1\"} 0\n\
                        envoy_cluster_membership_healthy{envoy_cluster_name=\"b~2\"} 2\n\
                        envoy_cluster_membership_healthy{envoy_cluster_name=\"a+b\"} 0\n";
        assert_eq!(up(clusters, None), pairs(&[("a", true), ("b", true)]), "by clusters");
        let health = r#"{"backends": {"a": "down", "c": "unknown"}}"#;
        let wanted = pairs(&[("a", false), ("b", true)]);
        assert_eq!(up(clusters, Some(health)), wanted, "what a front tells comes before");
    }
}
