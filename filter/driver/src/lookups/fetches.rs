//! Fetches of the proxy's own tokens: the key of each, the requests, and the results for waiting
//! streams.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan_core::attempt::{TokenSource, Wait};
use portolan_core::config::Credential;
use portolan_core::contract::headers::CREDENTIAL;
use portolan_core::record::{FetchResult, Silence};
use portolan_core::token::{
    self, Complaint, Denial, Discovery, Fetch, Next, Outcome, Pinned, Refusal, Secret,
    ServiceReply, Source, TokenFault,
};

use super::token::{Lookup, Tokens};
use crate::call::{Call, CallAnswer, StreamId};
use crate::measured::Measured;

/// How long a token service may take. What it answers later is of no use to anybody.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What a request gets that needs a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Here it is.
    Token(Secret),
    /// The service gives none. What the backend says without one is its answer.
    Denied(Denial),
    /// The service could not be asked, or not in time.
    Unavailable,
    /// The service limits requests, and asks to wait for so long.
    Limited(Wait),
}

/// A backend that says where its tokens come from. Its name in a policy may mean another one after
/// a reload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The Envoy cluster of the token service.
    pub(crate) cluster: String,
    /// `host[:port]` of the token service.
    pub(crate) authority: String,
    /// The path before `/v2/` at the backend.
    pub(crate) base_path: String,
}

/// The tokens of a worker.
#[derive(Debug, Default)]
pub(super) struct TokenLookup {
    table: Tokens,
    /// Where the tokens of backends come from that say so themselves.
    pinned: BTreeMap<Place, Pinned>,
    /// Keys whose fetch has taken longer than a request would wait, until it is settled: no other
    /// request that could go on elsewhere waits for it as well.
    slow: BTreeSet<String>,
    /// The policy's credentials, and how often they have changed: a token that was fetched with the
    /// ones before is not looked for any more.
    credentials: Vec<Credential>,
    generation: u32,
    /// The same, as it stands in the keys.
    generation_in_keys: String,
}

/// One token to fetch.
#[derive(Clone, Debug)]
pub(super) struct TokenFetch {
    /// What it is kept under.
    key: String,
    /// Whose token it is, for the log.
    backend: String,
    fetch: Fetch,
}

/// What follows from an answer to a call.
#[derive(Debug)]
pub(super) enum Answered {
    /// Another call.
    Ask(TokenFetch),
    /// The token is there, or is not.
    Settled {
        /// What each of those gets that waited.
        woken: Vec<(StreamId, Found)>,
        /// A fetch that one of them has started anew.
        again: Option<TokenFetch>,
        /// What the operator should know.
        complaints: Vec<String>,
        /// What is counted.
        measured: Vec<Measured>,
    },
}

impl Place {
    fn of(source: &TokenSource<'_>) -> Self {
        Self {
            cluster: source.cluster.clone().into_owned(),
            authority: source.authority.clone().into_owned(),
            base_path: source.base_path.clone().into_owned(),
        }
    }

    /// What stands in the keys of all its tokens as long as it is not known where they come from.
    fn in_keys(&self) -> String {
        format!("\t{}\t{}\t\t{}\t", self.cluster, self.authority, self.base_path)
    }
}

impl TokenLookup {
    /// What a token is kept under: all that it was made for.
    pub(super) fn key(&self, source: &TokenSource<'_>) -> String {
        let parts: [&str; 8] = [
            &source.scope,
            &source.cluster,
            &source.authority,
            &source.realm,
            &source.base_path,
            &source.service,
            &source.credential,
            &self.generation_in_keys,
        ];
        parts.join("\t")
    }

    /// What a request gets; nothing if it waits. `is_alone` if there is no other backend that it
    /// could go on to. A fetch is to be started if one comes back.
    pub(super) fn ask(
        &mut self,
        key: &str,
        (backend, source): (&str, &TokenSource<'_>),
        (stream, is_alone): (StreamId, bool),
        now: u64,
    ) -> (Option<Found>, Option<TokenFetch>) {
        let (found, fetch) = match self.table.look_up(key, now, stream) {
            Lookup::Held { token, refresh } => (Some(Found::Token(token.clone())), refresh),
            Lookup::Wait => (None, false),
            Lookup::Fetch => (None, true),
            Lookup::Denied(denial) => (Some(Found::Denied(denial)), false),
            Lookup::Unavailable => (Some(Found::Unavailable), false),
            Lookup::Limited(wait) => (Some(Found::Limited(wait)), false),
        };
        if found.is_none() && !is_alone && self.slow.contains(key) {
            self.table.forget_waiter(key, stream);
            return (Some(Found::Unavailable), None);
        }
        (found, fetch.then(|| self.fetch(key, backend, source)))
    }

    /// Whether nobody would wait for a token: it is there, or it is known that there is none.
    pub(super) fn is_there(&self, source: &TokenSource<'_>, now: u64) -> bool {
        self.table.is_there(&self.key(source), now)
    }

    /// The fetch of a token that may be needed soon, if it is not there; nobody waits for it.
    pub(super) fn prefetch(
        &mut self,
        backend: &str,
        source: &TokenSource<'_>,
        now: u64,
    ) -> Option<TokenFetch> {
        let key = self.key(source);
        self.table.prefetch(&key, now).then(|| self.fetch(&key, backend, source))
    }

    fn fetch(&self, key: &str, backend: &str, source: &TokenSource<'_>) -> TokenFetch {
        let pinned = self.pinned.get(&Place::of(source));
        let fetch = Fetch::new(whole(source), pinned);
        TokenFetch { key: key.to_owned(), backend: backend.to_owned(), fetch }
    }

    /// A backend refused this token; whether the next request gets another one.
    pub(super) fn refuse(&mut self, key: &str, token: &Secret, refusal: Refusal, now: u64) -> bool {
        self.table.refuse(key, token.expose(), refusal, now)
    }

    /// Takes in the challenges of a backend that was asked without a token. Where neither the
    /// policy nor the backend's `/v2/` has said where tokens come from, they do, within the same
    /// bounds. Whether the next request gets further.
    pub(super) fn learn(
        &mut self,
        key: &str,
        source: &TokenSource<'_>,
        challenges: &[&[u8]],
    ) -> bool {
        if !source.realm.is_empty() {
            return false;
        }
        let found = token::discover(401, challenges, &source.authority);
        let Discovery::Pinned(found) = found else { return false };
        let place = Place::of(source);
        if !self.pinned.contains_key(&place) {
            self.table.forgive(&place.in_keys());
            self.pinned.insert(place, found);
        }
        !self.table.fails(key)
    }

    /// The credentials of a policy that is in use from now on.
    pub(super) fn use_credentials(&mut self, credentials: &[Credential]) {
        if self.credentials != credentials {
            self.credentials = credentials.to_vec();
            self.generation = self.generation.wrapping_add(1);
            self.generation_in_keys = self.generation.to_string();
        }
    }

    /// Where a backend's tokens come from, if it was asked and has said so.
    pub(super) fn pinned(&self, place: &Place) -> Option<&Pinned> {
        self.pinned.get(place)
    }

    /// Remembers where a backend's tokens come from, and says where. The first answer stays.
    pub(super) fn pin(&mut self, place: Place, pinned: Pinned) -> &Pinned {
        self.pinned.entry(place).or_insert(pinned)
    }

    /// A request is over.
    pub(super) fn forget(&mut self, key: &str, stream: StreamId) {
        self.table.forget_waiter(key, stream);
    }

    /// A request has waited as long as it may.
    pub(super) fn give_up(&mut self, key: &str, stream: StreamId) {
        self.table.forget_waiter(key, stream);
        self.slow.insert(key.to_owned());
    }

    /// Goes on with the answer to a call.
    pub(super) fn answered(
        &mut self,
        mut fetch: TokenFetch,
        answer: &CallAnswer<'_>,
        now: u64,
    ) -> Answered {
        let next = if answer.headers.is_some() { fetch.take_in(answer, now) } else { UNSENT };
        match next {
            Next::Ask => Answered::Ask(fetch),
            Next::Pin(found) => {
                let place = fetch.place();
                let pinned = self.pin(place, found).clone();
                fetch.fetch.find(&pinned);
                Answered::Ask(fetch)
            }
            Next::Settle(outcome) => {
                let measured = fetch.measured(&outcome, answer.silence(), now);
                self.settle(&fetch, outcome, measured, now)
            }
        }
    }

    fn settle(
        &mut self,
        fetch: &TokenFetch,
        outcome: Outcome,
        measured: Vec<Measured>,
        now: u64,
    ) -> Answered {
        let complaints = fetch.complaints(&outcome);
        self.slow.remove(&fetch.key);
        let waiters = self.table.settle(&fetch.key, outcome, now);
        let (mut woken, mut again) = (Vec::with_capacity(waiters.len()), None);
        for stream in waiters {
            let (found, starts) = self.found(&fetch.key, stream, now);
            woken.push((stream, found));
            again = again.or_else(|| starts.then(|| fetch.clone()));
        }
        Answered::Settled { woken, again, complaints, measured }
    }

    /// What one of those gets that waited: it never waits a second time. Whether that starts a
    /// fetch.
    fn found(&mut self, key: &str, stream: StreamId, now: u64) -> (Found, bool) {
        match self.table.look_up(key, now, stream) {
            Lookup::Held { token, .. } => (Found::Token(token.clone()), false),
            Lookup::Denied(denial) => (Found::Denied(denial), false),
            Lookup::Unavailable => (Found::Unavailable, false),
            Lookup::Limited(wait) => (Found::Limited(wait), false),
            lookup @ (Lookup::Wait | Lookup::Fetch) => {
                let starts = matches!(lookup, Lookup::Fetch);
                self.table.forget_waiter(key, stream);
                (Found::Unavailable, starts)
            }
        }
    }
}

/// What comes of a call that could not be made, or whose answer was lost.
const UNSENT: Next = Next::Settle(Outcome::Unavailable { why: TokenFault::Status(503) });

impl TokenFetch {
    /// What is asked now.
    pub(super) fn call(&self) -> Call {
        let Source { cluster, authority, .. } = self.fetch.source();
        let call = Call::new("GET", self.fetch.target(), authority).to(cluster, TIMEOUT);
        let call = call.with("accept", "application/json");
        match self.fetch.credential() {
            Some(credential) => call.with(CREDENTIAL, credential),
            None => call,
        }
    }

    fn place(&self) -> Place {
        let Source { cluster, authority, base_path, .. } = self.fetch.source().clone();
        Place { cluster, authority, base_path }
    }

    fn take_in(&mut self, answer: &CallAnswer<'_>, now: u64) -> Next {
        let wait = answer.values("retry-after").first().copied();
        let wait = wait.map(|value| Wait::read(value, now / 1_000_000_000));
        let (challenges, places) = (answer.values("www-authenticate"), answer.values("location"));
        self.fetch.answered(&ServiceReply {
            status: answer.status().unwrap_or(0),
            challenges: &challenges,
            location: if let [place] = places.as_slice() { Some(place) } else { None },
            date: answer.values("date").first().copied(),
            retry_after: wait.and_then(Wait::seconds),
            body: answer.body,
        })
    }

    /// What is counted of it.
    fn measured(&self, outcome: &Outcome, silence: Option<Silence>, now: u64) -> Vec<Measured> {
        let result = FetchResult::of(outcome, self.fetch.complaint(), silence);
        let ends = match outcome {
            Outcome::Token { expires_in, .. } => {
                let life = u64::try_from(expires_in.as_nanos()).unwrap_or(u64::MAX);
                Some(now.saturating_add(life))
            }
            Outcome::Denied(_) | Outcome::Unavailable { .. } => None,
        };
        let ends = ends.map(|ends| Measured::token(&self.backend, ends));
        [Measured::fetch(&self.backend, result)].into_iter().chain(ends).collect()
    }

    /// What is wrong with the token service, for the operator.
    fn complaints(&self, outcome: &Outcome) -> Vec<String> {
        let (source, backend) = (self.fetch.source(), &self.backend);
        let of_fetch = self.fetch.complaint().map(|complaint| {
            let credential = match complaint {
                Complaint::Credential(_) => format!(", credential `{}`", source.credential),
                Complaint::RealmElsewhere | Complaint::RedirectElsewhere => String::new(),
            };
            format!("backend `{backend}`{credential}: {complaint}")
        });
        let of_outcome = match outcome {
            Outcome::Unavailable { why } => {
                Some(format!("backend `{backend}`, cluster `{}`: {why}", source.cluster))
            }
            Outcome::Token { .. } | Outcome::Denied(_) => None,
        };
        of_fetch.into_iter().chain(of_outcome).collect()
    }
}

fn whole(source: &TokenSource<'_>) -> Source {
    Source {
        cluster: source.cluster.clone().into_owned(),
        authority: source.authority.clone().into_owned(),
        realm: source.realm.clone().into_owned(),
        base_path: source.base_path.clone().into_owned(),
        service: source.service.clone().into_owned(),
        scope: source.scope.clone().into_owned(),
        credential: source.credential.clone().into_owned(),
    }
}
