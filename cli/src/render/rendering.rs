//! A policy with the options of a machine, checked against each other.

use portolan_core::config::{Config, Document, Fingerprint};

use super::arguments::SiteArgs;
use super::error::RenderError;
use super::options::{Options, Target};
use super::{bootstrap, downstream_tls, http3, leftover, redirects, yaml};
use crate::policy_file::{self, LoadedPolicy};

/// A policy as it is rendered: its clusters are named by what they connect to.
pub(crate) struct Rendering {
    /// What the filter reads.
    pub(super) json: String,
    /// The policy.
    pub(super) config: Config,
    /// The options of the machine.
    pub(super) options: Options,
}

impl Rendering {
    /// The text of the whole configuration in one file, for an Envoy that only looks at it.
    pub(crate) fn whole(&self) -> String {
        yaml::print(&bootstrap::bootstrap(&self.config, &self.json, &self.options))
    }

    /// What the operator has still to do.
    pub(crate) fn notes(&self) -> Vec<String> {
        leftover::notes(&self.config, &self.options, true)
    }

    /// Takes the options of the machine for a policy.
    ///
    /// # Errors
    ///
    /// Options that do not go with the policy.
    pub(crate) fn of(
        policy: &LoadedPolicy,
        site: &SiteArgs,
        target: Target,
    ) -> Result<Self, RenderError> {
        let document = with_fingerprints(&policy.document);
        let json = policy_file::to_json(&document) + "\n";
        // It was good without the names, and no name of a policy has the sign that ours have.
        let config = Config::from_document(&document).map_err(RenderError::Names)?;
        let options = site.options(&config, target, Fingerprint::of([&json]).to_string())?;
        redirects::check(&config, options.envoy)?;
        if options.http3.is_some() {
            http3::check(&config)?;
        }
        if options.http_redirect.is_some() && !downstream_tls::is_there(&config) {
            return Err(RenderError::NowhereToLead);
        }
        if config.clients().limits().is_some() && !options.envoy.limits_clients() {
            return Err(RenderError::ClientLimits(options.envoy));
        }
        Ok(Self { json, config, options })
    }
}

/// The policy with the word that names clusters by what they connect to.
fn with_fingerprints(document: &Document) -> Document {
    const KEY: &str = "cluster_fingerprints";
    let Document::Mapping(fields) = document else { return document.clone() };
    let others = fields.iter().filter(|(key, _)| key != KEY).cloned();
    Document::Mapping(others.chain([(KEY.to_owned(), Document::Boolean(true))]).collect())
}
