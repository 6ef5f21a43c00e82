//! Lists of backends that may answer in place of each other.

use std::collections::BTreeSet;

use portolan_core::config::{Backend, BackendList, Config};
use portolan_core::contract::clusters;

/// The lists, as far as routes name them.
pub(crate) struct Groups<'p> {
    /// The cluster of every list, in the order of the policy.
    pub(crate) clusters: Vec<&'p str>,
    /// The lists of several backends.
    pub(crate) several: Vec<Group<'p>>,
}

/// A list of several backends.
pub(crate) struct Group<'p> {
    /// The keys of its backends.
    members: Vec<&'p str>,
    /// The clusters that the filter may name: for attempts after the first, and for first ones where some of the list is
    /// asked after the others.
    pub(crate) named: Vec<String>,
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
        let several = lists.clone().filter(|list| list.has_fallback()).map(|list| {
            let members = list.backends().iter().filter_map(|id| config.backend(*id));
            let members: Vec<&str> = members.map(Backend::key).collect();
            Group { named: named(&members), members }
        });
        Self { several: several.collect(), clusters: lists.map(BackendList::cluster).collect() }
    }

    /// Whether a backend is in a list of several.
    pub(crate) fn any_has(&self, backend: &Backend) -> bool {
        self.several.iter().any(|group| group.has(backend))
    }
}

/// A cache is never asked after another backend: it has what those have.
fn named(members: &[&str]) -> Vec<String> {
    let has_no_cache = |keys: &[&str]| !keys.iter().any(|key| clusters::is_cache(key));
    let sets = rests(members).into_iter().filter(|rest| has_no_cache(rest));
    let orders = orders(members).into_iter().filter(|(order, _)| has_no_cache(order));
    sets.map(|rest| clusters::later_attempts(&rest))
        .chain(orders.map(|(order, spared)| clusters::sparing(&order, spared)))
        .collect()
}

/// The orders in which a list is asked where some of it is asked after the others, but for its own, as far as they have
/// clusters, and how many are asked after the others.
pub(super) fn orders<T: Copy + Ord>(list: &[T]) -> BTreeSet<(Vec<T>, usize)> {
    if list.len() > LONGEST {
        return BTreeSet::new();
    }
    let in_order = |first: Vec<T>| {
        let spared: Vec<T> = list.iter().filter(|one| !first.contains(one)).copied().collect();
        let count = spared.len();
        ([first, spared].concat(), count)
    };
    rests(list).into_iter().map(in_order).filter(|(order, _)| order != list).collect()
}

/// What may be left to ask of a list when some of it was asked, in its order, as far as it has a cluster.
pub(super) fn rests<T: Copy + Ord>(list: &[T]) -> BTreeSet<Vec<T>> {
    if list.len() > LONGEST {
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

/// The length of a list up to which each set of its backends has a cluster, 56 at most, and each order of it, 57.
const LONGEST: usize = 6;
