//! A bounded memory of results.

use std::collections::BTreeMap;

/// A bounded table of facts. When it is full, what was used least recently goes.
///
/// Keys come from clients: a tree is as fast for the worst of them as for any.
#[derive(Clone, Debug)]
pub(super) struct Memory<K, V> {
    capacity: usize,
    facts: BTreeMap<K, Fact<V>>,
    /// The keys by when they were used last, as a count of uses.
    by_use: BTreeMap<u64, K>,
    uses: u64,
}

#[derive(Clone, Debug)]
struct Fact<V> {
    value: V,
    used: u64,
}

impl<K: Ord + Clone, V> Memory<K, V> {
    /// An empty table of at most this many facts.
    pub(super) const fn new(capacity: usize) -> Self {
        Self { capacity, facts: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// What is known under a key, if it is still usable. What is not was no use of it.
    pub(super) fn find(&mut self, key: &K, is_usable: impl FnOnce(&V) -> bool) -> Option<&V> {
        let Self { facts, by_use, uses, .. } = self;
        let fact = facts.get_mut(key)?;
        if !is_usable(&fact.value) {
            return None;
        }
        if fact.used != *uses {
            *uses = uses.saturating_add(1);
            by_use.remove(&fact.used);
            by_use.insert(*uses, key.clone());
            fact.used = *uses;
        }
        Some(&fact.value)
    }

    /// Remembers a fact, in place of an older one under the same key.
    pub(super) fn note(&mut self, key: K, value: V) {
        self.uses = self.uses.saturating_add(1);
        self.by_use.insert(self.uses, key.clone());
        if let Some(older) = self.facts.insert(key, Fact { value, used: self.uses }) {
            self.by_use.remove(&older.used);
        }
        while self.facts.len() > self.capacity {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.facts.remove(&oldest);
        }
    }

    /// Forgets what is known under a key.
    pub(super) fn forget(&mut self, key: &K) {
        if let Some(fact) = self.facts.remove(key) {
            self.by_use.remove(&fact.used);
        }
    }

    /// How many facts are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_result_is_dropped() {
        let mut memory = Memory::new(2);
        memory.note("a", 1);
        memory.note("b", 2);
        assert_eq!(memory.find(&"a", |_| true), Some(&1));
        memory.note("c", 3);
        assert_eq!(memory.find(&"b", |_| true), None, "`a` was used after it");
        assert_eq!(memory.find(&"c", |value| *value > 3), None, "it is not usable");
        memory.note("a", 4);
        assert_eq!(memory.find(&"a", |_| true), Some(&4));
        assert_eq!(memory.len(), 2);
        memory.forget(&"a");
        memory.forget(&"a");
        assert_eq!(memory.find(&"a", |_| true), None);
        assert_eq!(memory.len(), 1);
        assert_eq!(memory.by_use.len(), memory.facts.len());
    }

    #[test]
    fn a_fact_that_cannot_be_used_is_no_use_of_it() {
        let mut memory = Memory::new(2);
        memory.note("a", 1);
        memory.note("b", 2);
        assert_eq!(memory.find(&"a", |_| false), None);
        memory.note("c", 3);
        assert_eq!(memory.find(&"a", |_| true), None);
    }
}
