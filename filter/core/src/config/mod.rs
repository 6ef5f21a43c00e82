//! The policy, in two stages: the wire form that a person writes, and the compiled form that
//! cannot be wrong. The request path sees only the compiled form.

mod advice;
mod auth;
mod backend;
mod backend_url;
mod blob_store;
mod blob_url;
mod budget;
mod chain;
mod client_limits;
mod clients;
mod compile;
mod cors;
mod document;
pub mod duration;
pub mod fields;
mod front_host;
mod fronts;
pub mod geography;
mod header_name;
pub mod ids;
mod image_glob;
mod landing;
mod list;
mod mistake;
mod name_mapping;
mod nearest;
mod network;
pub mod network_table;
mod operators;
pub(crate) mod ordered;
mod published;
mod reader;
mod reason;
mod redirecting;
mod redirects;
mod refused;
pub mod regions;
mod repository_glob;
mod resilience;
mod rule_index;
mod rules;
mod spread;
mod upload_path;
mod upstreams;
pub mod user_info;
mod wanted;
mod wire;

pub use crate::contract::Fingerprint;
pub use auth::{BackendAuth, Credential, FrontAuth, Readers, Realm, TokenService, Verifier};
pub use backend::{Backend, Certificate, Tls};
pub use backend_url::{BackendUrl, Scheme, canonical_authority};
pub use blob_store::{BlobStore, Probing};
pub use blob_url::BlobUrl;
pub use budget::{Budget, Each};
pub use chain::{Chain, Lists};
pub use client_limits::{ClientLimits, NetworkLimit};
pub use clients::{Clients, GEOIP_COUNTRY_HEADER, GEOIP_SUBDIVISION_HEADER, Geo, GeoHeaders};
pub use cors::{Cors, Origin as WebOrigin};
pub use document::Document;
pub use front_host::FrontHost;
pub use fronts::{Front, Fronts};
pub use image_glob::ImageGlob;
pub use landing::{Landing, PageUrl};
pub use list::{List, Purpose};
pub use mistake::Mistake;
pub use name_mapping::{NameMapping, NameRewrite};
pub use operators::{Operator, OperatorKind, Operators};
pub use published::Published;
pub use redirecting::{RedirectClass, Redirecting};
pub(crate) use redirects::covers;
pub use redirects::{Redirect, RedirectHost, Redirects, redirects_cluster};
pub use refused::Refused;
pub use resilience::{
    ALONE, AloneTimeouts, AttemptTimeouts, Ejection, HealthCheck, Limits, Resilience, WriteTimeouts,
};
pub use rules::{Owner, Rule, Rules};
pub(crate) use spread::spread;
pub use upload_path::UploadPath;
pub use upstreams::{Upstream, Upstreams};
pub use wire::VERSION;

use ids::{BackendId, ListId, StoreId};
use mistake::Mistakes;
use regions::Regions;

/// The region that takes every client that no other region does.
pub const DEFAULT_REGION: &str = "default";

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Config {
    fronts: Fronts,
    backends: Vec<Backend>,
    blob_stores: Vec<BlobStore>,
    credentials: Vec<Credential>,
    operators: Operators,
    regions: Regions,
    published: Vec<Published>,
    clients: Clients,
    rules: Rules,
    lists: Vec<List>,
    fingerprint: Option<Fingerprint>,
}

impl Config {
    /// Reads a policy from the JSON of a plugin configuration.
    ///
    /// # Errors
    ///
    /// Every mistake in the policy; for text that is not JSON, the one place where it stops
    /// being JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, Vec<Mistake>> {
        match serde_json::from_slice(json) {
            Ok(document) => {
                let fingerprint = Some(Fingerprint::of([json]));
                Self::from_document(&document).map(|config| Self { fingerprint, ..config })
            }
            Err(error) => {
                let message = format!("the policy is not JSON: {error}");
                Err(vec![Mistake { path: String::new(), message }])
            }
        }
    }

    /// Reads a policy from a document that was read from JSON or YAML.
    ///
    /// # Errors
    ///
    /// Every mistake in the policy, each with its path, in the order of the document's parts.
    pub fn from_document(document: &Document) -> Result<Self, Vec<Mistake>> {
        let mistakes = Mistakes::default();
        let wire = wire::read(document, &mistakes);
        let compiled = compile::compile(wire, &mistakes);
        mistakes.into_result(compiled)
    }

    /// Which policy it is: the fingerprint of the JSON that it was read from, if it was.
    #[must_use]
    pub const fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The public hostnames.
    #[must_use]
    pub const fn fronts(&self) -> &Fronts {
        &self.fronts
    }

    /// All backends in the order of the policy.
    #[must_use]
    pub fn backends(&self) -> &[Backend] {
        &self.backends
    }

    /// A backend by its id.
    #[must_use]
    pub fn backend(&self, id: BackendId) -> Option<&Backend> {
        self.backends.get(id.index())
    }

    /// All blob stores in the order of the policy.
    #[must_use]
    pub fn blob_stores(&self) -> &[BlobStore] {
        &self.blob_stores
    }

    /// A blob store by its id.
    #[must_use]
    pub fn blob_store(&self, id: StoreId) -> Option<&BlobStore> {
        self.blob_stores.get(id.index())
    }

    /// The credentials of the proxy's own, without what they are.
    #[must_use]
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Whether the proxy follows any backend's redirects, for any region.
    #[must_use]
    pub fn follows_redirects(&self) -> bool {
        self.backends.iter().any(|backend| backend.redirects().any_followed())
    }

    /// Whether it depends on how the backends are where some client is sent.
    #[must_use]
    pub fn redirects_by_health(&self) -> bool {
        let has_choice = |id| self.list(id).is_some_and(|list| list.backends().len() > 1);
        self.rules.all().iter().any(|rule| {
            rule.redirecting().is_some_and(Redirecting::sends_to_backends)
                && rule.chains.iter().flat_map(Chain::every_list).any(has_choice)
        })
    }

    /// Who mints or checks what clients send.
    #[must_use]
    pub const fn operators(&self) -> &Operators {
        &self.operators
    }

    /// Every list of backends that a request may go to, each once.
    #[must_use]
    pub fn lists(&self) -> &[List] {
        &self.lists
    }

    /// A list by its id.
    #[must_use]
    pub fn list(&self, id: ListId) -> Option<&List> {
        self.lists.get(id.index())
    }

    /// The groups of clients and how a client is found in them.
    #[must_use]
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Of which day the networks are that a program wrote.
    #[must_use]
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Where the facts about a client come from.
    #[must_use]
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Which repositories have which chains and owner.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }
}

#[cfg(test)]
mod tests;
