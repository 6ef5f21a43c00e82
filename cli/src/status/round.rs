//! One look at all Envoys, beside the look before.

use std::collections::{BTreeMap, BTreeSet};

use super::instance::Observation;
use super::names;
use super::on_disk::PolicyFile;
use super::report::Instance;
use super::scrape::{Change, Scrape};
use super::shape::Shape;

/// What all Envoys said, and what has changed since they were asked before.
#[derive(Clone, Debug, Default)]
pub(super) struct Round {
    /// How many seconds lie between; 0 if there was no time before.
    pub(super) seconds: f64,
    /// What each said.
    pub(super) observations: Vec<Observation>,
    /// What has changed, in all together.
    pub(super) change: Change,
    /// What the file of the policy has, where it is named.
    pub(super) file: Option<PolicyFile>,
}

impl Round {
    /// The look after `before`.
    pub(super) fn after(before: &[Observation], now: Vec<Observation>, seconds: f64) -> Self {
        let mut change = Change::default();
        for (then, now) in before.iter().zip(&now) {
            if let (Ok(then), Ok(now)) = (&then.said, &now.said) {
                change.add(now.scrape.since(&then.scrape));
            }
        }
        Self { seconds, observations: now, change, file: None }
    }

    /// A count as so many a second.
    pub(super) fn per_second(&self, count: f64) -> f64 {
        if self.seconds > 0.0 { count / self.seconds } else { 0.0 }
    }

    /// Counts as so many a second, without what did not happen.
    pub(super) fn rates(&self, counts: BTreeMap<String, f64>) -> BTreeMap<String, f64> {
        let counts = counts.into_iter().filter(|(_, count)| *count > 0.0);
        counts.map(|(name, count)| (name, self.per_second(count))).collect()
    }

    /// The numbers of each Envoy that answers.
    pub(super) fn scrapes(&self) -> impl Iterator<Item = &Scrape> {
        let said = self.observations.iter().filter_map(|one| one.said.as_ref().ok());
        said.map(|said| &said.scrape)
    }

    /// Of how many Envoys the backends are up, and of how many down.
    pub(super) fn votes(&self, shape: &Shape) -> BTreeMap<String, (u32, u32)> {
        let mut votes: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for (backend, is_up) in self.observations.iter().flat_map(|one| one.backends(shape)) {
            let (up, down) = votes.entry(backend).or_default();
            let count = if is_up { up } else { down };
            *count = count.saturating_add(1);
        }
        votes
    }

    /// Every value of a label of a metric that any Envoy has.
    pub(super) fn values_of(&self, metric: &str, label: &str) -> BTreeSet<String> {
        let found = self.scrapes().flat_map(|scrape| scrape.by(metric, label).into_keys());
        found.map(str::to_owned).collect()
    }

    /// The least of a gauge that any Envoy has for a value of a label.
    pub(super) fn least(&self, metric: &str, label: &str, value: &str) -> Option<f64> {
        let found = self.scrapes().filter_map(|one| one.by(metric, label).get(value).copied());
        found.min_by(f64::total_cmp)
    }

    /// By how much a counter of Envoy's has grown for each backend, in all clusters that belong to
    /// it.
    pub(super) fn of_clusters(&self, metric: &str, shape: &Shape) -> BTreeMap<String, f64> {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for (cluster, by) in self.change.by(metric, &[], names::CLUSTER) {
            if let Some(backend) = shape.owner_of(&cluster) {
                *sums.entry(backend.to_owned()).or_default() += by;
            }
        }
        sums
    }

    /// Whether no Envoy answers.
    pub(super) fn nobody_answers(&self) -> bool {
        self.observations.iter().all(|one| one.said.is_err())
    }

    /// What is printed of each Envoy.
    pub(super) fn instances(&self) -> Vec<Instance> {
        let of = |one: &Observation| {
            let scrape = one.said.as_ref().ok().map(|said| &said.scrape);
            Instance {
                address: one.address.clone(),
                state: one.state(),
                policy: one.policy(),
                uptime_seconds: scrape.and_then(|scrape| scrape.value(names::SERVER_UPTIME)),
                certificate_days: scrape.and_then(|scrape| scrape.value(names::CERTIFICATE_DAYS)),
                error: one.said.as_ref().err().cloned(),
            }
        };
        self.observations.iter().map(of).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::instance::{Said, ServerState};
    use super::*;

    /// A round of Envoys that say these texts, each the first and then the second, ten seconds
    /// later.
    pub(in super::super) fn round(envoys: &[(&str, &str)]) -> Round {
        let said = |text: &str| Said { scrape: Scrape::read(text).unwrap(), health: None };
        let observed = |text: &str, place: usize| Observation {
            address: format!("envoy-{place}"),
            said: if text == "refused" { Err(text.to_owned()) } else { Ok(said(text)) },
        };
        let before = envoys.iter().enumerate().map(|(place, (text, _))| observed(text, place));
        let now = envoys.iter().enumerate().map(|(place, (_, text))| observed(text, place));
        Round::after(&before.collect::<Vec<_>>(), now.collect(), 10.0)
    }

    #[test]
    fn several_envoys_are_one() {
        let text =
            |count| format!("portolan_attempts_total{{backend=\"a\",result=\"ok\"}} {count}\n");
        let up = |value| {
            format!("envoy_cluster_membership_healthy{{envoy_cluster_name=\"a\"}} {value}\n")
        };
        let round = round(&[
            (&text(1), &format!("{}{}", text(6), up(1))),
            (&text(0), &format!("{}{}", text(15), up(0))),
            (&text(9), "refused"),
        ]);
        let attempts = round.rates(round.change.by(names::ATTEMPTS, &[], names::BACKEND));
        assert_eq!(attempts, BTreeMap::from([("a".to_owned(), 2.0)]));
        assert_eq!(round.votes(&Shape::default())["a"], (1, 1));
        assert_eq!(round.values_of(names::ATTEMPTS, names::BACKEND).len(), 1);
        assert_eq!(round.least(names::MEMBERSHIP_HEALTHY, names::CLUSTER, "a"), Some(0.0));
        let states: Vec<ServerState> = round.instances().iter().map(|one| one.state).collect();
        assert_eq!(states, [ServerState::Ready, ServerState::Ready, ServerState::Unreachable]);
        assert!(!round.nobody_answers());
    }
}
