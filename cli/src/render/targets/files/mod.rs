//! `--target files`: a small fixed bootstrap, and a directory of files that Envoy reads again when they are replaced.
//!
//! Clusters come by CDS, the listener by LDS, its routes by RDS, each of its HTTP filters by ECDS, secrets by SDS.
//! The listener is made so that hardly any policy changes it: a listener that changes closes the connections
//! that clients have, and cuts what still streams on them. [`split`] takes the parts out of a whole
//! configuration, [`slots`] has the filters that a listener keeps places for, [`union`] makes of two policies what
//! serves both, [`directory`] knows the files.

mod directory;
mod resources;
mod slots;
mod split;
mod union;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) use super::super::filter::DECIDES;
pub(crate) use directory::{Directory, DirectoryError, SECRETS, State, Version};
pub(crate) use resources::{Kind, Resources};
pub(crate) use slots::does_nothing;
pub(crate) use split::{MANAGER, Parts, split};
pub(crate) use union::union;

use super::super::{Rendering, bootstrap, header_of_directory, secret, yaml};

/// All that Envoy reads for one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct FileSet {
    /// The fingerprint of the policy, as the filter has it.
    pub(crate) policy: String,
    /// The text of the bootstrap. It is read once, when Envoy starts.
    pub(crate) bootstrap: String,
    /// The small files that say where secrets are, by their names.
    pub(crate) secrets: BTreeMap<String, String>,
    /// The clusters.
    pub(crate) clusters: Vec<Value>,
    /// The listener of the clients, and what leads to it.
    pub(crate) listeners: Vec<Value>,
    /// Its routes.
    pub(crate) routes: Vec<Value>,
    /// The route of scrapes, which says which policy is served; none without metrics.
    #[serde(default)]
    pub(crate) scrapes: Vec<Value>,
    /// Its filters, in their order.
    pub(crate) filters: Vec<Value>,
}

impl FileSet {
    /// The files of a policy that was rendered for this target.
    pub(crate) fn of(rendering: &Rendering) -> Self {
        let Rendering { json, config, options } = rendering;
        let whole = bootstrap::bootstrap(config, json, options);
        let secrets = secret::all(config).into_iter();
        let secrets = secrets.map(|one| (one.file_name(options), one.file_text(options)));
        let parts = split(whole, options);
        Self {
            policy: options.policy.clone(),
            bootstrap: format!("{}{}", header_of_directory(options), yaml::print(&parts.bootstrap)),
            secrets: secrets.collect(),
            clusters: parts.clusters,
            listeners: parts.listeners,
            routes: parts.routes,
            scrapes: parts.scrapes,
            filters: parts.filters,
        }
    }
}

/// The name of a resource or of another part of Envoy's configuration.
pub(crate) fn name_of(part: &Value) -> &str {
    part.get("name").and_then(Value::as_str).unwrap_or_default()
}
