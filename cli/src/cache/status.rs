//! `portolan cache status`.

use std::io::{self, Write};
use std::time::Duration;

use portolan_command::output::{Exit, Results};
use portolan_command::parallel;
use portolan_command::quantity::{counted, real, size};
use serde::Serialize;

use super::arguments::{Report, StatusArgs};
use super::node::Node;
use super::statistics::Statistics;

/// How many nodes are asked at once.
const AT_ONCE: usize = 16;

/// Asks all nodes how they are.
///
/// # Errors
///
/// `out` cannot be written.
pub(super) fn run(arguments: &StatusArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let places = match arguments.asked.places() {
        Ok(places) => places,
        Err(exit) => return Ok(exit),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let nodes = parallel::each(&places, AT_ONCE, |place| look(&Node::new(place.clone(), timeout)));
    arguments.asked.say(&Status::of(nodes), out)
}

fn look(node: &Node) -> NodeStatus {
    let checked = node.check();
    let is_up = checked.is_ok();
    let (statistics, error) = match checked.and_then(|()| node.statistics()) {
        Ok(statistics) => (Some(statistics), None),
        Err(fault) => (None, Some(fault.to_string())),
    };
    let place = node.place.clone();
    NodeStatus { node: place.name, url: place.url, is_up, statistics, error }
}

/// How one node is. The names of the fields are those of the JSON, and stay.
#[derive(Clone, Debug, Serialize)]
struct NodeStatus {
    node: String,
    url: String,
    #[serde(rename = "up")]
    is_up: bool,
    statistics: Option<Statistics>,
    /// Why it is not up, or does not say how it is.
    error: Option<String>,
}

/// How all are.
#[derive(Debug, Serialize)]
struct Status {
    kind: &'static str,
    version: u32,
    nodes: Vec<NodeStatus>,
}

impl Status {
    const fn of(nodes: Vec<NodeStatus>) -> Self {
        Self { kind: "portolan.cache.status", version: 1, nodes }
    }
}

impl Report for Status {
    fn describe(&self) -> String {
        self.nodes.iter().map(line).collect()
    }

    fn is_good(&self) -> bool {
        self.nodes.iter().all(|node| node.error.is_none())
    }
}

fn line(node: &NodeStatus) -> String {
    let state = if node.is_up { "up  " } else { "down" };
    let said = match (&node.statistics, &node.error) {
        (Some(statistics), _) => describe(statistics),
        (None, error) => error.clone().unwrap_or_default(),
    };
    format!("{}  {state}  {said}\n", node.node)
}

fn describe(said: &Statistics) -> String {
    let spared = said.hits.saturating_add(said.coalesced);
    let asked = spared.saturating_add(said.misses);
    let share = if asked == 0 { 0.0 } else { 100.0 * real(spared) / real(asked) };
    let full = match said.wraps {
        0 => String::new(),
        wraps => format!(", full {}", counted(wraps, "time")),
    };
    format!(
        "{} of {}{full}; {}, {share:.0} % without a registry; sent {}, fetched {}; Traffic Server {}",
        size(said.used_bytes),
        size(said.store_bytes),
        counted(asked, "request"),
        size(said.sent_bytes),
        size(said.fetched_bytes),
        said.server
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(statistics: Option<Statistics>, error: Option<&str>) -> NodeStatus {
        NodeStatus {
            node: "eu-1".to_owned(),
            url: "http://10.0.0.7:8300".to_owned(),
            is_up: statistics.is_some(),
            statistics,
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn as_text() {
        let statistics = |wraps, hits| Statistics {
            server: "9.2.9".to_owned(),
            store_bytes: 10_000_000_000,
            used_bytes: 5_000_000_000,
            wraps,
            hits,
            coalesced: 1,
            misses: 1,
            sent_bytes: 3000,
            fetched_bytes: 1000,
        };
        let cases = [
            (
                node(Some(statistics(0, 2)), None),
                "eu-1  up    5.00 GB of 10.0 GB; 4 requests, 75 % without a registry; sent 3.00 kB, fetched 1.00 kB; \
                 Traffic Server 9.2.9\n",
                true,
            ),
            (
                node(Some(statistics(3, 0)), None),
                "eu-1  up    5.00 GB of 10.0 GB, full 3 times; 2 requests, 50 % without a registry; sent 3.00 kB, \
                 fetched 1.00 kB; Traffic Server 9.2.9\n",
                true,
            ),
            (
                node(None, Some("http://10.0.0.7:8300: it answered 503")),
                "eu-1  down  http://10.0.0.7:8300: it answered 503\n",
                false,
            ),
        ];
        for (node, expected, is_good) in cases {
            let status = Status::of(vec![node]);
            assert_eq!((status.describe().as_str(), status.is_good()), (expected, is_good));
        }
    }
}
