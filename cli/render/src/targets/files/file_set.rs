//! All files of one policy.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::named::name_of;
use super::resources::{Kind, Resources};
use super::split::split;
use crate::header::header_of_directory;
use crate::rendering::Rendering;
use crate::{bootstrap, yaml};

/// All that Envoy reads for one policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSet {
    /// The fingerprint of the policy, as the filter has it.
    pub policy: String,
    /// The text of the bootstrap. It is read once, when Envoy starts.
    pub bootstrap: String,
    /// The small files that say where secrets are, by their names.
    pub secrets: BTreeMap<String, String>,
    /// The clusters.
    pub clusters: Vec<Value>,
    /// The listener of the clients, and what leads to it.
    pub listeners: Vec<Value>,
    /// Its routes.
    pub routes: Vec<Value>,
    /// The route of scrapes, which says which policy is served; none without metrics.
    #[serde(default)]
    pub scrapes: Vec<Value>,
    /// Its filters, in their order.
    pub filters: Vec<Value>,
}

impl FileSet {
    /// The files of a policy that was rendered for this target.
    #[must_use]
    pub fn of(rendering: &Rendering) -> Self {
        let Rendering { options, .. } = rendering;
        let model = rendering.model();
        let whole = bootstrap::bootstrap(&model);
        let files = model.trust.secrets;
        let secrets = model.secrets.iter();
        let secrets = secrets.map(|one| (one.file_name(files), one.file_text(files)));
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

    /// The files of resources, the filters one by one.
    #[must_use]
    pub fn resources(&self) -> Vec<Resources> {
        let new = |kind, all: &[Value]| Resources::new(kind, all.to_vec(), &self.policy);
        let filters = self.filters.iter();
        let filters = filters.map(|filter| {
            new(Kind::Filter(name_of(filter).to_owned()), std::slice::from_ref(filter))
        });
        let others = [
            new(Kind::Clusters, &self.clusters),
            new(Kind::Routes, &self.routes),
            new(Kind::Listeners, &self.listeners),
        ];
        let scrapes =
            (!self.scrapes.is_empty()).then(|| new(Kind::Scrapes, &self.scrapes)).into_iter();
        others.into_iter().chain(filters).chain(scrapes).collect()
    }
}
