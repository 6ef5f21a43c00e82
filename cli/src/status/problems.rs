//! Problems of fronts, regions and backends that need attention.

use std::collections::BTreeSet;

use portolan_command::quantity::time;
use portolan_core::contract::clusters;
use portolan_core::record::FetchResult;

use super::instance::ServerState;
use super::on_disk::{PolicyFile, others};
use super::parts::FAILURES;
use super::report::{
    Backend, BackendState, CredentialState, Instance, Problem, ProblemKind, Region,
};
use super::round::Round;
use super::shape::Shape;
use super::{names, pages};

/// How much of a region's requests may be answered from afar, or fail, before it is a problem.
const FROM_AFAR: f64 = 0.1;
const FAILED: f64 = 0.05;

/// Of what is left of a rate limit, how many requests are few: Docker Hub gives out a hundred or
/// two.
const FEW_REQUESTS: f64 = 20.0;

/// How many days before its end a certificate should have been replaced.
const CERTIFICATE_DAYS: f64 = 7.0;

/// How many answers of a kind in a window are more than chance.
const FEWEST: f64 = 2.0;

/// Everything that is not as it should be; what concerns all first.
pub(super) fn all(
    round: &Round,
    shape: &Shape,
    instances: &[Instance],
    regions: &[Region],
    backends: &[Backend],
) -> Vec<Problem> {
    let mut found = of_instances(instances);
    found.extend(of_policy(round));
    found.extend(of_file(round, instances));
    let of_backends =
        backends.iter().flat_map(|backend| of_backend(round, shape, regions, backend));
    found.extend(of_backends);
    let explained: BTreeSet<String> =
        found.iter().flat_map(|problem| problem.regions.iter().cloned()).collect();
    found.extend(regions.iter().filter_map(|region| of_region(region, &explained)));
    found
}

fn of_instances(instances: &[Instance]) -> Vec<Problem> {
    let mut found = Vec::new();
    for Instance { address, state, error, certificate_days, .. } in instances {
        if let Some(days) = certificate_days.filter(|days| *days < CERTIFICATE_DAYS) {
            let text = format!("a certificate of Envoy {address} ends in {days:.0} days");
            let problem = problem(ProblemKind::CertificateEnds, text, pages::TLS);
            found.push(Problem { instance: Some(address.clone()), ..problem });
        }
        let (kind, text) = match state {
            ServerState::Ready => continue,
            ServerState::Unreachable => {
                let why = error.as_deref().unwrap_or("nobody answers");
                (
                    ProblemKind::InstanceUnreachable,
                    format!("Envoy {address} does not answer: {why}"),
                )
            }
            ServerState::Draining => (
                ProblemKind::InstanceNotReady,
                format!("Envoy {address} drains: it takes no new clients"),
            ),
            ServerState::Starting => {
                (ProblemKind::InstanceNotReady, format!("Envoy {address} does not serve yet"))
            }
        };
        found.push(Problem {
            instance: Some(address.clone()),
            ..problem(kind, text, pages::HEALTH)
        });
    }
    let policies: BTreeSet<&str> =
        instances.iter().filter_map(|instance| instance.policy.as_deref()).collect();
    if policies.len() > 1 {
        let policies: Vec<&str> = policies.into_iter().collect();
        let text = format!("the Envoys serve different policies: {}", policies.join(", "));
        found.push(problem(ProblemKind::PoliciesDiffer, text, pages::SEVERAL));
    }
    found
}

fn of_policy(round: &Round) -> Option<Problem> {
    let refused = round.change.sum(names::POLICY_LOADS_FAILED, &[]);
    let text = "a policy was refused; the one before it stays in force. Envoy's log has each mistake, as has \
                `portolan check`";
    (refused > 0.0 && round.seconds > 0.0)
        .then(|| problem(ProblemKind::PolicyRefused, text.to_owned(), pages::POLICY))
}

/// What the file of the policy has and nobody serves.
fn of_file(round: &Round, instances: &[Instance]) -> Option<Problem> {
    let file = round.file.as_ref()?;
    if *file == PolicyFile::Refused {
        let text = "the policy in the file is refused; the one that was in force is so still. `portolan check` \
                    says each mistake";
        return Some(problem(ProblemKind::PolicyRefused, text.to_owned(), pages::POLICY));
    }
    let served: Vec<&str> = others(file, instances)?.into_iter().collect();
    let text = format!("the policy in the file is not served: {} is", served.join(", "));
    Some(problem(ProblemKind::PolicyStale, text, pages::STALE))
}

fn of_backend(round: &Round, shape: &Shape, regions: &[Region], backend: &Backend) -> Vec<Problem> {
    let name = &backend.name;
    let mut found = Vec::new();
    found.extend(of_state(backend, is_ejected(round, shape, name)));
    let count = |metric, result| {
        round.change.sum(metric, &[(names::BACKEND, name), (names::RESULT, result)])
    };
    if count(names::ATTEMPTS, "refused") >= FEWEST {
        let text = format!("{name} refuses requests (401 or 403): is its credential still good?");
        found.push(problem(ProblemKind::BackendRefuses, text, pages::CREDENTIALS));
    }
    // One is enough: who limits is left alone, and asked once in a while.
    if round.seconds > 0.0 && count(names::ATTEMPTS, "limited") >= 1.0 {
        let text = format!("{name} limits requests (429)");
        found.push(problem(ProblemKind::BackendLimits, text, pages::OPERATING));
    }
    if token_failures(round, name) >= 1.0 && round.seconds > 0.0 {
        let text = format!("the token service of {name} gives no token");
        found.push(problem(ProblemKind::TokenServiceFails, text, pages::AUTHENTICATION));
    }
    found.extend(of_credentials(round, shape, backend));
    let regions = regions_of(shape, regions, name);
    for problem in &mut found {
        problem.backend = Some(name.clone());
        problem.regions.clone_from(&regions);
    }
    found
}

/// Questions to the token service of a backend that got no token: by Portolan's own count, and by
/// what Envoy counts of its cluster. A service that refuses what was asked is in good order.
fn token_failures(round: &Round, backend: &str) -> f64 {
    let change = &round.change;
    let of_result = |result: FetchResult| {
        let labels = [(names::BACKEND, backend), (names::RESULT, result.as_str())];
        change.sum(names::TOKEN_FETCHES, &labels)
    };
    let in_order = [FetchResult::Ok, FetchResult::Refused];
    let own: f64 = FetchResult::ALL
        .into_iter()
        .filter(|result| !in_order.contains(result))
        .map(of_result)
        .sum();
    let cluster = clusters::token_service(backend);
    let cluster = (names::CLUSTER, cluster.as_str());
    own + change.sum(names::ANSWERS, &[cluster, (names::STATUS_CLASS, "5")])
        + change.sum(names::CONNECT_FAILED, &[cluster])
}

/// Whether requests have taken a backend out: it passes its health checks, and does not answer.
fn is_ejected(round: &Round, shape: &Shape, backend: &str) -> bool {
    round.scrapes().any(|scrape| {
        let ejected = scrape.by(names::EJECTED, names::CLUSTER).into_iter();
        ejected
            .filter(|(_, count)| *count > 0.0)
            .any(|(name, _)| shape.backend_of(name) == Some(backend))
    })
}

fn of_state(backend: &Backend, is_ejected: bool) -> Option<Problem> {
    let Backend { name, state, .. } = backend;
    let text = match state {
        BackendState::Up | BackendState::Unknown => return None,
        BackendState::Down if is_ejected => format!("{name} is down: requests to it got no answer"),
        BackendState::Down => format!("{name} is down: it fails its health checks"),
        BackendState::PartlyDown => format!("{name} is down for some Envoys, and up for others"),
        BackendState::Failing => {
            format!("attempts at {name} fail: {}", worst_result(backend).unwrap_or("no answer"))
        }
        BackendState::Slow => {
            format!(
                "{name} is slow: half of its answers take more than {}",
                time(backend.p50_seconds?)
            )
        }
    };
    let kind = match state {
        BackendState::Failing => ProblemKind::BackendFailing,
        BackendState::Slow => ProblemKind::BackendSlow,
        _ => ProblemKind::BackendDown,
    };
    Some(problem(kind, text, pages::FAILOVER))
}

/// The most frequent failure.
fn worst_result(backend: &Backend) -> Option<&str> {
    let results = backend.results_per_second.iter();
    let bad = results.filter(|(name, _)| FAILURES.contains(&name.as_str()));
    bad.max_by(|one, other| one.1.total_cmp(other.1)).map(|(name, _)| name.as_str())
}

/// What is refused of the proxy or of the backend, and what will be refused soon.
fn of_credentials(round: &Round, shape: &Shape, backend: &Backend) -> Vec<Problem> {
    let Backend { name, limit_remaining, credential, .. } = backend;
    let mut found = Vec::new();
    if let Some(left) = limit_remaining.filter(|left| *left < FEW_REQUESTS) {
        let text = format!("{name} takes {left:.0} more requests before it limits them");
        found.push(problem(ProblemKind::LimitNearlyUsed, text, pages::OPERATING));
    }
    let refused = round.of_clusters(names::CERTIFICATE_REFUSED, shape);
    if refused.get(name).is_some_and(|count| *count > 0.0) && round.seconds > 0.0 {
        let text = format!("the certificate of {name} is not trusted, or is for another name");
        found.push(problem(ProblemKind::CertificateRefused, text, pages::TLS));
    }
    if *credential == Some(CredentialState::Missing) && round.seconds > 0.0 {
        let text = format!("requests to {name} go out without their credential");
        found.push(problem(ProblemKind::CredentialMissing, text, pages::CREDENTIALS));
    }
    found
}

/// The regions whose clients notice something: those that the backend is nearest to, by the policy;
/// without a policy, those that others answered in its place, or that it answers.
fn regions_of(shape: &Shape, regions: &[Region], backend: &str) -> BTreeSet<String> {
    if !shape.nearest.is_empty() {
        return shape.regions_of(backend);
    }
    let is_replaced = |region: &&Region| region.fallbacks.iter().any(|one| one.from == backend);
    let replaced: BTreeSet<String> =
        regions.iter().filter(is_replaced).map(|region| region.name.clone()).collect();
    if !replaced.is_empty() {
        return replaced;
    }
    let is_served = |region: &&Region| region.served_by.iter().any(|one| one.backend == backend);
    regions.iter().filter(is_served).map(|region| region.name.clone()).collect()
}

/// What the clients of a region notice. That they are served from afar is no news where a backend
/// of theirs is known to be unwell.
fn of_region(region: &Region, explained: &BTreeSet<String>) -> Option<Problem> {
    let Region { name, fallbacks, failed, .. } = region;
    let regions = BTreeSet::from([name.clone()]);
    if let Some(failed) = failed.filter(|failed| *failed >= FAILED) {
        let text = format!("{} of the requests from {name} fail", super::human::percent(failed));
        return Some(Problem {
            regions,
            ..problem(ProblemKind::RegionFails, text, pages::FAILOVER)
        });
    }
    let from_afar: f64 = fallbacks.iter().map(|fallback| fallback.per_second).sum();
    let share = from_afar / region.requests_per_second;
    if share < FROM_AFAR || share.is_nan() || explained.contains(name) {
        return None;
    }
    let worst =
        fallbacks.iter().max_by(|one, other| one.per_second.total_cmp(&other.per_second))?;
    let text = format!(
        "{} of the requests from {name} are served from afar, most by {} for {} ({})",
        super::human::percent(share),
        worst.to,
        worst.from,
        worst.why
    );
    let problem = problem(ProblemKind::RegionServedFromAfar, text, pages::FAILOVER);
    Some(Problem { regions, backend: Some(worst.from.clone()), ..problem })
}

const fn problem(kind: ProblemKind, text: String, page: &'static str) -> Problem {
    Problem {
        kind,
        backend: None,
        instance: None,
        regions: BTreeSet::new(),
        since: None,
        text,
        page,
    }
}
