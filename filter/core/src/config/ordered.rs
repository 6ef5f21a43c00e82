//! Ordered maps and sets, made by inserting one entry after the other.
//!
//! `collect` sorts all entries first, which is faster for many. But each type of entry then brings
//! a sorting algorithm of some seven kilobytes into the filter, and Envoy compiles all of a filter
//! at each start. What is made here is made once for a policy.

use std::collections::{BTreeMap, BTreeSet};

/// A map; of entries with the same key the last counts, as with `collect`.
pub(crate) fn map<K: Ord, V>(entries: impl IntoIterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let mut map = BTreeMap::new();
    for (key, value) in entries {
        map.insert(key, value);
    }
    map
}

/// A set.
pub(crate) fn set<K: Ord>(items: impl IntoIterator<Item = K>) -> BTreeSet<K> {
    let mut set = BTreeSet::new();
    for item in items {
        set.insert(item);
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_collect_makes() {
        let entries = [("b", 1), ("a", 2), ("b", 3)];
        assert_eq!(map(entries), entries.into_iter().collect());
        assert_eq!(set(["b", "a", "b"]), BTreeSet::from(["a", "b"]));
    }
}
