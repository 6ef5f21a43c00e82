//! Everything that a worker looks up at other services: once, for all streams that need it.
//!
//! | what | asked | remembered | while the service is in trouble |
//! | --- | --- | --- | --- |
//! | tokens | the token service | for their life | no question for 2 s, doubling to 30 s |
//! | blobs | the store | as long as the policy says | no question for 2 s, doubling to 30 s |
//! | contents of repositories | the fill listener | as long as the policy says | each asks again |
//! | health | Envoy's admin interface | a second | each asks again |
//! | passwords | the front's verifier | right ones a minute, wrong ones 5 s | each asks again |
//!
//! Two more facts come from the answers of backends themselves: which of them are
//! [limited](limits), and how soon each [answers](pace).
//!
//! [`Flight`](flight), [`Memory`](memory), [`Backoff`](backoff) and [`Calls`](calls) are the same
//! for all of them. A key contains everything that an answer depends on, addresses included. So an
//! answer that was found under one policy is never used under another policy in which the same name
//! has another meaning.

mod answers;
mod backoff;
mod blob;
mod budget;
mod calls;
mod contents;
mod fetches;
mod fingerprint;
mod flight;
mod health;
mod learned;
mod limits;
mod memory;
mod pace;
mod password;
mod spared;
mod stores;
#[cfg(test)]
mod tests;
mod time_limits;
mod token;
mod waits;

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use portolan_core::Password;
use portolan_core::attempt::TokenSource;
use portolan_core::config::{BlobStore, Config, Verifier};
use portolan_core::grammar::Digest;
use portolan_core::health::Health as Report;
use portolan_core::policy::Content;
use portolan_core::probe::Presence;
use portolan_core::token::{Pinned, Refusal, Secret};

use crate::call::{Call, CallAnswer, CallId, StreamId};
use crate::measured::Measured;
use crate::warnings::Warnings;
use calls::Calls;
use contents::Contents;
use fetches::{TokenFetch, TokenLookup};
use fingerprint::{Fingerprint, Key};
use health::HealthLookup;
use limits::Limits;
use pace::Paces;
use password::PasswordLookup;
use stores::Stores;
use waits::{Awaited, Waits};

pub use fetches::Found;
pub(crate) use fetches::Place;
pub(crate) use learned::Health;
pub use learned::{Learned, Woken};
pub(crate) use spared::{Spared, order};

/// How long an attempt waits for a token where the next backend could be asked instead, and where
/// there is none.
const WAIT_LIMIT_WITH_FALLBACK: Duration = Duration::from_secs(2);
const WAIT_LIMIT: Duration = Duration::from_secs(10);
/// The most lines about token services in a minute.
const MOST_LINES: usize = 256;

/// Two numbers that nobody knows, for the fingerprints of passwords.
#[derive(Clone, Copy)]
pub struct Seed(pub u64, pub u64);

/// What a worker looks up, and what it remembers.
#[derive(Debug)]
pub(crate) struct Lookups {
    tokens: TokenLookup,
    stores: Stores,
    contents: Contents,
    /// What is wanted for caches, and is under way.
    fills: BTreeSet<String>,
    health: HealthLookup,
    passwords: PasswordLookup,
    limits: Limits,
    paces: Paces,
    calls: Calls<Purpose>,
    waits: Waits,
    warnings: Warnings,
    lines: Vec<String>,
    measured: Vec<Measured>,
}

/// What a call is for.
#[derive(Debug)]
enum Purpose {
    Token(Box<TokenFetch>),
    Blob(Box<BlobStore>, Digest<'static>),
    Content(Fingerprint),
    Fill(String),
    Health,
    Password(Fingerprint),
}

impl Lookups {
    /// Knows nothing yet.
    #[must_use]
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            tokens: TokenLookup::default(),
            stores: Stores::default(),
            contents: Contents::new(Key::new(seed.1, seed.0)),
            fills: BTreeSet::new(),
            health: HealthLookup::default(),
            passwords: PasswordLookup::new(Key::new(seed.0, seed.1)),
            limits: Limits::default(),
            paces: Paces::default(),
            calls: Calls::new(),
            waits: Waits::default(),
            warnings: Warnings::new(MOST_LINES),
            lines: Vec::new(),
            measured: Vec::new(),
        }
    }

    /// A policy is in use from now on. What was found with other credentials, or of other stores,
    /// is forgotten.
    pub(crate) fn use_policy(&mut self, config: &Config) {
        self.tokens.use_credentials(config.credentials());
        self.stores.keep(config.blob_stores());
        self.contents.use_policy(config);
        self.limits.forget_all();
        self.paces.forget_all();
    }

    /// The token that a backend is sent, and what it is kept under. The stream waits if there is
    /// none yet.
    ///
    /// `is_alone` says that there is no other backend to go on to: the stream then waits for ten
    /// seconds instead of two, and also where others have waited long enough.
    pub(crate) fn token(
        &mut self,
        backend: &str,
        source: &TokenSource<'_>,
        (stream, is_alone): (StreamId, bool),
        now: u64,
    ) -> (String, Option<Found>) {
        let key = self.tokens.key(source);
        let (found, fetch) = self.tokens.ask(&key, (backend, source), (stream, is_alone), now);
        self.fetch(fetch, now);
        if found.is_none() {
            let limit = if is_alone { WAIT_LIMIT } else { WAIT_LIMIT_WITH_FALLBACK };
            self.waits.add(stream, Awaited::Token(key.clone()), Some((now, limit)));
        }
        (key, found)
    }

    /// Has a token fetched that may be needed soon; nobody waits for it.
    pub(crate) fn prefetch(&mut self, backend: &str, source: &TokenSource<'_>, now: u64) {
        let fetch = self.tokens.prefetch(backend, source, now);
        self.fetch(fetch, now);
    }

    /// A backend refused the token that is kept under a key; whether the next request gets another
    /// one.
    pub(crate) fn refuse(&mut self, key: &str, token: &Secret, refusal: Refusal, now: u64) -> bool {
        self.tokens.refuse(key, token, refusal, now)
    }

    /// Takes in what a backend answered, with 401, that was asked without a token: it may say where
    /// tokens come from. Whether the next request gets further.
    pub(crate) fn learn(
        &mut self,
        key: &str,
        source: &TokenSource<'_>,
        challenges: &[&[u8]],
    ) -> bool {
        self.tokens.learn(key, source, challenges)
    }

    /// Where a backend's tokens come from, if it was asked and has said so.
    #[must_use]
    pub(crate) fn pinned(&self, place: &Place) -> Option<&Pinned> {
        self.tokens.pinned(place)
    }

    /// Remembers where a backend's tokens come from, and says where. The first answer stays.
    pub(crate) fn pin(&mut self, place: Place, pinned: Pinned) -> &Pinned {
        self.tokens.pin(place, pinned)
    }

    /// Whether a store has a blob; the stream waits if nothing comes back.
    pub(crate) fn blob(
        &mut self,
        store: &BlobStore,
        digest: &Digest<'_>,
        stream: StreamId,
        now: u64,
    ) -> Option<Presence> {
        let asked = self.stores.ask(store, digest, stream, now);
        let owned = || digest.clone().into_owned();
        if asked.asks {
            let purpose = Purpose::Blob(Box::new(store.clone()), owned());
            self.calls.make(stores::call(store, digest), purpose, now);
        }
        if asked.known.is_none() {
            self.waits.add(stream, Awaited::Blob(Box::new(store.clone()), owned()), None);
        }
        asked.known
    }

    /// Whether a repository has some content; the stream waits if nothing comes back.
    pub(crate) fn content(
        &mut self,
        config: &Config,
        content: &Content<'_>,
        stream: StreamId,
        now: u64,
    ) -> Option<Presence> {
        let pair = self.contents.fingerprint(config, content);
        match self.contents.look_up(pair, content.cache.known(), stream, now) {
            contents::Lookup::Known(presence) => return Some(presence),
            contents::Lookup::Waits => {}
            contents::Lookup::Asks => {
                self.calls.make(contents::call(content), Purpose::Content(pair), now);
            }
        }
        self.waits.add(stream, Awaited::Content(pair), None);
        None
    }

    /// Has a cache fetch what the target names; nobody waits for it, and it may come to nothing.
    pub(crate) fn fill(&mut self, target: String, now: u64) {
        if self.fills.len() < contents::FILLS && !self.fills.contains(&target) {
            self.calls.make(contents::fill(&target), Purpose::Fill(target.clone()), now);
            self.fills.insert(target);
        }
    }

    /// How the backends are, if that is known at this moment.
    #[must_use]
    pub(crate) fn known_health(&self, now: u64) -> Option<Rc<Report>> {
        self.health.known(now)
    }

    /// How the backends are; `is_optional` if the request could do without the answer.
    pub(crate) fn health(&mut self, stream: StreamId, is_optional: bool, now: u64) -> Health {
        if let Some(known) = self.health.known(now) {
            return Health::Known(known);
        }
        match self.health.join(stream, is_optional, now) {
            health::Joined::DoesWithout => return Health::DoWithout,
            health::Joined::Waits => {}
            health::Joined::Asks => self.calls.make(health::call(), Purpose::Health, now),
        }
        self.waits.add(stream, Awaited::Health, None);
        Health::Waits
    }

    /// Whether the password in a client's `Authorization` is right, if that is known; else the
    /// stream waits for the answer of who verifies, or cannot know it. `address` is the client's.
    pub(crate) fn password(
        &mut self,
        verifier: &Verifier,
        value: &[u8],
        address: impl FnOnce() -> Vec<u8>,
        stream: StreamId,
        now: u64,
    ) -> Option<Password> {
        let password = self.passwords.fingerprint(verifier, value);
        if let Some(known) = self.passwords.known(&password, now) {
            return Some(known);
        }
        let Some(call) = password::call(verifier, value) else { return Some(Password::Unknown) };
        match self.passwords.join(password, &address(), stream, now) {
            password::Joined::Refused => return Some(Password::Unknown),
            password::Joined::Waits => {}
            password::Joined::Asks => self.calls.make(call, Purpose::Password(password), now),
        }
        self.waits.add(stream, Awaited::Password(password), None);
        None
    }

    /// A stream is over, whether it still waits or not. What was asked for it goes on, for the
    /// others and for the memory.
    pub(crate) fn forget(&mut self, stream: StreamId) {
        match self.waits.remove(stream) {
            None => {}
            Some(Awaited::Token(key)) => self.tokens.forget(&key, stream),
            Some(Awaited::Blob(store, digest)) => self.stores.forget(&store, &digest, stream),
            Some(Awaited::Content(pair)) => self.contents.forget(&pair, stream),
            Some(Awaited::Health) => self.health.forget(stream),
            Some(Awaited::Password(password)) => self.passwords.forget(&password, stream),
        }
    }

    /// Whether there are calls to make.
    #[must_use]
    pub(crate) const fn has_calls(&self) -> bool {
        self.calls.has_new()
    }

    /// The calls that the host has to make now.
    pub(crate) fn take_calls(&mut self) -> Vec<(CallId, Call)> {
        self.calls.take()
    }

    /// What the host has to write into its log now.
    pub(crate) fn take_lines(&mut self) -> Vec<String> {
        std::mem::take(&mut self.lines)
    }

    /// What the host has to count now.
    pub(crate) fn take_measured(&mut self) -> Vec<Measured> {
        std::mem::take(&mut self.measured)
    }

    /// When [`Lookups::alarm`] has something to do; never as long as nobody waits and nothing is
    /// asked.
    #[must_use]
    pub(crate) fn next_alarm(&self) -> Option<u64> {
        self.waits.next().into_iter().chain(self.calls.next_lost()).min()
    }

    /// Looks after those that have waited long enough, and after calls whose answer does not come.
    pub(crate) fn alarm(&mut self, now: u64) -> Vec<Woken> {
        let mut woken = Vec::new();
        while let Some(id) = self.calls.lost(now) {
            woken.extend(self.answered(id, &CallAnswer::default(), now));
        }
        while let Some(stream) = self.waits.late(now) {
            if let Some(Awaited::Token(key)) = self.waits.remove(stream) {
                self.tokens.give_up(&key, stream);
                woken.push(Woken { stream, learned: Learned::Token(Found::Unavailable) });
            }
        }
        woken
    }
}
