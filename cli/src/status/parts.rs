//! From numbers to fronts, regions and backends.

use std::collections::{BTreeMap, BTreeSet};

use super::names;
use super::quantile::{count, seconds};
use super::report::{Backend, BackendState, CredentialState, Fallback, Front, Region, Share};
use super::round::Round;
use super::shape::Shape;

/// Results of attempts that gave the client nothing of what it asked for, through the backend's or
/// the network's fault.
pub(super) const FAILURES: [&str; 5] = ["failed", "unreachable", "reset", "timeout", "overflow"];
/// The result of attempts whose client left.
const GONE: &str = "gone";

/// Attempts that must fail in one window before anything is said of it, and which share of all.
const FEWEST_FAILURES: f64 = 2.0;
const FAILING_SHARE: f64 = 0.1;

/// The fronts of the policy, and those that requests came to.
pub(super) fn fronts(round: &Round, shape: &Shape) -> Vec<Front> {
    let mut found = shape.fronts.clone();
    found.extend(round.values_of(names::REQUESTS, names::FRONT));
    let of = |name: String| {
        let front = [(names::FRONT, name.as_str())];
        let outcomes = round.change.by(names::REQUESTS, &front, names::OUTCOME);
        Front {
            requests_per_second: round.per_second(outcomes.values().sum()),
            outcomes_per_second: round.rates(outcomes),
            name,
        }
    };
    found.into_iter().map(of).collect()
}

/// The regions of the policy, and those that clients were in.
pub(super) fn regions(round: &Round, shape: &Shape) -> Vec<Region> {
    let mut found: BTreeSet<String> = shape.nearest.keys().cloned().collect();
    found.extend(round.values_of(names::REQUESTS, names::REGION));
    found.into_iter().map(|name| region(round, shape, name)).collect()
}

fn region(round: &Round, shape: &Shape, name: String) -> Region {
    let labels = [(names::REGION, name.as_str())];
    let outcomes = round.change.by(names::REQUESTS, &labels, names::OUTCOME);
    let requests: f64 = outcomes.values().sum();
    let failed = outcomes.get("failed").copied().unwrap_or_default();
    Region {
        requests_per_second: round.per_second(requests),
        nearest: shape.nearest.get(&name).cloned().unwrap_or_default(),
        served_by: shares(count(&round.change, names::FIRST_BYTE, &labels, names::BACKEND)),
        failed: (requests > 0.0).then(|| failed / requests),
        fallbacks: fallbacks(round, &labels),
        name,
    }
}

/// The greatest share first; what no backend answered is no share.
fn shares(mut counts: BTreeMap<String, f64>) -> Vec<Share> {
    counts.remove(names::NOTHING);
    let all: f64 = counts.values().sum();
    let counts = counts.into_iter().filter(|(_, count)| *count > 0.0);
    let mut shares: Vec<Share> =
        counts.map(|(backend, count)| Share { backend, share: count / all }).collect();
    shares.sort_by(|one, other| other.share.total_cmp(&one.share));
    shares
}

fn fallbacks(round: &Round, labels: &[(&str, &str)]) -> Vec<Fallback> {
    let grown = round.change.matching(names::FALLBACKS, labels).filter(|(_, by)| *by > 0.0);
    let of = |(labels, by): (&BTreeMap<String, String>, f64)| {
        let label = |name| labels.get(name).map_or(names::NOTHING, String::as_str).to_owned();
        Fallback {
            from: label(names::FROM),
            to: label(names::TO),
            why: label(names::WHY),
            per_second: round.per_second(by),
        }
    };
    grown.map(of).collect()
}

/// The backends of the policy, and those that were asked. One that takes more than `slow` seconds
/// for the first byte of half of its answers is slow.
pub(super) fn backends(round: &Round, shape: &Shape, slow: f64) -> Vec<Backend> {
    let votes = round.votes(shape);
    let mut found = shape.backends.clone();
    found.extend(votes.keys().cloned());
    found.extend(round.values_of(names::ATTEMPTS, names::BACKEND));
    let missing = round.of_clusters(names::CREDENTIAL_MISSING, shape);
    let sent = round.values_of(names::CREDENTIAL_SENT, names::CLUSTER);
    let sent: BTreeSet<&str> = sent.iter().filter_map(|name| shape.owner_of(name)).collect();
    let of = |name: String| {
        let (up, down) = votes.get(&name).copied().unwrap_or_default();
        let credential = if missing.get(&name).is_some_and(|count| *count > 0.0) {
            Some(CredentialState::Missing)
        } else {
            sent.contains(name.as_str()).then_some(CredentialState::Sent)
        };
        Backend { credential, ..backend(round, name, (up, down), slow) }
    };
    found.into_iter().map(of).collect()
}

fn backend(round: &Round, name: String, votes: (u32, u32), slow: f64) -> Backend {
    let labels = [(names::BACKEND, name.as_str())];
    let results = round.change.by(names::ATTEMPTS, &labels, names::RESULT);
    let attempts = Attempts::of(&results);
    let of_time = |share| seconds(&round.change, names::FIRST_BYTE, &labels, share);
    let of_gauge = |metric| round.least(metric, names::BACKEND, &name);
    let p50_seconds = of_time(0.5);
    Backend {
        state: state(votes, attempts, p50_seconds.is_some_and(|median| median > slow)),
        since: None,
        success: (attempts.all > 0.0).then(|| 1.0 - attempts.failed / attempts.all),
        attempts_per_second: round.per_second(attempts.all),
        results_per_second: round.rates(results),
        p50_seconds,
        p95_seconds: of_time(0.95),
        fallbacks_per_second: {
            let from = [(names::FROM, name.as_str())];
            round.per_second(round.change.sum(names::FALLBACKS, &from))
        },
        limit_remaining: of_gauge(names::LIMIT_REMAINING),
        credential: None,
        name,
    }
}

/// How many attempts there were in a window, and how many failed.
#[derive(Clone, Copy, Debug, Default)]
struct Attempts {
    all: f64,
    failed: f64,
}

impl Attempts {
    fn of(results: &BTreeMap<String, f64>) -> Self {
        let failed = FAILURES.iter().filter_map(|name| results.get(*name));
        let gone = results.get(GONE).copied().unwrap_or_default();
        Self { all: results.values().sum::<f64>() - gone, failed: failed.sum() }
    }

    fn are_failing(self) -> bool {
        self.failed >= FEWEST_FAILURES && self.failed >= self.all * FAILING_SHARE
    }
}

fn state((up, down): (u32, u32), attempts: Attempts, is_slow: bool) -> BackendState {
    match (up, down) {
        (0, 1..) => BackendState::Down,
        (1.., 1..) => BackendState::PartlyDown,
        _ if attempts.are_failing() => BackendState::Failing,
        _ if is_slow => BackendState::Slow,
        (1.., 0) => BackendState::Up,
        (0, 0) if attempts.all > attempts.failed => BackendState::Up,
        (0, 0) => BackendState::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::super::round::tests::round;
    use super::*;

    const BEFORE: &str =
        "portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"nearest\"} 100\n";
    const AFTER: &str = "\
        portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"nearest\"} 130\n\
        portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"fallback\"} 8\n\
        portolan_requests_total{front=\"main\",region=\"cn\",outcome=\"failed\"} 2\n\
        portolan_requests_total{front=\"\",region=\"\",outcome=\"refused\"} 5\n\
        portolan_attempts_total{backend=\"east\",result=\"ok\"} 30\n\
        portolan_attempts_total{backend=\"east\",result=\"timeout\"} 10\n\
        portolan_attempts_total{backend=\"west\",result=\"missing\"} 8\n\
        portolan_fallbacks_total{region=\"cn\",from=\"east\",to=\"west\",why=\"timeout\"} 8\n\
        portolan_first_byte_milliseconds_bucket{region=\"cn\",backend=\"east\",le=\"100\"} 30\n\
        portolan_first_byte_milliseconds_bucket{region=\"cn\",backend=\"east\",le=\"+Inf\"} 30\n\
        portolan_first_byte_milliseconds_count{region=\"cn\",backend=\"east\"} 30\n\
        portolan_first_byte_milliseconds_count{region=\"cn\",backend=\"west\"} 10\n\
        portolan_first_byte_milliseconds_count{region=\"cn\",backend=\"\"} 2\n\
        portolan_attempts_total{backend=\"east\",result=\"gone\"} 7\n\
        envoy_cluster_credential_injector_injected{envoy_cluster_name=\"west\"} 4\n\
        envoy_cluster_credential_injector_failed{envoy_cluster_name=\"east@owner\"} 1\n\
        portolan_upstream_remaining_requests{backend=\"west\"} 12\n\
        envoy_cluster_membership_healthy{envoy_cluster_name=\"east\"} 1\n\
        envoy_cluster_membership_healthy{envoy_cluster_name=\"west\"} 1\n";

    #[test]
    fn fronts_and_regions() {
        let round = round(&[(BEFORE, AFTER)]);
        let found = fronts(&round, &Shape::default());
        assert_eq!(found.len(), 1, "what is of no front is none");
        assert!((found[0].requests_per_second - 4.0).abs() < 1e-9);
        assert!((found[0].outcomes_per_second["nearest"] - 3.0).abs() < 1e-9);
        let shape = Shape {
            nearest: BTreeMap::from([("default".to_owned(), BTreeSet::new())]),
            ..Shape::default()
        };
        let found = regions(&round, &shape);
        let names: Vec<&str> = found.iter().map(|region| region.name.as_str()).collect();
        assert_eq!(names, ["cn", "default"], "the policy's as well");
        let shares = [("east", 0.75), ("west", 0.25)]
            .map(|(backend, share)| Share { backend: backend.to_owned(), share });
        assert_eq!(found[0].served_by, shares);
        assert!((found[0].failed.unwrap() - 0.05).abs() < 1e-9);
        assert_eq!(found[0].fallbacks[0].why, "timeout");
        assert_eq!((found[1].failed, found[1].served_by.len()), (None, 0));
    }

    #[test]
    fn states_and_success_of_backends() {
        let round = round(&[(BEFORE, AFTER)]);
        let found = backends(&round, &Shape::default(), 2.0);
        let [east, west] = found.as_slice() else { panic!("{found:?}") };
        assert_eq!((east.state, west.state), (BackendState::Failing, BackendState::Up));
        assert!((east.success.unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(west.success, Some(1.0), "to have nothing is an answer");
        assert!((east.p50_seconds.unwrap() - 0.05).abs() < 1e-9);
        assert!((east.fallbacks_per_second - 0.8).abs() < 1e-9);
        assert_eq!((east.limit_remaining, west.limit_remaining), (None, Some(12.0)));
        let credentials = (east.credential, west.credential);
        assert_eq!(credentials, (Some(CredentialState::Missing), Some(CredentialState::Sent)));
        let slow = backends(&round, &Shape::default(), 0.04);
        assert_eq!(slow[0].state, BackendState::Failing, "to fail is worse than to be slow");
    }

    #[test]
    fn states() {
        let attempts = |all: u32, failed: u32| Attempts { all: all.into(), failed: failed.into() };
        #[rustfmt::skip]
        let rows = [
            ((1, 0), attempts(0, 0), false, BackendState::Up, "nobody asks"),
            ((1, 0), attempts(10, 1), false, BackendState::Up, "one may fail"),
            ((1, 0), attempts(10, 2), false, BackendState::Failing, "a fifth fails"),
            ((1, 0), attempts(100, 9), false, BackendState::Up, "fewer than a tenth fail"),
            ((1, 0), attempts(100, 10), false, BackendState::Failing, "a tenth fails"),
            ((1, 0), attempts(10, 0), true, BackendState::Slow, ""),
            ((0, 1), attempts(10, 10), true, BackendState::Down, "known to be down"),
            ((1, 1), attempts(10, 0), false, BackendState::PartlyDown, "two Envoys, two opinions"),
            ((0, 0), attempts(10, 0), false, BackendState::Up, "no health check, and it answers"),
            ((0, 0), attempts(1, 1), false, BackendState::Unknown, "no health check, and hardly asked"),
            ((0, 0), attempts(0, 0), false, BackendState::Unknown, "nothing is known"),
        ];
        for (votes, attempts, is_slow, wanted, reason) in rows {
            assert_eq!(state(votes, attempts, is_slow), wanted, "{votes:?} {attempts:?}: {reason}");
        }
    }
}
