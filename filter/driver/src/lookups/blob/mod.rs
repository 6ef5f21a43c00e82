//! The blobs that a blob store has, as one worker knows them.
//!
//! A state machine without a clock and without I/O: the host gives the time, sends the questions
//! that the machine returns, and reports their answers.
//!
//! # The host's part
//!
//! * Times are nanoseconds of one clock. It may be set back; then nothing worse happens than a
//!   question too early.
//! * Every question that [`Probes::look_up`] asks for ends in exactly one [`Probes::settle`], also
//!   if it could not be sent. Otherwise the blob stays in flight.
//! * A stream that resumes gets the answer; it does not look up again.
//!
//! # A store that goes down
//!
//! A blob that is known to be there is not asked about again, so the worker would not notice that a
//! store has gone down, and would go on redirecting clients to it. So one of the blobs that clients
//! are redirected to is asked about again from time to time, and no request waits for that answer.
//! While a store fails, no client is redirected to it.

mod key;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_core::config::Probing;
use portolan_core::grammar::Digest;
use portolan_core::probe::{Finding, Presence};

use super::backoff::Backoff;
use super::flight::Flight;
use super::memory::Memory;
use key::Key;

/// How many questions a worker has under way at one store. More, and it goes on without an answer:
/// a flood of blobs that nobody has must not hold everybody up.
const IN_FLIGHT: usize = 512;

/// What a worker knows of one store, and what it is about to know.
#[derive(Clone, Debug)]
pub(super) struct Probes {
    settings: Probing,
    /// Whether the store has a blob, and since when that is known.
    memory: Memory<Key, (bool, u64)>,
    /// The blobs that the store is being asked about, and who waits for each.
    flights: BTreeMap<Key, Flight>,
    trouble: Option<Backoff>,
    /// The moment at which the store last answered or was last asked, in nanoseconds.
    checked: Option<u64>,
}

/// What a request for a blob should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Go on with this.
    Known(Presence),
    /// The store is being asked; the caller waits.
    Wait,
    /// The caller must have the store asked, and waits.
    Ask,
    /// The caller must have the store asked, and goes on with this.
    Confirm(Presence),
}

impl Probes {
    /// Knows nothing yet.
    #[must_use]
    pub(super) const fn new(settings: Probing) -> Self {
        let memory = Memory::new(settings.entries);
        Self { settings, memory, flights: BTreeMap::new(), trouble: None, checked: None }
    }

    /// What a request for a blob should do. Only after [`Lookup::Wait`] and [`Lookup::Ask`] the
    /// waiter is among those that [`Probes::settle`] returns.
    pub(super) fn look_up(&mut self, digest: &Digest<'_>, now: u64, waiter: u32) -> Lookup {
        let key = Key::of(digest);
        match self.known(&key, now) {
            Some(Presence::Present) => return self.confirm(key, now),
            Some(presence) => return Lookup::Known(presence),
            None => {}
        }
        if self.holds_back(now) {
            return Lookup::Known(Presence::Unknown);
        }
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.join(waiter);
            return Lookup::Wait;
        }
        if self.flights.len() >= IN_FLIGHT {
            return Lookup::Known(Presence::Unknown);
        }
        self.question(key, now).join(waiter);
        Lookup::Ask
    }

    /// A blob that the store is known to have. Whether the store is still well is asked by the way.
    fn confirm(&mut self, key: Key, now: u64) -> Lookup {
        let (presence, is_due) = match self.trouble {
            Some(_) => (Presence::Unknown, !self.holds_back(now)),
            None => (Presence::Present, self.is_due(now)),
        };
        if !is_due || self.flights.contains_key(&key) || self.flights.len() >= IN_FLIGHT {
            return Lookup::Known(presence);
        }
        self.question(key, now);
        Lookup::Confirm(presence)
    }

    /// While the store is in trouble one request at a time finds out whether it still is. The
    /// others go on without: a store that hangs must not hold them all.
    fn holds_back(&self, now: u64) -> bool {
        self.trouble.is_some() && (self.is_in_trouble(now) || !self.flights.is_empty())
    }

    /// Whether the store has not been heard of for a while. The clock may have been set back.
    fn is_due(&self, now: u64) -> bool {
        let age = self.checked.and_then(|checked| now.checked_sub(checked));
        age.is_none_or(|age| Duration::from_nanos(age) >= self.settings.recheck)
    }

    fn question(&mut self, key: Key, now: u64) -> &mut Flight {
        self.checked = Some(now);
        self.flights.entry(key).or_insert_with(|| Flight::start(now))
    }

    /// What is known of a blob at this moment. The clock is the time of day and may be set back;
    /// what was found in the future is not known, or it would last as long as the clock was wrong.
    fn known(&mut self, key: &Key, now: u64) -> Option<Presence> {
        let Probing { present, absent, .. } = self.settings;
        let is_usable = |(is_present, since): &(bool, u64)| {
            let lasts = if *is_present { present } else { absent };
            now.checked_sub(*since).is_some_and(|age| Duration::from_nanos(age) < lasts)
        };
        let (is_present, _) = self.memory.find(key, is_usable)?;
        Some(if *is_present { Presence::Present } else { Presence::Absent })
    }

    /// Notes what came of a question. Returns who waited for it, to be told its
    /// [presence](Finding::presence).
    pub(super) fn settle(&mut self, digest: &Digest<'_>, finding: Finding, now: u64) -> Vec<u32> {
        let key = Key::of(digest);
        let Some(flight) = self.flights.remove(&key) else { return Vec::new() };
        if finding == Finding::Trouble {
            self.trouble = Some(Backoff::again(self.trouble.as_ref(), now));
        } else {
            self.trouble = None;
            self.checked = Some(now);
        }
        match finding {
            Finding::Present => self.memory.note(key, (true, now)),
            Finding::Absent => self.memory.note(key, (false, now)),
            Finding::Unclear => self.memory.forget(&key),
            Finding::Trouble => {}
        }
        flight.into_waiters()
    }

    /// Forgets a waiter that went away. The question stays under way, for the others and for the
    /// memory.
    pub(super) fn forget_waiter(&mut self, digest: &Digest<'_>, waiter: u32) {
        if let Some(flight) = self.flights.get_mut(&Key::of(digest)) {
            flight.forget(waiter);
        }
    }

    /// Whether nobody is made to wait for the store at this moment.
    #[must_use]
    pub(super) fn is_in_trouble(&self, now: u64) -> bool {
        self.trouble.as_ref().is_some_and(|trouble| trouble.is_running(now))
    }

    /// Whether the store is being asked about a blob.
    pub(super) fn is_asking(&self) -> bool {
        !self.flights.is_empty()
    }

    /// How many blobs are remembered.
    #[must_use]
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.memory.len()
    }
}
