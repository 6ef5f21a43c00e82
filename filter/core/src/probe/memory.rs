//! What was found, for a while, and not more than so much of it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Presence;
use super::key::Key;
use crate::config::Probing;

/// A bounded table of facts. When it is full, what was used least recently goes.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) settings: Probing,
    facts: BTreeMap<Key, Fact>,
    /// The keys by when they were used last, as a count of uses.
    by_use: BTreeMap<u64, Key>,
    uses: u64,
}

#[derive(Clone, Debug)]
struct Fact {
    is_present: bool,
    since: u64,
    used: u64,
}

impl Memory {
    pub(super) const fn new(settings: Probing) -> Self {
        Self { settings, facts: BTreeMap::new(), by_use: BTreeMap::new(), uses: 0 }
    }

    /// What is known of a blob at this moment.
    pub(super) fn find(&mut self, key: &Key, now: u64) -> Option<Presence> {
        let Self { settings, facts, by_use, uses } = self;
        let fact = facts.get_mut(key)?;
        if !fact.is_usable(settings, now) {
            return None;
        }
        if fact.used != *uses {
            *uses = uses.saturating_add(1);
            by_use.remove(&fact.used);
            by_use.insert(*uses, key.clone());
            fact.used = *uses;
        }
        Some(if fact.is_present { Presence::Present } else { Presence::Absent })
    }

    /// Remembers a fact, in place of an older one about the same blob.
    pub(super) fn note(&mut self, key: Key, is_present: bool, now: u64) {
        self.uses = self.uses.saturating_add(1);
        let fact = Fact { is_present, since: now, used: self.uses };
        self.by_use.insert(self.uses, key.clone());
        if let Some(older) = self.facts.insert(key, fact) {
            self.by_use.remove(&older.used);
        }
        while self.facts.len() > self.settings.entries {
            let Some((_, oldest)) = self.by_use.pop_first() else { return };
            self.facts.remove(&oldest);
        }
    }

    /// Forgets what is known of a blob.
    pub(super) fn forget(&mut self, key: &Key) {
        if let Some(fact) = self.facts.remove(key) {
            self.by_use.remove(&fact.used);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.facts.len()
    }
}

impl Fact {
    /// The host's clock is the time of day and may be set back; a fact of the future is forgotten, or
    /// it would last as long as the clock was wrong.
    fn is_usable(&self, settings: &Probing, now: u64) -> bool {
        let lasts = if self.is_present { settings.present } else { settings.absent };
        now.checked_sub(self.since).is_some_and(|age| Duration::from_nanos(age) < lasts)
    }
}
