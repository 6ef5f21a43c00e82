//! The report of a front about the health of its backends.

use super::table::{Health, State};
use crate::config::ordered::set;
use crate::config::{Backend, Config, Fingerprint, Front, Published};

/// What the host found out: the health of the clusters, if the admin interface answered.
#[derive(Clone, Copy, Debug)]
pub enum HealthView<'h> {
    /// It did.
    Known(&'h Health),
    /// It did not.
    Unknown,
    /// Nobody asked it: what would happen if all clusters but these were up is to be found out.
    AllUpExcept(&'h [String]),
}

impl HealthView<'_> {
    /// How a cluster is, if anybody knows.
    #[must_use]
    pub fn of(&self, cluster: &str) -> Option<State> {
        match self {
            Self::Known(health) => Some(health.of(cluster)),
            Self::Unknown => None,
            Self::AllUpExcept(down) => {
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
    /// The policy that is in force, if it was read as the filter reads it.
    pub policy: Option<Fingerprint>,
    /// Of which day the networks of the policy are that others publish.
    pub published: &'c [Published],
}

impl<'c> Report<'c> {
    /// The backends of a front: each that takes requests of its clients through some rule, or for
    /// the front itself. Those of other fronts are nothing that its clients should know of.
    #[must_use]
    pub fn of(config: &'c Config, front: &Front, examined: HealthView<'_>) -> Self {
        let lists = set(front.every_list(config.rules()));
        let lists = lists.into_iter().filter_map(|id| config.list(id));
        let used = set(lists.flat_map(|list| list.backends().iter().copied()));
        let state = |backend: &'c Backend| (backend.name(), examined.of(backend.cluster()));
        let mut backends: Vec<_> =
            used.into_iter().filter_map(|id| config.backend(id)).map(state).collect();
        backends.sort_unstable_by_key(|(name, _)| *name);
        Self { backends, policy: config.fingerprint(), published: config.published() }
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
    use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};
    use serde_json::json;

    use super::*;

    fn policy() -> Policy {
        Policy::new()
            .front("main", Front::at(["r.example"]))
            .backend("b", Backend::at("https://b.example"))
            .backend("a", Backend::at("https://a.example").with("cluster", "other"))
            .backend("unused", Backend::at("https://unused.example"))
            .rule(Rule::all().chain(["b", "a"]))
    }

    #[test]
    fn the_worst_counts() {
        let config = policy().read_by(Config::from_json);
        let front = config.fronts().all().first().unwrap();
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
            let report = Report::of(&config, front, HealthView::Known(&health));
            assert_eq!((report.status(), report.all_up()), (status, all_up), "{a} {b}");
            let names: Vec<&str> = report.backends.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, ["a", "b"], "those that are used");
        }
        let unknown = Report::of(&config, front, HealthView::Unknown);
        assert_eq!(
            (unknown.status(), unknown.all_up(), unknown.none_up()),
            ("unknown", false, true)
        );
    }

    fn fronts() -> Policy {
        Policy::new().front("public", Front::at(["public.example"])).front("team", Front::at(["team.example"]).with("catalog", "index")).front("mirror", Front::at(["mirror.example"]).with("upstreams", json!({"hub": {"prefix": "docker.io/", "hosts": ["hub.example"]}, "quay": {"prefix": "quay.io/", "hosts": ["quay.example"]}}))).backend("near", Backend::at("https://near.example")).backend("far", Backend::at("https://far.example")).backend("secret", Backend::at("https://secret.example")).backend("index", Backend::at("https://index.example")).backend("keys", Backend::at("https://keys.example")).backend("docker", Backend::at("https://docker.example")).backend("redhat", Backend::at("https://redhat.example")).backend("wild", Backend::at("https://wild.example")).backend("unused", Backend::at("https://unused.example")).region("cn", Region::countries(["CN"])).with("clients", json!({"trusted_proxies": ["192.0.2.0/24"], "geo": {"headers": {"country": "x-country"}}})).rule(Rule::of("secret").fronts(["team"]).chain(["secret"]).with("signatures", "keys")).rule(Rule::of("near").fronts(["public", "team"]).chain(["near"]).chain_of("cn", ["far"])).rule(Rule::of("docker").repositories(["docker.io/library/*", "elsewhere/**"]).chain(["docker"])).rule(Rule::of("redhat").repositories(["quay.io/redhat/**"]).fronts(["mirror"]).chain(["redhat"])).rule(Rule::of("wild").repositories(["*.io/**"]).fronts(["mirror"]).chain(["wild"])).rule(Rule::of("other").fronts(["mirror"]).chain(["secret"]))
    }

    /// What a front does not lead to is not its clients' to know.
    #[test]
    fn each_front_tells_of_its_own_backends() {
        let config = fronts().read_by(Config::from_json);
        #[rustfmt::skip]
        let rows: &[(&str, &[&str], &str)] = &[
            ("public", &["docker", "far", "near"], "its rules, in every region, and those of all fronts"),
            ("team", &["docker", "far", "index", "keys", "near", "secret"], "who has the catalogue and the signatures"),
            ("mirror", &["docker", "redhat", "wild"], "no name of it is below `other` or `elsewhere`"),
        ];
        for (name, expected, reason) in rows {
            let front = config.fronts().all().iter().find(|front| front.name() == *name).unwrap();
            let report = Report::of(&config, front, HealthView::AllUpExcept(&[]));
            let names: Vec<&str> = report.backends.iter().map(|(name, _)| *name).collect();
            assert_eq!(names, *expected, "{name}: {reason}");
            let others = config.backends().iter().map(crate::config::Backend::cluster);
            let others = others.filter(|cluster| !expected.contains(cluster));
            let down: Vec<String> = others.map(ToOwned::to_owned).collect();
            assert!(Report::of(&config, front, HealthView::AllUpExcept(&down)).all_up(), "{name}");
        }
    }
}
