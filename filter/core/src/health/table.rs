//! The list of clusters of the admin interface, as far as it contains health.

use std::collections::BTreeMap;

use crate::config::ordered::map;
use serde::Deserialize;

/// Which clusters are well, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health(BTreeMap<String, State>);

/// How a cluster is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Some host of it is asked.
    Up,
    /// Every host of it failed its health checks, was ejected, or there is none.
    Down,
}

impl State {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

/// `envoy.admin.v3.Clusters`, what is needed of it. Fields that are false or empty are left out
/// there.
#[derive(Deserialize)]
struct Clusters {
    #[serde(default)]
    cluster_statuses: Vec<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    name: String,
    #[serde(default)]
    host_statuses: Vec<Host>,
}

#[derive(Deserialize)]
struct Host {
    #[serde(default)]
    health_status: HostHealth,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HostHealth {
    failed_active_health_check: bool,
    failed_outlier_check: bool,
    pending_dynamic_removal: bool,
    eds_health_status: Option<String>,
}

impl HostHealth {
    fn is_up(&self) -> bool {
        let failed = self.failed_active_health_check
            || self.failed_outlier_check
            || self.pending_dynamic_removal;
        let told_otherwise = self
            .eds_health_status
            .as_deref()
            .is_some_and(|told| !matches!(told, "HEALTHY" | "UNKNOWN"));
        !failed && !told_otherwise
    }
}

impl Health {
    /// Reads the answer of the admin interface; `None` if it is not that.
    #[must_use]
    pub fn read(json: &[u8]) -> Option<Self> {
        let clusters: Clusters = serde_json::from_slice(json).ok()?;
        let state = |cluster: Cluster| {
            let up = cluster.host_statuses.iter().any(|host| host.health_status.is_up());
            (cluster.name, if up { State::Up } else { State::Down })
        };
        Some(Self(map(clusters.cluster_statuses.into_iter().map(state))))
    }

    /// How a cluster is. One that Envoy does not know is down: nobody can be sent there.
    #[must_use]
    pub fn of(&self, cluster: &str) -> State {
        self.0.get(cluster).copied().unwrap_or(State::Down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_in_envoys_list_of_clusters() {
        let json = br#"{"cluster_statuses": [
            {"name": "well", "added_via_api": false, "host_statuses": [{"address": {}, "health_status": {"eds_health_status": "HEALTHY"}}]},
            {"name": "checked", "host_statuses": [{"health_status": {"failed_active_health_check": true, "eds_health_status": "HEALTHY"}}]},
            {"name": "ejected", "host_statuses": [{"health_status": {"failed_outlier_check": true}}]},
            {"name": "told", "host_statuses": [{"health_status": {"eds_health_status": "DRAINING"}}]},
            {"name": "one of two", "host_statuses": [{"health_status": {"failed_outlier_check": true}}, {"health_status": {}}]},
            {"name": "empty"}
        ]}"#;
        let health = Health::read(json).unwrap();
        #[rustfmt::skip]
        let rows = [
            ("well", State::Up, "nothing is wrong"),
            ("checked", State::Down, "its health check fails"),
            ("ejected", State::Down, "it failed too often"),
            ("told", State::Down, "the control plane says so"),
            ("one of two", State::Up, "the other host is asked"),
            ("empty", State::Down, "its name has no address"),
            ("unknown", State::Down, "nobody can be sent there"),
        ];
        for (cluster, expected, reason) in rows {
            assert_eq!(health.of(cluster), expected, "{cluster}: {reason}");
        }
    }

    #[test]
    fn unreadable_lists_of_clusters() {
        for junk in [&b""[..], b"7", b"ok", b"\xff", br#"{"cluster_statuses": [{}]}"#] {
            assert_eq!(Health::read(junk), None, "{junk:?}");
        }
    }
}
