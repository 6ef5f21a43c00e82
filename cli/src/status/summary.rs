//! From one look at all Envoys to the report of it.

use std::collections::BTreeSet;

use super::history::History;
use super::parts;
use super::problems;
use super::report::{Backend, BackendState, Overall, Problem, ProblemKind, Report, VERSION};
use super::round::Round;
use super::shape::Shape;

/// The report of a look at the moment `at` (RFC 3339). `history` is what was seen before, and
/// learns this. `slow` is in seconds.
pub(super) fn report(
    round: &Round,
    shape: &Shape,
    history: &mut History,
    at: &str,
    slow: f64,
) -> Report {
    let instances = round.instances();
    let regions = parts::regions(round, shape);
    let mut backends = parts::backends(round, shape, slow);
    let mut problems = problems::all(round, shape, &instances, &regions, &backends);
    let facts = backends.iter().map(of_backend).chain(problems.iter().map(of_problem));
    // A backend that was away for a moment is well since it came back.
    let may_pause = |fact: &str| !fact.ends_with(WELL);
    history.note(facts.collect::<BTreeSet<String>>(), at, round.seconds, may_pause);
    for backend in &mut backends {
        backend.since = history.since(&of_backend(backend));
    }
    for problem in &mut problems {
        problem.since = history.since(&of_problem(problem));
    }
    Report {
        version: VERSION,
        at: at.to_owned(),
        window_seconds: round.seconds,
        status: overall(round, &backends, &problems),
        instances,
        directories: Vec::new(),
        fronts: parts::fronts(round, shape),
        regions,
        backends,
        problems,
    }
}

/// What is so of a backend. That one which failed is down now is no change: it was not well before.
fn of_backend(backend: &Backend) -> String {
    well_or_not(&backend.name, backend.state.is_well())
}

/// How the fact ends that a backend is well.
const WELL: &str = " well";

fn well_or_not(backend: &str, is_well: bool) -> String {
    format!("backend {backend}{}", if is_well { WELL } else { " unwell" })
}

fn of_problem(problem: &Problem) -> String {
    let Problem { kind, backend, instance, regions, .. } = problem;
    let is_state = matches!(
        kind,
        ProblemKind::BackendDown | ProblemKind::BackendFailing | ProblemKind::BackendSlow
    );
    match backend {
        Some(backend) if is_state => well_or_not(backend, false),
        _ => format!("problem {kind:?} {backend:?} {instance:?} {regions:?}"),
    }
}

fn overall(round: &Round, backends: &[Backend], problems: &[Problem]) -> Overall {
    if round.nobody_answers() {
        return Overall::Unknown;
    }
    let is_down = |backend: &Backend| backend.state == BackendState::Down;
    if !backends.is_empty() && backends.iter().all(is_down) {
        return Overall::Down;
    }
    if problems.is_empty() { Overall::Ok } else { Overall::Degraded }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::on_disk::PolicyFile;
    use super::super::round::tests::round;
    use super::*;

    fn attempts(ok: u32, timeout: u32) -> String {
        format!(
            "portolan_attempts_total{{backend=\"east\",result=\"ok\"}} {ok}\n\
             portolan_attempts_total{{backend=\"east\",result=\"timeout\"}} {timeout}\n\
             envoy_cluster_membership_healthy{{envoy_cluster_name=\"east\"}} 1\nenvoy_cluster_membership_healthy{{envoy_cluster_name=\"west\"}} 1\n"
        )
    }

    fn down(backend: &str) -> String {
        attempts(9, 9).replace(
            &format!("envoy_cluster_membership_healthy{{envoy_cluster_name=\"{backend}\"}} 1"),
            &format!("envoy_cluster_membership_healthy{{envoy_cluster_name=\"{backend}\"}} 0"),
        )
    }

    fn shape() -> Shape {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Shape {
            fronts: set(&["main"]),
            backends: set(&["east", "west"]),
            nearest: BTreeMap::from([
                ("cn".to_owned(), set(&["east"])),
                ("default".to_owned(), set(&["west"])),
            ]),
            ..Shape::default()
        }
    }

    /// What an Envoy says before and after, the problem and since which look, and the reason.
    type Row<'a> = (&'a (String, String), Option<(ProblemKind, &'a str)>, &'a str);

    /// What a program that sees the JSON alone can name: the backend, the regions, since when.
    #[test]
    fn a_fault_is_named_and_dated() {
        let good = (attempts(0, 0), attempts(9, 0));
        let hanging = (attempts(9, 0), attempts(9, 9));
        let ejected = (attempts(9, 9), down("east"));
        let back = (attempts(9, 9), attempts(20, 9));
        #[rustfmt::skip]
        let rows: [Row<'_>; 5] = [
            (&good, None, "all is well"),
            (&hanging, Some((ProblemKind::BackendFailing, "1")), "attempts time out"),
            (&ejected, Some((ProblemKind::BackendDown, "1")), "and then nobody asks it: the same fault"),
            (&back, None, "it is back"),
            (&ejected, Some((ProblemKind::BackendDown, "4")), "and gone again"),
        ];
        let mut history = History::default();
        for (at, ((before, after), wanted, reason)) in rows.into_iter().enumerate() {
            let round = round(&[(before, after)]);
            let found = report(&round, &shape(), &mut history, &at.to_string(), 2.0);
            let json = serde_json::to_value(&found).unwrap();
            let problems = json["problems"].as_array().unwrap();
            let Some((kind, since)) = wanted else {
                assert_eq!(
                    (problems.len(), found.status),
                    (0, Overall::Ok),
                    "{reason}: {problems:?}"
                );
                continue;
            };
            let [problem] = problems.as_slice() else { panic!("{reason}: {problems:?}") };
            assert_eq!(problem["kind"], serde_json::to_value(kind).unwrap(), "{reason}");
            assert_eq!(
                (&problem["backend"], &problem["since"]),
                (&"east".into(), &since.into()),
                "{reason}"
            );
            assert_eq!(problem["regions"], serde_json::json!(["cn"]), "{reason}");
            assert_eq!(json["backends"][0]["since"], since, "{reason}");
            assert_eq!(json["backends"][1]["since"], serde_json::Value::Null, "{reason}");
            assert_eq!(json["status"], "degraded");
        }
    }

    #[test]
    fn all_in_one_word() {
        let both_down = format!(
            "{}envoy_cluster_membership_healthy{{envoy_cluster_name=\"west\"}} 0\n",
            down("east")
        );
        let fine = attempts(0, 0);
        #[rustfmt::skip]
        let rows = [
            (vec![(fine.as_str(), fine.as_str())], Overall::Ok, "all is well"),
            (vec![(fine.as_str(), "refused")], Overall::Unknown, "nobody answers"),
            (vec![(fine.as_str(), "refused"), (&fine, &fine)], Overall::Degraded, "one answers"),
            (vec![("", both_down.as_str())], Overall::Down, "no backend is up"),
            (vec![("", "envoy_server_state{} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n")], Overall::Degraded, "it drains"),
        ];
        for (envoys, wanted, reason) in rows {
            let found =
                report(&round(&envoys), &Shape::default(), &mut History::default(), "0", 2.0);
            assert_eq!(found.status, wanted, "{reason}: {:?}", found.problems);
        }
    }

    #[test]
    fn each_kind_of_problem() {
        let fallback = "portolan_fallbacks_total{region=\"cn\",from=\"a\",to=\"b\",why=\"failed\"} 5\n\
                        portolan_requests_total{front=\"f\",region=\"cn\",outcome=\"fallback\"} 9\n";
        #[rustfmt::skip]
        let rows = [
            ("portolan_attempts_total{backend=\"a\",result=\"refused\"} 3\n", ProblemKind::BackendRefuses),
            ("portolan_attempts_total{backend=\"a\",result=\"limited\"} 3\n", ProblemKind::BackendLimits),
            ("portolan_token_fetches_total{backend=\"a\",result=\"failed\"} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n", ProblemKind::TokenServiceFails),
            ("portolan_upstream_remaining_requests{backend=\"a\"} 3\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n", ProblemKind::LimitNearlyUsed),
            ("envoy_cluster_upstream_cx_connect_fail{envoy_cluster_name=\"a@token\"} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n", ProblemKind::TokenServiceFails),
            ("envoy_cluster_ssl_fail_verify_error{envoy_cluster_name=\"a\"} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n", ProblemKind::CertificateRefused),
            ("envoy_cluster_credential_injector_failed{envoy_cluster_name=\"a\"} 1\nenvoy_cluster_membership_healthy{envoy_cluster_name=\"a\"} 1\n", ProblemKind::CredentialMissing),
            ("envoy_server_days_until_first_cert_expiring{} 3\n", ProblemKind::CertificateEnds),
            ("envoy_listener_manager_lds_update_rejected{} 1\n", ProblemKind::PolicyRefused),
            ("envoy_extension_config_discovery_http_filter_envoy_filters_http_wasm_config_fail{} 1\n", ProblemKind::PolicyRefused),
            ("portolan_requests_total{front=\"f\",region=\"cn\",outcome=\"failed\"} 9\n", ProblemKind::RegionFails),
            (fallback, ProblemKind::RegionServedFromAfar),
            ("envoy_server_state{} 3\n", ProblemKind::InstanceNotReady),
        ];
        for (text, wanted) in rows {
            let found =
                report(&round(&[("", text)]), &Shape::default(), &mut History::default(), "0", 2.0);
            let kinds: Vec<ProblemKind> =
                found.problems.iter().map(|problem| problem.kind).collect();
            assert_eq!(kinds, [wanted], "{text}");
        }
        let policy = |hash| format!("portolan_policy_info{{hash=\"{hash}\"}} 1\n");
        let (one, other) = (policy("x"), policy("y"));
        let two = round(&[("", &one), ("", &other)]);
        let found = report(&two, &Shape::default(), &mut History::default(), "0", 2.0);
        assert_eq!(found.problems[0].kind, ProblemKind::PoliciesDiffer);
    }

    #[test]
    fn a_policy_of_the_file_that_no_envoy_serves() {
        let serves = |hash| format!("portolan_policy_info{{hash=\"{hash}\"}} 1\n");
        let (one, other, nothing) = (serves("one"), serves("other"), String::new());
        let good = |hash: &str| Some(PolicyFile::Good(hash.to_owned()));
        let (stale, refused) = (Some(ProblemKind::PolicyStale), Some(ProblemKind::PolicyRefused));
        #[rustfmt::skip]
        let rows = [
            (None, vec![&one], None, "no file is named"),
            (good("one"), vec![&one], None, "it is served"),
            (good("other"), vec![&one], stale, "another one is"),
            (good("other"), vec![&one, &other], None, "one Envoy has it by now"),
            (good("one"), vec![&nothing], None, "nobody says what is served"),
            (Some(PolicyFile::Refused), vec![&one], refused, "the file has a mistake"),
        ];
        for (file, envoys, wanted, reason) in rows {
            let envoys: Vec<(&str, &str)> = envoys.iter().map(|said| ("", said.as_str())).collect();
            let round = Round { file, ..round(&envoys) };
            let found = report(&round, &Shape::default(), &mut History::default(), "0", 2.0);
            let about_the_file = |kind: &ProblemKind| *kind != ProblemKind::PoliciesDiffer;
            let mut kinds = found.problems.iter().map(|problem| problem.kind);
            assert_eq!(kinds.find(about_the_file), wanted, "{reason}");
        }
    }
}
