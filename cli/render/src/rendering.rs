//! A policy with the options of a machine, checked against each other.

use portolan_command::policy_file::LoadedPolicy;
use portolan_command::policy_file::served::{served, with_fingerprints, with_switch};
use portolan_core::config::{Config, Document};

use super::arguments::SiteArgs;
use super::error::RenderError;
use super::model::fill::Fill;
use super::model::{Model, check};
use super::options::{Options, Target};
use super::{bootstrap, notes, yaml};

/// A policy as it is rendered: its clusters are named by what they connect to.
pub struct Rendering {
    /// What the filter reads.
    pub json: String,
    /// The policy.
    pub config: Config,
    /// The options of the machine.
    pub options: Options,
    /// What fills caches, if there are any.
    pub(super) fill: Option<Fill>,
}

impl Rendering {
    /// The text of the whole configuration in one file, for an Envoy that only looks at it.
    #[must_use]
    pub fn whole(&self) -> String {
        yaml::print(&bootstrap::bootstrap(&self.model()))
    }

    /// What the operator has still to do.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        notes::of(&self.model(), true)
    }

    /// What Envoy has to have for it.
    pub(super) fn model(&self) -> Model<'_> {
        Model::of(&self.config, &self.json, &self.options, self.fill.as_ref())
    }

    /// Takes the options of the machine for a policy.
    ///
    /// # Errors
    ///
    /// Options that do not go with the policy.
    pub fn of(policy: &LoadedPolicy, site: &SiteArgs, target: Target) -> Result<Self, RenderError> {
        let document = with_fingerprints(&policy.document);
        let json = served(&document);
        // It was good without the names, and no name of a policy has the sign that ours have.
        let config = Config::from_document(&document).map_err(RenderError::Names)?;
        let options = site.options(config.clients().geo(), target, policy.fingerprint())?;
        check::check(&config, &options)?;
        let fill = fill(&document, &config, (site, target))?;
        Ok(Self { json, config, options, fill })
    }
}

/// What fills the caches of a policy, where it has any.
fn fill(
    document: &Document,
    config: &Config,
    (site, target): (&SiteArgs, Target),
) -> Result<Option<Fill>, RenderError> {
    if config.caches().is_empty() {
        return Ok(None);
    }
    if target == Target::Istio {
        return Err(RenderError::NothingFills);
    }
    let document = with_switch(document, "fills_caches");
    let json = served(&document);
    let config = Config::from_document(&document).map_err(RenderError::Names)?;
    Ok(Some(Fill { address: site.cache_fill(), json, config }))
}
