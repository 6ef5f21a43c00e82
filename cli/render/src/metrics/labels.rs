//! The values of labels: a command of Envoy's access log, and rules that turn its text into a word
//! of a fixed set.

use portolan_core::contract::{self, StateKey, details};
use portolan_core::record::REFUSALS;
use portolan_core::record::metric::{CARRIED, FOLLOWED, Label, NO_VALUE};
use serde_json::{Value, json};

use super::super::access_log::{first_of, metadata, of_host, operator, property};
use super::super::typed::object;
use super::ends;
use super::rules::{Change, exact};

/// The labels of the metrics of one configuration.
#[derive(Clone, Copy)]
pub(super) struct Tags {
    /// Whether redirects are followed. Where they led is known by the cluster, since the hosts
    /// there have no metadata.
    pub(super) follows: bool,
    /// What is counted.
    pub(super) of: Subject,
}

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Requests of clients, and their attempts.
    Requests,
    /// What caches are filled with.
    Fills,
}

impl Tags {
    /// A label. Those of what the filter counts itself have no format: they are [in the
    /// name](super::tags).
    pub(super) fn of(self, label: Label) -> Value {
        match label {
            Label::Front => plain(label, &property(StateKey::Front)),
            Label::Region => plain(label, &property(StateKey::Region)),
            Label::Class => plain(label, &property(StateKey::Kind)),
            Label::From => plain(label, &property(StateKey::PassedOver)),
            Label::Backend | Label::To => plain(label, &self.backend()),
            Label::Way => self.way(),
            Label::Outcome => with(label, &ends::request_format(), &ends::of_requests()),
            Label::Result => with(label, ends::ATTEMPT_FORMAT, &ends::of_attempts()),
            Label::Why => with(label, &ends::why_format(), &ends::why()),
            Label::Code => with(label, "%RESPONSE_CODE_DETAILS%", &codes()),
            Label::Target => with(label, &property(StateKey::SentTo), &said()),
            Label::Cache => with(label, &property(StateKey::Cache), &said()),
            Label::Node => plain(label, &self.node()),
            Label::Use => plain(label, &property(StateKey::CacheUse)),
            Label::Filled => with(label, &ends::fill_format(), &ends::of_fills()),
            Label::Hash
            | Label::Version
            | Label::Store
            | Label::FetchResult
            | Label::ProbeResult => plain(label, NO_VALUE),
        }
    }

    fn backend(self) -> String {
        let name = metadata(contract::BACKEND);
        if self.follows {
            let commands = ["UPSTREAM_METADATA", "CLUSTER_METADATA"];
            first_of(&commands.map(|command| operator(command, &name)))
        } else {
            of_host(contract::BACKEND)
        }
    }

    /// The endpoint that answered is a node, or a registry, which says of none; where a node is
    /// filled, it has said its own name.
    fn node(self) -> String {
        match self.of {
            Subject::Requests => of_host(contract::NODE),
            Subject::Fills => property(StateKey::CacheNode),
        }
    }

    /// Everything is carried to the backend, unless the cluster says otherwise.
    fn way(self) -> Value {
        let label = Label::Way;
        if self.follows {
            let way = format!("%CLUSTER_METADATA({})%", metadata(contract::WAY));
            let rules = exact(&[(FOLLOWED, Change::Word(FOLLOWED))], Some(Change::Word(CARRIED)));
            with(label, &way, &rules)
        } else {
            plain(label, CARRIED)
        }
    }
}

/// The codes of the filter's errors, by the details of its answers. What backends and Envoy itself
/// answer is not counted there.
fn codes() -> Value {
    let details: Vec<(String, &str)> = REFUSALS
        .iter()
        .map(|(outcome, code)| (details::details(outcome.as_str(), code), *code))
        .collect();
    let rows: Vec<(&str, Change<'_>)> =
        details.iter().map(|(details, code)| (details.as_str(), Change::Word(code))).collect();
    exact(&rows, Some(Change::Nothing))
}

/// Where nothing is said nothing is counted: a client that was sent nowhere, a request that no
/// cache may answer.
fn said() -> Value {
    exact(&[(NO_VALUE, Change::Nothing)], None)
}

fn plain(label: Label, format: &str) -> Value {
    json!({"name": label.name(), "value_format": format})
}

fn with(label: Label, format: &str, rules: &Value) -> Value {
    object([plain(label, format), json!({"rules": rules})])
}
