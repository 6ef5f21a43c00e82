//! A file of one kind of resources, as Envoy's discovery services have them.

use portolan_core::config::Fingerprint;
use serde_json::{Value, json};

use crate::filter::DECIDES;

/// What a file has in it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The clusters (CDS).
    Clusters,
    /// The listener (LDS).
    Listeners,
    /// The routes (RDS).
    Routes,
    /// The route of scrapes (RDS), by which metrics say which policy is served.
    Scrapes,
    /// The filter of this name (ECDS).
    Filter(String),
}

impl Kind {
    /// The filter that has the policy and decides by it.
    #[must_use]
    pub fn of_the_decision() -> Self {
        Self::Filter(DECIDES.to_owned())
    }

    /// The path of the file, from the directory.
    #[must_use]
    pub fn file(&self) -> String {
        match self {
            Self::Clusters => "clusters.json".to_owned(),
            Self::Listeners => "listeners.json".to_owned(),
            Self::Routes => "routes.json".to_owned(),
            Self::Scrapes => "scrapes.json".to_owned(),
            Self::Filter(name) => format!("filters/{name}.json"),
        }
    }

    /// What Envoy's statistics about the file start with.
    #[must_use]
    pub fn statistics(&self) -> String {
        match self {
            Self::Clusters => "cluster_manager.cds".to_owned(),
            Self::Listeners => "listener_manager.lds".to_owned(),
            Self::Routes => "http.portolan.rds.portolan".to_owned(),
            Self::Scrapes => "http.portolan_metrics.rds.portolan_metrics".to_owned(),
            Self::Filter(name) => format!("extension_config_discovery.http_filter.{name}"),
        }
    }

    /// What it is called in messages.
    #[must_use]
    pub fn word(&self) -> String {
        match self {
            Self::Clusters => "the clusters".to_owned(),
            Self::Listeners => "the listener".to_owned(),
            Self::Routes => "the routes".to_owned(),
            Self::Scrapes => "the policy that metrics name".to_owned(),
            Self::Filter(name) => format!("the filter `{name}`"),
        }
    }
}

/// The resources of one file, with a version by which Envoy says that it has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// What they are.
    pub kind: Kind,
    /// The resources themselves, as JSON.
    pub all: Vec<Value>,
    /// The fingerprint of the policy, and that of the file's content.
    pub version: String,
}

impl Resources {
    /// Some resources of a policy with this fingerprint.
    pub fn new(kind: Kind, all: Vec<Value>, policy: &str) -> Self {
        let content = Fingerprint::of(all.iter().map(Value::to_string));
        Self { kind, all, version: format!("{policy}-{content}") }
    }

    /// The text of the file: a `DiscoveryResponse`.
    #[must_use]
    pub fn text(&self) -> String {
        let response = json!({"version_info": self.version, "resources": self.all});
        format!("{response:#}\n")
    }
}
