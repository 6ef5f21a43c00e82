//! The contents of repositories, as the fill listener of caches has answered.
//!
//! A cache serves its content to any client, so a request goes there only if its repository is
//! known to have the content. The question is a `HEAD` at the fill listener of this Envoy. It goes
//! through the chain without the cache, with the credentials, redirects and limits of the policy,
//! and its answer is that of the chain. An answer that is neither yes nor no is not remembered: an
//! earlier answer stays, and the request goes to the registries.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_core::config::{Config, Known};
use portolan_core::contract::clusters::FILL;
use portolan_core::policy::Content;
use portolan_core::probe::{Finding, Presence};

use super::fingerprint::{Fingerprint, Key};
use super::flight::Flight;
use super::memory::Memory;
use crate::call::{Call, StreamId};

/// How many questions a worker has under way. More, and a request goes on without the cache.
const IN_FLIGHT: usize = 512;

/// What is known, and who waits to know.
#[derive(Debug)]
pub(super) struct Contents {
    key: Key,
    capacity: usize,
    /// Whether a repository has some content, and since when that is known.
    memory: Memory<Fingerprint, (bool, u64)>,
    flights: BTreeMap<Fingerprint, Flight>,
}

/// What a request that wants to know should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// It goes on with this.
    Known(Presence),
    /// It waits.
    Waits,
    /// The caller has the question asked, and waits.
    Asks,
}

impl Contents {
    /// Knows nothing yet. `key` is nobody else's: who can find two texts with one fingerprint is
    /// shown what is not theirs.
    pub(super) const fn new(key: Key) -> Self {
        Self { key, capacity: 0, memory: Memory::new(0), flights: BTreeMap::new() }
    }

    /// A policy is in use from now on: as much is remembered as its caches say together.
    pub(super) fn use_policy(&mut self, config: &Config) {
        let entries = config.caches().iter().map(|cache| cache.known().entries);
        let capacity = entries.fold(0, usize::saturating_add);
        if capacity != self.capacity {
            self.capacity = capacity;
            self.memory = Memory::new(capacity);
        }
    }

    /// By what it is known whether a repository has some content under this policy.
    pub(super) fn fingerprint(&self, config: &Config, content: &Content<'_>) -> Fingerprint {
        let policy = config.fingerprint().map(|policy| policy.to_string()).unwrap_or_default();
        self.key.fingerprint(policy.as_bytes(), content.target.as_bytes())
    }

    /// What a request should do. Only after [`Lookup::Waits`] and [`Lookup::Asks`] it is among
    /// those that [`Contents::settle`] returns.
    pub(super) fn look_up(
        &mut self,
        pair: Fingerprint,
        known: Known,
        stream: StreamId,
        now: u64,
    ) -> Lookup {
        let is_usable = |(is_present, since): &(bool, u64)| {
            let lasts = if *is_present { known.present } else { known.absent };
            // The clock may have been set back; what was found in the future is not known.
            now.checked_sub(*since).is_some_and(|age| Duration::from_nanos(age) < lasts)
        };
        if let Some((is_present, _)) = self.memory.find(&pair, is_usable) {
            let presence = if *is_present { Presence::Present } else { Presence::Absent };
            return Lookup::Known(presence);
        }
        if let Some(flight) = self.flights.get_mut(&pair) {
            flight.join(stream);
            return Lookup::Waits;
        }
        if self.flights.len() >= IN_FLIGHT {
            return Lookup::Known(Presence::Unknown);
        }
        self.flights.entry(pair).or_insert_with(|| Flight::start(now)).join(stream);
        Lookup::Asks
    }

    /// Takes in the status of an answer; `None` if there was none. Returns who waited, and what
    /// each of them gets.
    pub(super) fn settle(
        &mut self,
        pair: &Fingerprint,
        status: Option<u16>,
        now: u64,
    ) -> (Vec<StreamId>, Presence) {
        let presence = Finding::of(status).presence();
        match presence {
            Presence::Present => self.memory.note(*pair, (true, now)),
            Presence::Absent => self.memory.note(*pair, (false, now)),
            Presence::Unknown => {}
        }
        let flight = self.flights.remove(pair);
        (flight.map(Flight::into_waiters).unwrap_or_default(), presence)
    }

    /// A request is over.
    pub(super) fn forget(&mut self, pair: &Fingerprint, stream: StreamId) {
        if let Some(flight) = self.flights.get_mut(pair) {
            flight.forget(stream);
        }
    }
}

/// The question.
pub(super) fn call(content: &Content<'_>) -> Call {
    let timeout = content.cache.known().timeout;
    Call::new("HEAD", &content.target, "portolan").with("accept", ACCEPT).to(FILL, timeout)
}

/// How many contents a worker has fetched for caches at a time.
pub(super) const FILLS: usize = 64;

/// How long such a fetch may take. Its answer is a manifest, and is thrown away.
const FILL_TIMEOUT: Duration = Duration::from_secs(30);

/// The request by which a cache is filled.
pub(super) fn fill(target: &str) -> Call {
    Call::new("GET", target, "portolan").with("accept", ACCEPT).to(FILL, FILL_TIMEOUT)
}

/// Manifests of every kind: a registry may say that it has none of a kind that nobody accepts.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json, \
     */*";

#[cfg(test)]
#[path = "contents/tests.rs"]
mod tests;
