//! The rules: repositories with their chains and their owner.

pub(super) mod chain;
pub(super) mod client_redirects;
pub(super) mod compile;
mod compile_chain;
pub(super) mod fields;
mod index;
pub(super) mod wire;

use std::time::Duration;

use crate::config::auth::Readers;
use crate::config::ids::{BackendId, FrontId, ListId, RegionId, RuleId};
use crate::config::rule::chain::Chain;
use crate::config::rule::client_redirects::ClientRedirects;
use crate::config::rule::index::RuleIndex;

/// A rule of the policy.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(crate) name: String,
    /// The fronts whose clients it is for; `None` for all.
    pub(crate) fronts: Option<Vec<FrontId>>,
    pub(crate) owner: Option<Owner>,
    pub(crate) read_your_writes: Option<Duration>,
    pub(crate) stale_tags: Option<Duration>,
    pub(crate) readers: Option<Readers>,
    pub(crate) writers: bool,
    pub(crate) client_redirects: Option<ClientRedirects>,
    pub(crate) signatures: Option<ListId>,
    pub(crate) writes_refused: Option<String>,
    /// One per region, found by its id.
    pub(crate) chains: Vec<Chain>,
}

/// The one backend that takes the writes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The backend.
    pub backend: BackendId,
    /// The list that has it and nobody else.
    pub list: ListId,
}

impl Rule {
    /// The name of the rule in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is for the clients of a front.
    #[must_use]
    pub fn serves(&self, front: FrontId) -> bool {
        self.fronts.as_ref().is_none_or(|fronts| fronts.contains(&front))
    }

    /// The one backend that takes writes; a rule without an owner is pull-only.
    #[must_use]
    pub const fn owner(&self) -> Option<Owner> {
        self.owner
    }

    /// How long after a push the tags of a repository are read from the owner.
    #[must_use]
    pub const fn read_your_writes(&self) -> Option<Duration> {
        self.read_your_writes
    }

    /// How long a tag may be what it was, from the cache of the region, while nobody can be asked
    /// who may answer for it; `None` for not at all.
    #[must_use]
    pub const fn stale_tags(&self) -> Option<Duration> {
        self.stale_tags
    }

    /// The lists whose tags the cache of their region may answer for, as they were; some more than
    /// once.
    pub fn lists_of_stale_tags(&self) -> impl Iterator<Item = ListId> {
        let chains = self.chains.iter().filter(|_| self.stale_tags.is_some());
        chains.flat_map(Chain::tags_behind_a_cache)
    }

    /// Who may read; `None` leaves it to the front.
    #[must_use]
    pub const fn readers(&self) -> Option<&Readers> {
        self.readers.as_ref()
    }

    /// Whether clients that have proved who they are push with the proxy's credential.
    #[must_use]
    pub const fn writers(&self) -> bool {
        self.writers
    }

    /// What of the rule's repositories clients fetch themselves.
    #[must_use]
    pub const fn client_redirects(&self) -> Option<&ClientRedirects> {
        self.client_redirects.as_ref()
    }

    /// The list of the one backend that answers for signatures and referrers, for all regions.
    #[must_use]
    pub const fn signatures(&self) -> Option<ListId> {
        self.signatures
    }

    /// Why its repositories take no writes at the moment, in words for clients; `None` where they
    /// take them.
    #[must_use]
    pub fn writes_refused(&self) -> Option<&str> {
        self.writes_refused.as_deref()
    }

    /// Every list of it, in whichever region.
    pub fn lists(&self) -> impl Iterator<Item = ListId> {
        self.chains.iter().flat_map(Chain::every_list)
    }

    /// The chain of a region.
    #[must_use]
    pub fn chain(&self, region: RegionId) -> Option<&Chain> {
        self.chains.get(region.index())
    }

    /// Every list that takes requests of the rule, in any region; some more than once.
    pub(crate) fn every_list(&self) -> impl Iterator<Item = ListId> {
        let chains = self.chains.iter().flat_map(Chain::every_list);
        chains.chain(self.owner.map(|owner| owner.list)).chain(self.signatures)
    }
}

/// All rules, found by front and repository name.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub(crate) list: Vec<Rule>,
    pub(crate) index: RuleIndex,
}

impl Rules {
    /// The first rule for the clients of a front that matches a repository name.
    #[must_use]
    pub fn find(&self, front: FrontId, repository: &str) -> Option<RuleId> {
        let serves = |id| self.get(id).is_some_and(|rule| rule.serves(front));
        self.index.find(repository, serves)
    }

    /// Whether a rule is about any repository whose name begins with a prefix, which is empty or
    /// ends with a slash.
    pub(crate) fn is_below(&self, rule: RuleId, prefix: &str) -> bool {
        self.index.is_below(rule, prefix)
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
