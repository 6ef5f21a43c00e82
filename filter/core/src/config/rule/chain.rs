//! A chain: the backends that serve the clients of one region.

use crate::config::ids::ListId;
use crate::config::stable_hash::stable_hash;

/// The lists of one region and one rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chain {
    pub(crate) whole: Lists,
    pub(crate) trial: Option<Trial>,
}

/// Where reads go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lists {
    /// The backends that may answer for a digest: the content proves itself.
    pub digests: ListId,
    /// The same behind a cache, where the chain has one. Only content that the client is known to
    /// be allowed goes there.
    pub cached: Option<ListId>,
    /// The backends that may answer for a tag, a list of tags or referrers: only those that
    /// are declared to hold the same content under the same tags, or the owner.
    pub tags: ListId,
    /// On a rule with an owner: the owner, and behind it the others, for the question whether a
    /// manifest exists. The others count only while the owner cannot be asked.
    pub existence: Option<ListId>,
}

/// A backend of the chain is being tried out on a part of the repositories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trial {
    /// The part of the repositories that the backend serves, in percent.
    pub(crate) share: u8,
    /// The chain without it, for the others.
    pub(crate) without: Lists,
}

impl Chain {
    /// The lists for one repository.
    ///
    /// A repository is in or out by its name alone, so that it never flips between two
    /// registries while one of them is tried out.
    #[must_use]
    pub fn lists(&self, repository: &str) -> Lists {
        match self.trial {
            Some(trial) if percentile(repository) >= trial.share => trial.without,
            _ => self.whole,
        }
    }

    /// The lists of tags of all repositories, where the chain has a cache.
    pub(crate) fn tags_behind_a_cache(&self) -> impl Iterator<Item = ListId> {
        let without = self.trial.map(|trial| trial.without);
        let lists = [Some(self.whole), without].into_iter().flatten();
        lists.filter(|lists| lists.cached.is_some()).map(|lists| lists.tags)
    }

    /// The lists of all repositories.
    pub(crate) fn every_list(&self) -> impl Iterator<Item = ListId> {
        let without = self.trial.map(|trial| trial.without);
        [Some(self.whole), without].into_iter().flatten().flat_map(|lists| {
            [Some(lists.digests), Some(lists.tags), lists.existence].into_iter().flatten()
        })
    }
}

/// A number from 0 to 99 that depends on the name and nothing else.
fn percentile(repository: &str) -> u8 {
    u8::try_from(stable_hash(repository) % 100).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(id: u32) -> Lists {
        Lists { digests: ListId::new(id), cached: None, tags: ListId::new(id), existence: None }
    }

    #[test]
    fn about_as_many_repositories_as_the_share_says_and_always_the_same() {
        let chain =
            |share| Chain { whole: lists(0), trial: Some(Trial { share, without: lists(1) }) };
        let names: Vec<String> = (0..10_000).map(|number| format!("team/tool-{number}")).collect();
        for share in [1, 10, 50, 99] {
            let tried: Vec<&String> =
                names.iter().filter(|name| chain(share).lists(name) == lists(0)).collect();
            let expected = usize::from(share) * 100;
            assert!(tried.len().abs_diff(expected) < 200, "{share} %: {}", tried.len());
            let larger = tried.iter().filter(|name| chain(99).lists(name) == lists(0)).count();
            assert_eq!(larger, tried.len(), "a larger share keeps what a smaller one had");
        }
        assert_eq!(Chain { whole: lists(0), trial: None }.lists("x"), lists(0));
    }
}
