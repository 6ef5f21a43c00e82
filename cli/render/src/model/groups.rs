//! Lists of backends that may answer in place of each other.

use std::collections::BTreeSet;

use portolan_core::config::ids::BackendId;
use portolan_core::config::{Backend, BackendList, Config, Rule};
use portolan_core::contract::clusters;

/// The lists, as far as routes name them.
pub(crate) struct Groups<'p> {
    /// The cluster of every list, in the order of the policy.
    pub(crate) clusters: Vec<&'p str>,
    /// The lists of several backends.
    pub(crate) several: Vec<Group<'p>>,
    /// Whether these are so many that each thread of Envoy's is to have only those that it uses.
    pub(crate) are_many: bool,
    /// Whether a cache may answer with what tags were.
    pub(crate) has_stale_tags: bool,
}

/// A list of several backends.
pub(crate) struct Group<'p> {
    /// The keys of its backends.
    members: Vec<&'p str>,
    /// What the filter may name, for attempts after the first, and for first ones where some of the
    /// list is asked after the others.
    pub(crate) named: Vec<Named>,
}

/// What the filter may name.
pub(crate) struct Named {
    /// The name.
    pub(crate) name: String,
    /// The cluster that it stands for.
    pub(crate) cluster: String,
}

impl Named {
    /// A cluster that is called what the filter calls it.
    fn itself(name: String) -> Self {
        Self { cluster: name.clone(), name }
    }
}

impl Group<'_> {
    /// Whether a backend is in it.
    pub(crate) fn has(&self, backend: &Backend) -> bool {
        self.members.contains(&backend.key())
    }
}

impl<'p> Groups<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config) -> Self {
        let lists = config.lists().iter();
        let detail = Detail::of(config);
        let stale: BTreeSet<&[BackendId]> = lists_of_stale_tags(config).collect();
        let is_stale = |list: &&BackendList| stale.contains(list.backends());
        let is_one = |list: &&BackendList| list.has_fallback() || is_stale(list);
        let several = lists.clone().filter(is_one).map(|list| {
            let members = list.backends().iter().filter_map(|id| config.backend(*id));
            let members: Vec<&str> = members.map(Backend::key).collect();
            let before_a_cache =
                if is_stale(&list) { before_a_cache(&members, detail) } else { Vec::new() };
            let before_a_cache = before_a_cache.into_iter().map(|rest| {
                let keys: Vec<&str> = rest.into_iter().chain([clusters::STALE]).collect();
                Named::itself(clusters::later_attempts(&keys))
            });
            let named = named(&members, detail).into_iter().chain(before_a_cache).collect();
            Group { members, named }
        });
        Self {
            several: several.collect(),
            clusters: lists.map(BackendList::cluster).collect(),
            are_many: detail == Detail::Coarse,
            has_stale_tags: !stale.is_empty(),
        }
    }

    /// Whether a backend is in a list of several.
    pub(crate) fn any_has(&self, backend: &Backend) -> bool {
        self.several.iter().any(|group| group.has(backend))
    }
}

/// A cache is never asked after another backend: it has what those have.
fn named(members: &[&str], detail: Detail) -> Vec<Named> {
    let has_no_cache = |keys: &[&str]| !keys.iter().any(|key| clusters::is_cache(key));
    let sets = rests(members, detail).into_iter().filter(|rest| has_no_cache(rest));
    let orders = orders(members, detail).into_iter().filter(|(order, _)| has_no_cache(order));
    let order = |(keys, spared): (Vec<&str>, usize)| {
        let name = clusters::sparing(&keys, spared);
        match (detail, keys.first()) {
            (Detail::Coarse, Some(first)) => Named { name, cluster: unspared(first) },
            _ => Named::itself(name),
        }
    };
    sets.map(|rest| Named::itself(clusters::later_attempts(&rest)))
        .chain(orders.map(order))
        .collect()
}

/// The lists whose tags a cache may answer for, as they were; some more than once.
pub(super) fn lists_of_stale_tags(config: &Config) -> impl Iterator<Item = &[BackendId]> {
    let lists = config.rules().all().iter().flat_map(Rule::lists_of_stale_tags);
    lists.filter_map(|id| config.list(id)).map(BackendList::backends)
}

/// What may be left to ask of a list when some of it was asked, where a cache answers with what a
/// tag was if nobody can: it may be nobody. A list of one begins so.
pub(super) fn before_a_cache<T: Copy + Ord>(list: &[T], detail: Detail) -> Vec<Vec<T>> {
    let only = Some(list.to_vec()).filter(|only| only.len() == 1);
    rests(list, detail).into_iter().chain(only).chain([Vec::new()]).collect()
}

/// The cluster of first attempts at the one backend of a list of two that is not spared, by its
/// key, where lists have no clusters for that themselves.
pub(super) fn unspared(key: &str) -> String {
    clusters::sparing(&[key], 0)
}

/// How much of what a list may come to has a cluster of its own. The time of Envoy's start and its
/// memory grow with the number of such clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Each set of the backends of a list of up to six, 56 at most, and each order of it, 57.
    Fine,
    /// Each backend, and of lists of two the one that is asked first.
    Coarse,
}

impl Detail {
    /// That of a policy, by how many lists of several backends it has.
    pub(super) fn of(config: &Config) -> Self {
        let lists = config.lists().iter().filter(|list| list.has_fallback());
        if lists.count() > MANY_LISTS { Self::Coarse } else { Self::Fine }
    }

    const fn longest(self) -> usize {
        match self {
            Self::Fine => 6,
            Self::Coarse => 2,
        }
    }
}

/// The number of lists of several backends up to which there are clusters for all that may come of
/// them.
const MANY_LISTS: usize = 1000;

/// The orders in which a list is asked where some of it is asked after the others, but for its own,
/// as far as they have clusters, and how many are asked after the others.
pub(super) fn orders<T: Copy + Ord>(list: &[T], detail: Detail) -> BTreeSet<(Vec<T>, usize)> {
    if list.len() > detail.longest() {
        return BTreeSet::new();
    }
    let in_order = |first: Vec<T>| {
        let spared: Vec<T> = list.iter().filter(|one| !first.contains(one)).copied().collect();
        let count = spared.len();
        ([first, spared].concat(), count)
    };
    rests(list, detail).into_iter().map(in_order).filter(|(order, _)| order != list).collect()
}

/// What may be left to ask of a list when some of it was asked, in its order, as far as it has a
/// cluster.
pub(super) fn rests<T: Copy + Ord>(list: &[T], detail: Detail) -> BTreeSet<Vec<T>> {
    if list.len() > detail.longest() {
        return list.iter().map(|one| vec![*one]).collect();
    }
    let mut rests = BTreeSet::from([Vec::new()]);
    for one in list {
        let with_it: Vec<Vec<T>> =
            rests.iter().map(|rest| [rest.as_slice(), &[*one]].concat()).collect();
        rests.extend(with_it);
    }
    rests.retain(|rest| !rest.is_empty() && rest.len() < list.len());
    rests
}
