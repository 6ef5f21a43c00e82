//! Which repositories have which chains and owner.

use super::ids::{BackendId, RegionId, RuleId};
use super::rule_index::RuleIndex;

/// A rule of the policy.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) owner: Option<BackendId>,
    /// One per region, found by its id.
    pub(crate) chains: Vec<Chain>,
}

/// Backends in the order in which a region's clients try them, nearest first.
///
/// The compiled policy has no empty chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chain {
    all: Vec<BackendId>,
    replicas: Vec<BackendId>,
}

impl Chain {
    /// A chain and the part of it that may answer for tags: the declared replicas in the
    /// order of the chain, or, where the chain has none of them, its first backend alone.
    pub(crate) fn new(all: Vec<BackendId>, replicas: Option<&[BackendId]>) -> Self {
        let declared = replicas.unwrap_or(&[]);
        let mut replicas: Vec<BackendId> =
            all.iter().copied().filter(|backend| declared.contains(backend)).collect();
        if replicas.is_empty() {
            replicas.extend(all.first());
        }
        Self { all, replicas }
    }

    /// The backends that may answer for a digest: the content proves itself.
    #[must_use]
    pub fn for_digests(&self) -> &[BackendId] {
        &self.all
    }

    /// The backends that may answer for a tag, a list of tags or referrers: only those that
    /// are declared to hold the same content under the same tags.
    #[must_use]
    pub fn for_tags(&self) -> &[BackendId] {
        &self.replicas
    }
}

impl Rule {
    /// The name of the rule in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The one backend that takes writes; a rule without an owner is pull-only.
    #[must_use]
    pub const fn owner(&self) -> Option<BackendId> {
        self.owner
    }

    /// The owner as a list of backends to try: one, or none.
    #[must_use]
    pub const fn owner_as_list(&self) -> &[BackendId] {
        self.owner.as_slice()
    }

    /// The chain of a region.
    #[must_use]
    pub fn chain(&self, region: RegionId) -> Option<&Chain> {
        self.chains.get(region.index())
    }
}

/// All rules, found by repository name.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(crate) list: Vec<Rule>,
    pub(crate) index: RuleIndex,
}

impl Rules {
    /// The first rule that matches a repository name.
    #[must_use]
    pub fn find(&self, repository: &str) -> Option<RuleId> {
        self.index.find(repository)
    }

    /// A rule by its id.
    #[must_use]
    pub fn get(&self, id: RuleId) -> Option<&Rule> {
        self.list.get(id.index())
    }

    /// All rules in the order of the policy.
    #[must_use]
    pub fn all(&self) -> &[Rule] {
        &self.list
    }
}
