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

mod entry;
mod evict;
mod failure;
mod held;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use std::collections::BTreeMap;

use portolan_core::attempt::Wait;
use portolan_core::token::{Denial, Outcome, Refusal, Secret};

use entry::{Entry, Step};

/// How many keys are kept if nothing else is said, and how many bytes they and their tokens may
/// have together. Tokens have one to three KiB; a service that makes longer ones has fewer kept.
const CAPACITY: usize = 4096;
const ROOM: usize = 16 * 1024 * 1024;

/// A bounded table of tokens by key. Names of repositories are in the keys, which clients choose;
/// a tree is as fast for the worst of them as for any.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    entries: BTreeMap<String, Entry>,
    capacity: usize,
    room: usize,
    uses: u64,
}

/// What a request that needs a token should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup<'t> {
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
    /// There is no token, because the service said no. Go on without.
    Denied(Denial),
    /// There is no token, because the token service is in trouble. Go on without.
    Unavailable,
    /// There is no token, because the token service limits requests and asks to wait for so long.
    /// Go on without.
    Limited(Wait),
}

impl Default for Tokens {
    /// An empty table of 4096 keys and 16 MiB.
    fn default() -> Self {
        Self::new(CAPACITY, ROOM)
    }
}

impl Tokens {
    /// An empty table of at most this many keys, and of this many bytes of keys and tokens that are
    /// at rest.
    #[must_use]
    pub(super) const fn new(capacity: usize, room: usize) -> Self {
        Self { entries: BTreeMap::new(), capacity, room, uses: 0 }
    }

    /// What a request that needs a token should do. After [`Lookup::Wait`] and [`Lookup::Fetch`]
    /// the waiter is among those that [`Tokens::settle`] returns.
    ///
    /// If the table is full of fetches, the answer is [`Lookup::Unavailable`].
    pub(super) fn look_up(&mut self, key: &str, now: u64, waiter: u32) -> Lookup<'_> {
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
            Step::Denied(denial) => Lookup::Denied(denial),
            Step::Unavailable => Lookup::Unavailable,
            Step::Limited(wait) => Lookup::Limited(wait),
        }
    }

    /// Whether a request that needs a token would not wait for it.
    pub(super) fn is_there(&self, key: &str, now: u64) -> bool {
        let step = self.entries.get(key).map(|entry| entry.step(now));
        step.is_some_and(|step| !matches!(step, Step::Wait | Step::Fetch))
    }

    /// Whether the caller must start a fetch, so that a request that comes later finds a token.
    /// Nobody waits for it.
    pub(super) fn prefetch(&mut self, key: &str, now: u64) -> bool {
        let Some(entry) = self.entry(key, now) else { return false };
        let is_wanted = matches!(entry.step(now), Step::Fetch | Step::Take { refresh: true });
        if is_wanted {
            entry.start(now);
        }
        is_wanted
    }

    /// Notes what came of a fetch. Returns the waiters to wake, in the order in which they came.
    pub(super) fn settle(&mut self, key: &str, outcome: Outcome, now: u64) -> Vec<u32> {
        let has_token = matches!(outcome, Outcome::Token { .. });
        let woken = self.entries.get_mut(key).map(|entry| entry.settle(outcome, now));
        if has_token {
            evict::shrink(&mut self.entries, self.room, key);
        }
        woken.unwrap_or_default()
    }

    /// Takes in that a registry refused a token; whether the next request gets another one. If
    /// another one is held by now, it stays.
    pub(super) fn refuse(&mut self, key: &str, value: &str, refusal: Refusal, now: u64) -> bool {
        match self.entries.get_mut(key) {
            Some(entry) => entry.refuse(value, refusal, now),
            None => refusal == Refusal::Renew,
        }
    }

    /// Forgets why there are no tokens under the keys that hold this text: it is known now where to
    /// ask.
    pub(super) fn forgive(&mut self, part: &str) {
        for (_, entry) in self.entries.iter_mut().filter(|(key, _)| key.contains(part)) {
            entry.forgive();
        }
    }

    /// Whether the last fetch of a key failed, so that a request may have to go on without.
    #[must_use]
    pub(super) fn fails(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(Entry::fails)
    }

    /// Forgets a waiter that went away. The fetch goes on.
    pub(super) fn forget_waiter(&mut self, key: &str, waiter: u32) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.forget(waiter);
        }
    }

    /// How many keys are known.
    #[must_use]
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no key is known.
    #[must_use]
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
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
