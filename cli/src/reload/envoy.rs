//! The state of Envoy's files of configuration, as its admin interface shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use portolan_render::files::Kind;
use serde_json::Value;

use super::error::ReloadError;
use crate::admin::{Admin, Answer};

/// An Envoy that runs, as its admin interface shows it.
#[derive(Clone)]
pub(super) struct Envoy(Admin);

/// How long an answer may take. While Envoy compiles the filter it answers nobody.
const ANSWER: Duration = Duration::from_mins(1);
/// What is asked for of all statistics.
const FILTER: &str = "version_text|config_reload$|update_rejected|config_fail|warming|lds.update_failure|\
                      downstream_rq_active|downstream_cx_active|downstream_pre_cx_active|server.live|\
                      initialization_time";

impl Envoy {
    /// The one whose admin interface is at this address.
    pub(super) fn new(address: SocketAddr) -> Self {
        Self(Admin::new(address, ANSWER))
    }

    /// The address of its admin interface.
    pub(super) const fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// What it answers to `GET`.
    pub(super) fn get(&self, target: &str) -> Result<String, ReloadError> {
        self.text(self.0.get(target))
    }

    /// What it answers to `POST`, by which it is told to do something.
    pub(super) fn post(&self, target: &str) -> Result<String, ReloadError> {
        self.text(self.0.post(target))
    }

    fn text(&self, answer: Result<Answer, ureq::Error>) -> Result<String, ReloadError> {
        let why = match answer {
            Ok(answer) if answer.status < 400 => return Ok(answer.text),
            Ok(answer) => format!("it says {}", answer.status),
            Err(error) => error.to_string(),
        };
        Err(ReloadError::NoEnvoy { address: self.address(), why })
    }

    /// What its statistics say at this moment.
    pub(super) fn statistics(&self) -> Result<Statistics, ReloadError> {
        self.get(&format!("/stats?filter={FILTER}")).map(|text| Statistics::read(&text))
    }

    /// How many requests are under way at the hosts of these clusters.
    pub(super) fn requests_at(&self, clusters: &BTreeSet<String>) -> Result<u64, ReloadError> {
        self.get("/clusters").map(|text| requests_at(&text, clusters))
    }

    /// Why it did not take what it was told last, as far as it says.
    pub(super) fn reason_of_refusal(&self) -> Option<String> {
        let dump = self.get("/config_dump").ok()?;
        reason(&serde_json::from_str(&dump).ok()?)
    }
}

/// Statistics by their names.
#[derive(Clone, Debug, Default)]
pub(super) struct Statistics(BTreeMap<String, String>);

impl Statistics {
    /// Reads Envoy's text: a line is `NAME: VALUE`.
    pub(super) fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(": "));
        Self(
            pairs
                .map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned()))
                .collect(),
        )
    }

    /// A counter or a gauge; 0 as long as Envoy does not have it.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.0.get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// The sum of all whose names end so.
    pub(super) fn sum(&self, end: &str) -> u64 {
        let numbers = self.0.iter().filter(|(name, _)| name.ends_with(end));
        numbers.filter_map(|(_, value)| value.parse::<u64>().ok()).sum()
    }

    /// The version that Envoy has of a file.
    pub(super) fn version(&self, kind: &Kind) -> &str {
        let name = format!("{}.version_text", kind.statistics());
        self.0.get(&name).map_or("", String::as_str)
    }

    /// How often Envoy has taken a file, on all workers.
    pub(super) fn reloads(&self, kind: &Kind) -> u64 {
        self.number(&format!("{}.config_reload", kind.statistics()))
    }

    /// How often Envoy has refused what stood in a file.
    pub(super) fn refusals(&self, kind: &Kind) -> u64 {
        let words = ["update_rejected", "config_fail"];
        words.iter().map(|word| self.number(&format!("{}.{word}", kind.statistics()))).sum()
    }
}

/// The sum of `rq_active` of the hosts of some clusters; a line is `CLUSTER::ADDRESS::NAME::VALUE`,
/// and an IPv6 address has colons of its own.
fn requests_at(text: &str, clusters: &BTreeSet<String>) -> u64 {
    let lines = text.lines().filter_map(|line| {
        let (cluster, rest) = line.split_once("::")?;
        let value = rest.rsplit_once("::rq_active::")?.1;
        clusters.contains(cluster).then(|| value.parse::<u64>().unwrap_or(0))
    });
    lines.sum()
}

/// The details of the first state of error in a dump.
fn reason(dump: &Value) -> Option<String> {
    match dump {
        Value::Object(fields) => {
            let details =
                fields.get("error_state").and_then(|state| state.get("details")?.as_str());
            details.map(str::to_owned).or_else(|| fields.values().find_map(reason))
        }
        Value::Array(items) => items.iter().find_map(reason),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn statistics_as_envoy_writes_them() {
        let kind = Kind::Filter("portolan.token".to_owned());
        let text = "cluster_manager.cds.version_text: \"a-1\"\n\
                    extension_config_discovery.http_filter.portolan.token.config_reload: 3\n\
                    extension_config_discovery.http_filter.portolan.token.config_fail: 1\n\
                    extension_config_discovery.http_filter.portolan.token.update_rejected: 2\n\
                    histogram: No recorded values\n";
        let found = Statistics::read(text);
        assert_eq!(found.version(&Kind::Clusters), "a-1");
        assert_eq!(found.version(&Kind::Routes), "", "it has none yet");
        assert_eq!((found.reloads(&kind), found.refusals(&kind)), (3, 3));
        assert_eq!(found.sum("token.config_reload"), 3);
        assert_eq!(found.sum("version_text"), 0, "no number");
    }

    #[test]
    fn requests_of_the_clusters_that_go() {
        let text = "a~1::10.0.0.1:443::rq_active::2\na~1::10.0.0.1:443::rq_total::9\n\
                    a~1::[2001:db8::1]:443::rq_active::3\nb::10.0.0.1:443::rq_active::5\na~1::added_via_api::true\n";
        let names = BTreeSet::from(["a~1".to_owned()]);
        assert_eq!(requests_at(text, &names), 5);
        assert_eq!(requests_at(text, &BTreeSet::new()), 0);
    }

    #[test]
    fn the_reason_of_a_refusal() {
        let dump = json!({"configs": [{"a": 1}, {"ecds_filters": [
            {"error_state": {"details": "Unable to create Wasm plugin"}},
        ]}]});
        assert_eq!(reason(&dump).as_deref(), Some("Unable to create Wasm plugin"));
        assert_eq!(reason(&json!({"configs": []})), None);
    }
}
