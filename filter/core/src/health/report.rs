//! What a front says of its backends.

use std::collections::BTreeSet;

use super::table::{Health, State};
use crate::config::ids::BackendId;
use crate::config::{Backend, Config};

/// What the host found out: the health of the clusters, if the admin interface answered.
#[derive(Clone, Copy, Debug)]
pub enum Examined<'h> {
    /// It did.
    Known(&'h Health),
    /// It did not.
    Unknown,
    /// Nobody asked it: what would happen if all clusters but these were up is to be found out.
    UpBut(&'h [String]),
}

impl Examined<'_> {
    /// How a cluster is, if anybody knows.
    #[must_use]
    pub fn of(&self, cluster: &str) -> Option<State> {
        match self {
            Self::Known(health) => Some(health.of(cluster)),
            Self::Unknown => None,
            Self::UpBut(down) => {
                Some(if down.iter().any(|one| one == cluster) { State::Down } else { State::Up })
            }
        }
    }
}

/// The backends that requests may go to, and how each is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report<'c> {
    /// By name, in alphabetical order; `None` if nobody knows.
    pub backends: Vec<(&'c str, Option<State>)>,
}

impl<'c> Report<'c> {
    /// The backends of a policy: each that takes requests through some rule, or for a front itself.
    #[must_use]
    pub fn of(config: &'c Config, examined: Examined<'_>) -> Self {
        let used: BTreeSet<BackendId> =
            config.lists().iter().flat_map(|list| list.backends().iter().copied()).collect();
        let state = |backend: &'c Backend| (backend.name(), examined.of(backend.cluster()));
        let mut backends: Vec<_> =
            used.into_iter().filter_map(|id| config.backend(id)).map(state).collect();
        backends.sort_unstable_by_key(|(name, _)| *name);
        Self { backends }
    }

    /// Whether every backend is up.
    #[must_use]
    pub fn all_up(&self) -> bool {
        self.backends.iter().all(|(_, state)| *state == Some(State::Up))
    }

    /// Whether no backend is known to be up.
    #[must_use]
    pub fn none_up(&self) -> bool {
        !self.backends.iter().any(|(_, state)| *state == Some(State::Up))
    }

    /// `ok`: all are up; `degraded`: some are; `down`: none is; `unknown`: nobody could be asked.
    #[must_use]
    pub fn status(&self) -> &'static str {
        if self.backends.iter().any(|(_, state)| state.is_none()) {
            "unknown"
        } else if self.all_up() {
            "ok"
        } else if self.none_up() {
            "down"
        } else {
            "degraded"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = r#"{
        "version": 1,
        "fronts": {"main": {"hosts": ["r.example"]}},
        "backends": {
            "b": {"url": "https://b.example"},
            "a": {"url": "https://a.example", "cluster": "other"},
            "unused": {"url": "https://unused.example"}
        },
        "regions": {"default": {}},
        "rules": [{"name": "r", "repositories": ["**"], "chains": {"default": ["b", "a"]}}]
    }"#;

    #[test]
    fn the_worst_counts() {
        let config = Config::from_json(POLICY.as_bytes()).unwrap();
        let up = r#"[{"health_status": {}}]"#;
        #[rustfmt::skip]
        let rows = [
            (up, up, "ok", true),
            (up, "[]", "degraded", false),
            ("[]", up, "degraded", false),
            ("[]", "[]", "down", false),
        ];
        for (a, b, status, all_up) in rows {
            let json = format!(
                r#"{{"cluster_statuses": [{{"name": "other", "host_statuses": {a}}}, {{"name": "b", "host_statuses": {b}}}]}}"#
            );
            let health = Health::read(json.as_bytes()).unwrap();
            let report = Report::of(&config, Examined::Known(&health));
            assert_eq!((report.status(), report.all_up()), (status, all_up), "{a} {b}");
            let names: Vec<&str> = report.backends.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, ["a", "b"], "those that are used");
        }
        let unknown = Report::of(&config, Examined::Unknown);
        assert_eq!(
            (unknown.status(), unknown.all_up(), unknown.none_up()),
            ("unknown", false, true)
        );
    }
}
