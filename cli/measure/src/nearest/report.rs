//! The report of `nearest`. The names of its fields are those of the JSON, and stay.

use portolan_command::quantity::time;
use portolan_command::table::{cells, lay_out};
use serde::Serialize;

use super::chains::Chain;
use super::edit::Change;
use super::order;
use super::probe::Times;
use crate::statistics::Summary;

/// The version of the JSON.
const VERSION: u32 = 1;

/// What the measurements of one backend come to: medians, in seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    backend: String,
    /// From nothing to the answer to the ping; none if it never answered.
    ping: Option<f64>,
    /// The time for the manifest of the image; none if no image is named.
    manifest: Option<f64>,
    /// The first bytes of a layer; none without an image.
    first_bytes: Option<f64>,
    /// How often it answered.
    answered: usize,
    /// Why it did not, the last time that it did not.
    error: Option<String>,
}

impl Measured {
    /// What some walks come to.
    pub(super) fn of(backend: &str, walks: &[Times], error: Option<String>) -> Self {
        let median = |of: fn(&Times) -> f64| {
            let values: Vec<f64> = walks.iter().map(of).collect();
            Summary::of(&values).map(|summary| summary.median)
        };
        Self {
            backend: backend.to_owned(),
            ping: median(|times| times.ping),
            manifest: median(|times| times.manifest),
            first_bytes: median(|times| times.first_bytes),
            answered: walks.len(),
            error,
        }
    }

    /// What a client waits for, in seconds; `None` if it never answered.
    fn total(&self) -> Option<f64> {
        let parts = [self.manifest, self.first_bytes].map(Option::unwrap_or_default);
        Some(parts.iter().sum::<f64>() + self.ping?)
    }
}

/// What is said of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    /// It is in the order that was measured.
    AsMeasured,
    /// It is not.
    Wrong,
    /// One of its backends did not answer: being down for now says nothing of how far it is.
    Unknown,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Judged {
    rule: String,
    /// Where it stands in the policy.
    path: String,
    /// Whether the region has none of its own, and this is that of `default`.
    is_default: bool,
    state: State,
    /// Its backends.
    is: Vec<String>,
    /// The same, as measured.
    should_be: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    kind: &'static str,
    version: u32,
    region: String,
    rounds: u32,
    backends: Vec<Measured>,
    chains: Vec<Judged>,
    /// The chains that should be otherwise, as a unified diff of the policy's file.
    diff: Option<String>,
}

impl Report {
    /// Judges the chains. Without an image the backends have only pings.
    pub(super) fn of(
        region: String,
        rounds: u32,
        backends: Vec<Measured>,
        chains: &[Chain],
        has_image: bool,
    ) -> Self {
        let chains = chains.iter().map(|chain| judge(chain, &backends)).collect();
        let shown = backends.into_iter().map(|one| if has_image { one } else { ping_alone(one) });
        Self {
            kind: "portolan.nearest",
            version: VERSION,
            region,
            rounds,
            backends: shown.collect(),
            chains,
            diff: None,
        }
    }

    /// The chains that should be in another order, of this region alone: the order of `default` is
    /// right or wrong for other clients too.
    pub(super) fn changes(&self) -> Vec<Change> {
        let wrong = self.chains.iter().filter(|one| one.state == State::Wrong && !one.is_default);
        let change = |one: &Judged| Change {
            path: one.path.clone(),
            is: one.is.clone(),
            should_be: one.should_be.clone(),
        };
        wrong.map(change).collect()
    }

    /// With the diff that its changes make.
    pub(super) fn with_diff(self, diff: String) -> Self {
        Self { diff: Some(diff), ..self }
    }

    /// Whether all was measured and no chain should be otherwise.
    pub(super) fn is_as_measured(&self) -> bool {
        self.chains.iter().all(|one| one.state == State::AsMeasured)
            && self.backends.iter().all(|one| one.error.is_none())
    }

    /// For people.
    pub(super) fn describe(&self) -> String {
        let shown = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), time);
        let head = cells(["backend", "ping", "manifest", "first bytes", "answered"]);
        let row = |one: &Measured| {
            let answered = format!("{}/{}", one.answered, self.rounds);
            let times = [one.ping, one.manifest, one.first_bytes].map(shown);
            [vec![one.backend.clone()], times.to_vec(), vec![answered]].concat()
        };
        let rows: Vec<_> = [head].into_iter().chain(self.backends.iter().map(row)).collect();
        let errors = self.backends.iter().filter_map(|one| {
            one.error.as_ref().map(|error| format!("{}: {error}\n", one.backend))
        });
        let chains = self.chains.iter().map(|one| self.sentence(one));
        let chains: Vec<String> = errors.chain(chains).collect();
        format!(
            "From here, in the region {}; medians of {}:\n\n{}\n{}",
            self.region,
            self.rounds,
            lay_out(&rows),
            chains.concat()
        )
    }

    /// For Prometheus: what each backend took, and 1 or 0 for each chain of which something can be
    /// said.
    pub(super) fn metrics(&self) -> String {
        let region = &self.region;
        let times = self.backends.iter().flat_map(|one| {
            let parts =
                [("ping", one.ping), ("manifest", one.manifest), ("first_bytes", one.first_bytes)];
            parts.into_iter().filter_map(|(part, took)| {
                let labels = [("region", region), ("backend", &one.backend)];
                Some(line(SECONDS, &labels, &format!(",part=\"{part}\""), took?))
            })
        });
        let known = self.chains.iter().filter(|one| one.state != State::Unknown);
        let wrong = known.map(|one| {
            let labels = [("region", region), ("rule", &one.rule)];
            line(WRONG, &labels, "", u8::from(one.state == State::Wrong))
        });
        let head = |name: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        let of_times = head(SECONDS, "Median of the times that a backend took, from this machine.");
        let of_wrong = head(WRONG, "Whether a chain has a farther backend before a nearer one.");
        [of_times].into_iter().chain(times).chain([of_wrong]).chain(wrong).collect()
    }

    fn sentence(&self, one: &Judged) -> String {
        let place = format!("{} ({})", one.path, one.rule);
        match one.state {
            State::AsMeasured => format!("{place}: {}, as measured\n", one.is.join(", ")),
            State::Unknown => format!(
                "{place}: {}; not all of them answered, so nothing is said of their order\n",
                one.is.join(", ")
            ),
            State::Wrong if one.is_default => format!(
                "{place}: nearer to here is {}; give the region {} a chain of its own in this rule\n",
                one.should_be.join(", "),
                self.region
            ),
            State::Wrong => format!(
                "{place}: {}; nearer to here is {}\n",
                one.is.join(", "),
                one.should_be.join(", ")
            ),
        }
    }
}

const SECONDS: &str = "portolan_nearest_seconds";
const WRONG: &str = "portolan_chain_order_wrong";

fn line(
    metric: &str,
    labels: &[(&str, &String); 2],
    more: &str,
    value: impl std::fmt::Display,
) -> String {
    let [(first, one), (second, other)] = labels;
    format!("{metric}{{{first}=\"{one}\",{second}=\"{other}\"{more}}} {value}\n")
}

fn ping_alone(one: Measured) -> Measured {
    Measured { manifest: None, first_bytes: None, ..one }
}

fn judge(chain: &Chain, backends: &[Measured]) -> Judged {
    let total = |name: &String| backends.iter().find(|one| &one.backend == name)?.total();
    let timed: Option<Vec<(String, f64)>> =
        chain.stations.iter().map(|name| Some((name.clone(), total(name)?))).collect();
    let should_be = timed.map(|timed| order::measured(&timed));
    let state = match &should_be {
        None => State::Unknown,
        Some(should_be) if *should_be == chain.stations => State::AsMeasured,
        Some(_) => State::Wrong,
    };
    Judged {
        rule: chain.rule.clone(),
        path: chain.path.clone(),
        is_default: chain.is_default,
        state,
        is: chain.stations.clone(),
        should_be: should_be.unwrap_or_else(|| chain.stations.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(path: &str, is_default: bool, stations: [&str; 2]) -> Chain {
        let stations = stations.map(str::to_owned).to_vec();
        Chain { rule: "a".to_owned(), path: path.to_owned(), is_default, stations }
    }

    fn measured() -> Vec<Measured> {
        let times = |ping| Times { ping, manifest: 0.02, first_bytes: 0.03 };
        vec![
            Measured::of("far", &[times(0.3), times(0.2), times(0.25)], None),
            Measured::of("near", &[times(0.01)], None),
            Measured::of("down", &[], Some("connection refused".to_owned())),
        ]
    }

    #[test]
    fn chains_are_judged_by_what_was_measured() {
        #[rustfmt::skip]
        let rows = [
            (chain("c.eu", false, ["near", "far"]), "c.eu (a): near, far, as measured\n", false),
            (chain("c.eu", false, ["far", "near"]), "c.eu (a): far, near; nearer to here is near, far\n", true),
            (chain("c.default", true, ["far", "near"]), "c.default (a): nearer to here is near, far; give the region eu a chain of its own in this rule\n", false),
            (chain("c.eu", false, ["down", "near"]), "c.eu (a): down, near; not all of them answered, so nothing is said of their order\n", false),
        ];
        for (chain, sentence, changes) in rows {
            let report = Report::of("eu".to_owned(), 3, measured(), &[chain], true);
            let text = report.describe();
            assert!(text.ends_with(sentence), "{text}");
            assert!(
                text.contains("\nfar       250 ms   20.0 ms      30.0 ms       3/3\n"),
                "{text}"
            );
            assert!(text.contains("\ndown: connection refused\n"), "{text}");
            assert_eq!(!report.changes().is_empty(), changes, "{sentence}");
            assert!(!report.is_as_measured(), "one backend is down");
        }
    }

    #[test]
    fn for_prometheus() {
        let chains = [
            chain("c.eu", false, ["far", "near"]),
            Chain { rule: "b".to_owned(), ..chain("c.eu", false, ["near", "far"]) },
            Chain { rule: "c".to_owned(), ..chain("c.eu", false, ["down", "far"]) },
        ];
        let shown = Report::of("eu".to_owned(), 3, measured(), &chains, true).metrics();
        let lines: Vec<&str> = shown.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                "portolan_nearest_seconds{region=\"eu\",backend=\"far\",part=\"ping\"} 0.25",
                "portolan_nearest_seconds{region=\"eu\",backend=\"far\",part=\"manifest\"} 0.02",
                "portolan_nearest_seconds{region=\"eu\",backend=\"far\",part=\"first_bytes\"} 0.03",
                "portolan_nearest_seconds{region=\"eu\",backend=\"near\",part=\"ping\"} 0.01",
                "portolan_nearest_seconds{region=\"eu\",backend=\"near\",part=\"manifest\"} 0.02",
                "portolan_nearest_seconds{region=\"eu\",backend=\"near\",part=\"first_bytes\"} 0.03",
                "portolan_chain_order_wrong{region=\"eu\",rule=\"a\"} 1",
                "portolan_chain_order_wrong{region=\"eu\",rule=\"b\"} 0",
            ],
            "nothing of one that is down"
        );
    }

    #[test]
    fn a_ping_alone_has_no_other_times() {
        let chains = [chain("c.eu", false, ["near", "far"])];
        let up = measured().into_iter().filter(|one| one.error.is_none()).collect();
        let report = Report::of("eu".to_owned(), 3, up, &chains, false);
        assert!(report.is_as_measured());
        assert!(report.backends.iter().all(|one| one.manifest.is_none() && one.ping.is_some()));
    }
}
