//! The policy, in two stages: the wire form that a person writes, and the compiled form that
//! cannot be wrong. The request path sees only the compiled form.

mod advice;
mod auth;
mod auth_domains;
mod backend;
mod backend_list;
mod backend_url;
mod blob_store;
mod budget;
mod cache;
mod client_limits;
mod clients;
mod compile;
mod compiled;
pub mod credential_usage;
mod document;
pub mod duration;
mod excerpt;
pub mod fields;
mod front;
pub mod geography;
mod header_name;
pub mod ids;
mod image_glob;
mod mistake;
mod name_mapping;
mod nearest;
mod network;
pub mod network_table;
pub(crate) mod ordered;
mod published;
mod reader;
mod reason;
mod refused;
pub mod regions;
mod repository_glob;
mod rule;
mod stable_hash;
pub mod user_info;
mod wanted;
mod wire;

pub use crate::contract::Fingerprint;
pub use auth::{BackendAuth, Credential, FrontAuth, Readers, Realm, TokenService, Verifier};
pub use auth_domains::{AuthDomain, AuthDomainKind, AuthDomains};
pub(crate) use backend::followed_redirects::covers;
pub use backend::followed_redirects::{
    FollowedRedirects, RedirectHandling, RedirectHost, redirects_cluster,
};
pub use backend::resilience::{
    ALONE, AloneTimeouts, AttemptTimeouts, Ejection, HealthCheck, HedgeAfter, Limits, Resilience,
    WriteTimeouts,
};
pub use backend::upload_path::UploadPath;
pub use backend::{Backend, Certificate, Tls};
pub use backend_list::{BackendList, Purpose};
pub use backend_url::{BackendUrl, Scheme, canonical_authority};
pub use blob_store::url::BlobUrl;
pub use blob_store::{BlobStore, Probing};
pub use budget::{Budget, Each};
pub use cache::{Cache, CacheTls, Known};
pub use client_limits::{ClientLimits, NetworkLimit};
pub use clients::{Clients, GEOIP_COUNTRY_HEADER, GEOIP_SUBDIVISION_HEADER, Geo, GeoHeaders};
pub use compiled::Config;
pub use document::Document;
pub use front::cors::{Cors, Origin as WebOrigin};
pub use front::host::FrontHost;
pub use front::landing::{Landing, PageUrl};
pub use front::upstreams::{Upstream, Upstreams};
pub use front::{Front, Fronts};
pub use image_glob::ImageGlob;
pub use mistake::Mistake;
pub use name_mapping::{NameMapping, NameRewrite};
pub use published::Published;
pub use refused::Refused;
pub use regions::DEFAULT_REGION;
pub use rule::chain::{Chain, Lists};
pub use rule::client_redirects::{ClientRedirects, RedirectClass};
pub use rule::{Owner, Rule, Rules};
pub(crate) use stable_hash::stable_hash;
pub use wire::VERSION;

use mistake::Mistakes;

impl Config {
    /// Reads a policy from the JSON of a plugin configuration. Names that fields had in earlier
    /// releases are read.
    ///
    /// # Errors
    ///
    /// Every mistake in the policy; for text that is not JSON, the one place where it stops
    /// being JSON.
    pub fn from_json(json: &[u8]) -> Result<Self, Vec<Mistake>> {
        match serde_json::from_slice(json) {
            Ok(mut document) => {
                let fingerprint = Some(Fingerprint::of([json]));
                fields::rename_old_fields(&mut document);
                Self::from_document(&document).map(|config| Self { fingerprint, ..config })
            }
            Err(error) => {
                let message = format!("the policy is not JSON: {error}");
                Err(vec![Mistake { path: String::new(), message }])
            }
        }
    }

    /// Reads a policy from a document that was read from JSON or YAML. Every field has the name
    /// that it has today: [`fields::rename_old_fields`] sees to that.
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
}

#[cfg(test)]
mod tests;
