//! The managed tokens of one worker.
//!
//! A state machine without a clock and without I/O: the host says what time it is, starts the
//! fetches that it is told to start, and reports what came of them.
//!
//! # The host's part
//!
//! * Times are nanoseconds of one clock. It may be set back; then nothing worse happens than a
//!   fetch too early or a token that a registry refuses.
//! * Every fetch that [`Tokens::look_up`] or [`Tokens::prefetch`] asks for ends in exactly one
//!   [`Tokens::settle`], also if it could not be sent. Otherwise the key stays in flight.
//! * A woken waiter looks up again. It gets an answer at once, not a second wait.

mod evict;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use std::collections::BTreeMap;

use super::answer::Outcome;
use super::entry::{Entry, Step};
use super::secret::Secret;

/// How many keys are kept if nothing else is said. Tokens have one to three KiB.
const CAPACITY: usize = 4096;

/// A bounded table of tokens by key. Names of repositories are in the keys, which clients choose;
/// a tree is as fast for the worst of them as for any.
#[derive(Clone, Debug)]
pub struct Tokens {
    entries: BTreeMap<String, Entry>,
    capacity: usize,
    uses: u64,
}

/// What a request that needs a token should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<'t> {
    /// Take the token.
    Held {
        /// The token.
        token: &'t Secret,
        /// Whether the caller must start a fetch besides, because the token ends soon. Nobody
        /// waits for it.
        refresh: bool,
    },
    /// A fetch is under way; the caller waits for it.
    Wait,
    /// The caller must start a fetch; it waits for it.
    Fetch,
    /// There is no token, because the service or the registry said no. Go on without.
    Denied,
    /// There is no token, because the token service is in trouble. Go on without.
    Unavailable,
}

impl Default for Tokens {
    /// An empty table of 4096 keys.
    fn default() -> Self {
        Self::new(CAPACITY)
    }
}

impl Tokens {
    /// An empty table of at most this many keys.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { entries: BTreeMap::new(), capacity, uses: 0 }
    }

    /// What a request that needs a token should do. After [`Lookup::Wait`] and [`Lookup::Fetch`]
    /// the waiter is among those that [`Tokens::settle`] returns.
    ///
    /// If the table is full of fetches, the answer is [`Lookup::Unavailable`].
    pub fn look_up(&mut self, key: &str, now: u64, waiter: u32) -> Lookup<'_> {
        let Some(entry) = self.entry(key, now) else { return Lookup::Unavailable };
        let step = entry.step(now);
        if matches!(step, Step::Fetch | Step::Take { refresh: true }) {
            entry.start(now);
        }
        match step {
            Step::Take { refresh } => {
                entry.token().map_or(Lookup::Unavailable, |token| Lookup::Held { token, refresh })
            }
            Step::Fetch => {
                entry.join(waiter);
                Lookup::Fetch
            }
            Step::Wait => {
                entry.join(waiter);
                Lookup::Wait
            }
            Step::Denied => Lookup::Denied,
            Step::Unavailable => Lookup::Unavailable,
        }
    }

    /// Whether the caller must start a fetch, so that a request that comes later finds a token.
    /// Nobody waits for it.
    pub fn prefetch(&mut self, key: &str, now: u64) -> bool {
        let Some(entry) = self.entry(key, now) else { return false };
        let is_wanted = matches!(entry.step(now), Step::Fetch | Step::Take { refresh: true });
        if is_wanted {
            entry.start(now);
        }
        is_wanted
    }

    /// Notes what came of a fetch. Returns the waiters to wake, in the order in which they came.
    pub fn settle(&mut self, key: &str, outcome: Outcome, now: u64) -> Vec<u32> {
        self.entries.get_mut(key).map(|entry| entry.settle(outcome, now)).unwrap_or_default()
    }

    /// Drops a token that a registry refused with 401. If another one is held by now, it stays.
    pub fn drop_token(&mut self, key: &str, value: &str) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.drop_token(value);
        }
    }

    /// Forgets a waiter that went away. The fetch goes on.
    pub fn forget_waiter(&mut self, key: &str, waiter: u32) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.forget(waiter);
        }
    }

    /// How many keys are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of a key, an empty one if it is new; `None` if there is no room for it.
    fn entry(&mut self, key: &str, now: u64) -> Option<&mut Entry> {
        if !self.entries.contains_key(key) {
            if !evict::make_room(&mut self.entries, self.capacity, now) {
                return None;
            }
            self.entries.insert(key.to_owned(), Entry::default());
        }
        self.uses = self.uses.saturating_add(1);
        let entry = self.entries.get_mut(key)?;
        entry.used = self.uses;
        Some(entry)
    }
}
