//! What one worker knows of what a blob store has.
//!
//! A state machine without a clock and without I/O: the host says what time it is, asks the store
//! what it is told to ask, and reports what came of it.
//!
//! # The host's part
//!
//! * Times are nanoseconds of one clock. It may be set back; then nothing worse happens than a
//!   question too early.
//! * Every question that [`Probes::look_up`] asks for ends in exactly one [`Probes::settle`], also if
//!   it could not be sent. Otherwise the blob stays in flight.
//! * A woken waiter is told what was found; it does not look up again.

mod finding;
mod key;
mod memory;
mod trouble;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use std::collections::{BTreeMap, BTreeSet};

pub use finding::{Finding, Presence};

use crate::config::Probing;
use crate::grammar::Digest;
use key::Key;
use memory::Memory;
use trouble::Trouble;

/// How many questions a worker has under way at one store. More, and it goes on without an answer: a
/// flood of blobs that nobody has must not hold everybody up.
const IN_FLIGHT: usize = 512;

/// What a worker knows of one store, and what it is about to know.
#[derive(Clone, Debug)]
pub struct Probes {
    memory: Memory,
    /// The blobs that the store is being asked about, and who waits for each.
    flights: BTreeMap<Key, BTreeSet<u32>>,
    trouble: Option<Trouble>,
}

/// What a request for a blob should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Go on with this.
    Known(Presence),
    /// The store is being asked; the caller waits.
    Wait,
    /// The caller must have the store asked, and waits.
    Ask,
}

impl Probes {
    /// Knows nothing yet.
    #[must_use]
    pub const fn new(settings: Probing) -> Self {
        Self { memory: Memory::new(settings), flights: BTreeMap::new(), trouble: None }
    }

    /// What a request for a blob should do. After [`Lookup::Wait`] and [`Lookup::Ask`] the waiter is
    /// among those that [`Probes::settle`] returns.
    pub fn look_up(&mut self, digest: &Digest<'_>, now: u64, waiter: u32) -> Lookup {
        let key = Key::of(digest);
        if let Some(presence) = self.memory.find(&key, now) {
            return Lookup::Known(presence);
        }
        // While the store is in trouble one request at a time finds out whether it still is. The
        // others go on without: a store that hangs must not hold them all.
        if self.is_in_trouble(now) || (self.trouble.is_some() && !self.flights.is_empty()) {
            return Lookup::Known(Presence::Unknown);
        }
        if let Some(waiters) = self.flights.get_mut(&key) {
            waiters.insert(waiter);
            return Lookup::Wait;
        }
        if self.flights.len() >= IN_FLIGHT {
            return Lookup::Known(Presence::Unknown);
        }
        self.flights.insert(key, BTreeSet::from([waiter]));
        Lookup::Ask
    }

    /// Notes what came of a question. Returns who waited for it, to be told its
    /// [presence](Finding::presence).
    pub fn settle(&mut self, digest: &Digest<'_>, finding: Finding, now: u64) -> BTreeSet<u32> {
        let key = Key::of(digest);
        let Some(waiters) = self.flights.remove(&key) else { return BTreeSet::new() };
        self.trouble = match finding {
            Finding::Trouble => Some(Trouble::again(self.trouble.as_ref(), now)),
            Finding::Present | Finding::Absent | Finding::Unclear => None,
        };
        match finding {
            Finding::Present => self.memory.note(key, true, now),
            Finding::Absent => self.memory.note(key, false, now),
            Finding::Unclear | Finding::Trouble => {}
        }
        waiters
    }

    /// Forgets a waiter that went away. The question stays under way, for the others and for the
    /// memory.
    pub fn forget_waiter(&mut self, digest: &Digest<'_>, waiter: u32) {
        if let Some(waiters) = self.flights.get_mut(&Key::of(digest)) {
            waiters.remove(&waiter);
        }
    }

    /// Whether nobody waits for the store at this moment.
    #[must_use]
    pub fn is_in_trouble(&self, now: u64) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.is_remembered(now))
    }

    /// How many blobs are remembered.
    #[must_use]
    pub fn remembered(&self) -> usize {
        self.memory.len()
    }
}
