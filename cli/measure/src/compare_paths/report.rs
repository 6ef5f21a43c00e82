//! The report of `compare-paths` as JSON.

use portolan_command::quantity::real;
use portolan_registry_client::fault::Fault;
use serde::Serialize;

use super::iperf::Trial;
use super::meaning;
use super::way::{LEAST_FOR_SPEED, Probe, Role, Way};
use crate::statistics::Summary;

/// All of it. Times are in seconds, sizes in bytes, speeds in bytes a second.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// How often each way was gone.
    pub(super) rounds: u32,
    /// The ways: the front, the upstream, other URLs.
    pub(super) ways: Vec<Measured>,
    /// What the differences between them are signs of.
    pub(super) meaning: Vec<String>,
    /// What iperf3 measured, one for each server.
    pub(super) iperf: Vec<Trial>,
}

/// One way.
#[derive(Debug, Serialize)]
pub(super) struct Measured {
    #[serde(skip)]
    pub(super) role: Role,
    /// `front`, `upstream`, or the host of another URL.
    pub(super) way: String,
    /// What was asked for, without its query.
    pub(super) url: String,
    /// The host of that URL.
    pub(super) host: String,
    /// How many walks came to their end; only they count below.
    pub(super) succeeded: usize,
    /// How many failed.
    pub(super) failed: usize,
    /// Finding addresses.
    pub(super) dns: Option<Summary>,
    /// Connecting, redirects included.
    pub(super) connect: Option<Summary>,
    /// Connecting to the named server alone.
    pub(super) round_trip: Option<Summary>,
    /// Agreeing on TLS; none over plain HTTP.
    pub(super) tls: Option<Summary>,
    /// From the request until the answer began.
    pub(super) first_byte: Option<Summary>,
    /// How fast the content came, from its beginning on; none of downloads below 1 MiB.
    pub(super) bytes_per_second: Option<Summary>,
    /// Where redirects led last, if there were any.
    pub(super) redirected_to: Option<String>,
    /// Every walk, in order.
    pub(super) walks: Vec<Walk>,
}

/// One walk.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(super) struct Walk {
    round: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    dns: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_byte: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    download: Option<f64>,
    /// Where the content came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// What a walk came to, in the order of the rounds.
pub(super) type Outcomes = Vec<(u32, Result<Probe, Fault>)>;

impl Report {
    /// Of these ways and their walks.
    pub(super) fn of(rounds: u32, ways: &[Way], outcomes: &[Outcomes], iperf: Vec<Trial>) -> Self {
        let measured = ways.iter().zip(outcomes).map(|(way, outcomes)| {
            let places = (way.url(), way.host());
            measured(way.role.clone(), places, outcomes)
        });
        Self::of_measured(rounds, measured.collect(), iperf)
    }

    fn of_measured(rounds: u32, ways: Vec<Measured>, mut iperf: Vec<Trial>) -> Self {
        for trial in &mut iperf {
            trial.meaning.extend(beside_network(&ways, trial));
        }
        let meaning =
            meaning::of_ways(&ways.iter().filter_map(Measured::middle).collect::<Vec<_>>());
        Self { rounds, ways, meaning, iperf }
    }

    /// Whether anything failed.
    pub(super) fn has_failures(&self) -> bool {
        let failed = self.ways.iter().any(|way| way.failed > 0);
        failed || self.iperf.iter().any(Trial::has_failures)
    }
}

fn measured(role: Role, (url, host): (String, String), outcomes: &Outcomes) -> Measured {
    let probes: Vec<&Probe> =
        outcomes.iter().filter_map(|(_, outcome)| outcome.as_ref().ok()).collect();
    let summary = |of: fn(&Probe) -> Option<f64>| {
        Summary::of(&probes.iter().filter_map(|probe| of(probe)).collect::<Vec<_>>())
    };
    let redirected = probes.iter().rev().find(|probe| probe.redirects > 0);
    Measured {
        way: role.to_string(),
        role,
        url,
        host,
        succeeded: probes.len(),
        failed: outcomes.len().saturating_sub(probes.len()),
        dns: summary(|probe| Some(probe.dns)),
        connect: summary(|probe| Some(probe.connect)),
        round_trip: summary(|probe| Some(probe.round_trip)),
        tls: summary(|probe| probe.tls),
        first_byte: summary(|probe| Some(probe.first_byte)),
        bytes_per_second: summary(speed),
        redirected_to: redirected.map(|probe| probe.host.clone()),
        walks: outcomes.iter().map(|(round, outcome)| walk(*round, outcome)).collect(),
    }
}

/// What HTTP makes of the network, for each way to the host of an iperf3 server. Pulls go from the
/// server to here, and so does the reverse stream.
fn beside_network(ways: &[Measured], trial: &Trial) -> Vec<String> {
    let Some(network) = trial.reverse.rate() else { return Vec::new() };
    let speeds = ways.iter().filter_map(|way| Some((&way.role, way.direct_speed(&trial.host)?)));
    speeds.map(|(role, speed)| meaning::of_server(role, network, speed)).collect()
}

/// None of a download that says nothing.
fn speed(probe: &Probe) -> Option<f64> {
    let says_something = probe.bytes >= LEAST_FOR_SPEED && probe.download > 0.0;
    says_something.then(|| real(probe.bytes) / probe.download)
}

fn walk(round: u32, outcome: &Result<Probe, Fault>) -> Walk {
    match outcome {
        Err(fault) => Walk { round, error: Some(fault.to_string()), ..Walk::default() },
        Ok(probe) => Walk {
            round,
            dns: Some(probe.dns),
            connect: Some(probe.connect),
            tls: probe.tls,
            first_byte: Some(probe.first_byte),
            bytes: Some(probe.bytes),
            download: Some(probe.download),
            host: Some(probe.host.clone()),
            error: None,
        },
    }
}

impl Measured {
    /// What a way is judged by; none if it never led anywhere.
    fn middle(&self) -> Option<meaning::Middle> {
        Some(meaning::Middle {
            role: self.role.clone(),
            dns: self.dns?.median,
            round_trip: self.round_trip?.median,
            first_byte: self.first_byte?.median,
            bytes_per_second: self.bytes_per_second.map(|speed| speed.median),
            redirected_to: self.redirected_to.clone(),
        })
    }

    /// The median speed to a host, if content was downloaded from there without a detour.
    fn direct_speed(&self, host: &str) -> Option<f64> {
        let is_direct = self.host == host && self.redirected_to.is_none();
        self.bytes_per_second.filter(|_| is_direct).map(|speed| speed.median)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::iperf::{Outcome, Rate};
    use super::*;
    use portolan_registry_client::registry::Side;

    fn probe(bytes: u64) -> Probe {
        Probe {
            dns: 0.001,
            connect: 0.003,
            round_trip: 0.002,
            tls: Some(0.005),
            first_byte: 0.006,
            bytes,
            download: 0.2,
            host: "store.example".to_owned(),
            redirects: 1,
        }
    }

    fn way(role: Role, host: &str, outcomes: &Outcomes) -> Measured {
        measured(role, (format!("https://{host}/v2/a/blobs/x"), host.to_owned()), outcomes)
    }

    fn failed() -> Result<Probe, Fault> {
        Err(Fault::new("nobody listens"))
    }

    /// Two rounds: the front sends 2 MB, the upstream next to nothing, a CDN does not answer.
    pub(in super::super) fn report() -> Report {
        let ways = vec![
            way(
                Role::Registry(Side::Front),
                "front.example",
                &vec![(1, Ok(probe(2_000_000))), (2, Ok(probe(2_000_000)))],
            ),
            way(
                Role::Registry(Side::Upstream),
                "upstream.example",
                &vec![(1, Ok(probe(2_000))), (2, failed())],
            ),
            way(
                Role::Other("cdn.example".to_owned()),
                "cdn.example",
                &vec![(1, failed()), (2, failed())],
            ),
        ];
        Report::of_measured(2, ways, vec![trial("iperf.example", None)])
    }

    fn trial(host: &str, reverse: Option<Rate>) -> Trial {
        let rate =
            |bits_per_second| Rate { bits_per_second, bytes: 1_000_000, retransmits: Some(3) };
        let busy = Outcome::Failed { error: "iperf3: the server is busy".to_owned() };
        Trial {
            server: format!("{host}:5201"),
            host: host.to_owned(),
            single: Outcome::Measured(rate(1e8)),
            parallel: Outcome::Measured(rate(1e8)),
            reverse: reverse.map_or(busy, Outcome::Measured),
            meaning: Vec::new(),
        }
    }

    #[test]
    fn only_walks_that_came_to_their_end_count() {
        let report = report();
        let counts: Vec<_> = report.ways.iter().map(|way| (way.succeeded, way.failed)).collect();
        assert_eq!(counts, [(2, 0), (1, 1), (0, 2)]);
        assert!(report.has_failures());
        let [front, upstream, cdn] = &report.ways[..] else { panic!("three ways") };
        assert_eq!(front.bytes_per_second.map(|speed| speed.median), Some(1e7));
        assert_eq!(front.redirected_to.as_deref(), Some("store.example"));
        assert!(upstream.bytes_per_second.is_none(), "2 kB say nothing about speed");
        assert!(cdn.dns.is_none() && cdn.middle().is_none(), "never there");
        assert_eq!(
            cdn.walks.first().and_then(|walk| walk.error.as_deref()),
            Some("nobody listens")
        );
    }

    #[test]
    fn a_server_is_compared_with_the_network_to_it_alone() {
        let direct = Probe { redirects: 0, ..probe(2_000_000) };
        let network = Rate { bits_per_second: 8e8, bytes: 1, retransmits: None };
        let rows = [
            ("front.example", direct.clone(), 1, "the same host"),
            ("other.example", direct, 0, "another host"),
            ("front.example", probe(2_000_000), 0, "the content came from somewhere else"),
        ];
        for (host, probe, wanted, reason) in rows {
            let ways =
                vec![way(Role::Registry(Side::Front), "front.example", &vec![(1, Ok(probe))])];
            let report = Report::of_measured(1, ways, vec![trial(host, Some(network))]);
            let found: Vec<_> = report.iperf.iter().flat_map(|trial| &trial.meaning).collect();
            assert_eq!(found.len(), wanted, "{reason}: {found:?}");
        }
    }
}
