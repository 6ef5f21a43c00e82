//! A worker whose host, clients and services are all here. Its clock goes only when it is told to.

use std::borrow::Cow;
use std::collections::BTreeMap;

use portolan_core::attempt::TokenSource;
use portolan_core::config::{Config, FrontAuth, Verifier};
use portolan_core::contract::headers::CREDENTIAL;
use portolan_core::grammar::Digest;
use portolan_core::policy::Password as PasswordCheck;
use portolan_core::probe::Presence;
use portolan_policy_builder::{Backend, Front, Policy, Rule, json};

use crate::call::{Call, CallAnswer, CallId, StreamId};
use crate::header_map::{HeaderMap, serialize};
use crate::lookups::{Found, Health, Learned, Lookups, Seed, Woken};

pub(super) const MILLISECOND: u64 = 1_000_000;
/// Some time of day, in nanoseconds since 1970.
pub(super) const MORNING: u64 = 1_800_000_000_000 * MILLISECOND;

/// A policy with two stores and a front with passwords. `version` makes another policy of it: other
/// stores of the same names, another verifier, other credentials.
pub(super) fn policy(version: u8) -> Config {
    let store =
        |place: &str| json!({"url": format!("https://{place}-{version}.example/{{digest}}")});
    let verifier = format!("http://127.0.0.{version}:9080");
    Policy::new()
        .front("p", Front::at(["p.example"]).passwords_of(&verifier))
        .backend("ar", Backend::at("https://ar.example").basic("c"))
        .set("/blob_stores/east", store("east"))
        .set("/blob_stores/west", store("west"))
        .set("/credentials/c/file", format!("/c/{version}"))
        .rule(Rule::of("acme").chain(["ar"]).readers("anyone"))
        .read_by(Config::from_json)
}

/// Where the tokens of a backend come from.
pub(super) fn source(backend: &str) -> TokenSource<'static> {
    let realm = if backend == "discovered" { Cow::Borrowed("") } else { "/token".into() };
    TokenSource {
        cluster: format!("{backend}@token").into(),
        authority: format!("{backend}.example").into(),
        realm,
        base_path: "".into(),
        service: "".into(),
        scope: "repository:acme/a:pull".into(),
        credential: if backend == "robot" { "robot-credential".into() } else { "".into() },
    }
}

/// What a stream wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// The token of a backend.
    Token { backend: &'static str, others: Others },
    /// Whether a store has a blob, each by its number.
    Blob { store: usize, blob: u8 },
    /// Which backends are up.
    Health { is_optional: bool },
    /// Whether a password is right, of the client with this number.
    Password { password: &'static str, client: u8 },
}

/// Whether another backend could serve the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// Another one could: the stream waits for two seconds at most.
    Some,
    /// This is the only one: the stream waits for ten.
    None,
}

/// What a stream has learned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Token(String),
    /// The token service refuses.
    TokenDenied,
    /// There is no token for now.
    TokenUnavailable,
    /// What a store, or a repository, says of content.
    Content(Presence),
    /// Which backends are up is known.
    HealthKnown,
    HealthUnknown,
    Password(PasswordCheck),
    /// The time of the stream is over.
    TooLate,
}

/// A worker and all around it.
pub(super) struct World {
    pub(super) lookups: Lookups,
    pub(super) now: u64,
    pub(super) policy: Config,
    /// The calls that the host has made and that no service has answered.
    pub(super) calls: Vec<(CallId, Call)>,
    /// When each was made, and under which policy.
    made: BTreeMap<CallId, (u64, usize)>,
    policies: usize,
    /// The streams that wait, for what, and since when.
    pub(super) waiting: BTreeMap<StreamId, (Question, u64)>,
    streams: StreamId,
}

impl World {
    pub(super) fn new() -> Self {
        let mut lookups = Lookups::new(Seed(1, 2));
        let policy = policy(1);
        lookups.use_policy(&policy);
        Self {
            lookups,
            now: MORNING,
            policy,
            calls: Vec::new(),
            made: BTreeMap::new(),
            policies: 1,
            waiting: BTreeMap::new(),
            streams: 0,
        }
    }

    pub(super) fn verifier(&self) -> &Verifier {
        match self.policy.fronts().all()[0].auth() {
            FrontAuth::Basic(verifier) => verifier,
            other => panic!("{other:?}"),
        }
    }

    /// A new stream wants to know something. What it learns at once; `None` if it waits.
    pub(super) fn ask(&mut self, question: Question) -> Option<Told> {
        self.streams += 1;
        let stream = self.streams;
        let (now, verifier) = (self.now, self.verifier().clone());
        let learned = match question {
            Question::Token { backend, others } => {
                let (source, is_alone) = (source(backend), others == Others::None);
                let (_, found) = self.lookups.token(backend, &source, (stream, is_alone), now);
                found.map(Learned::Token)
            }
            Question::Blob { store, blob } => {
                let store = self.policy.blob_stores()[store].clone();
                self.lookups.blob(&store, &digest(blob), stream, now).map(Learned::Blob)
            }
            Question::Health { is_optional } => match self.lookups.health(stream, is_optional, now)
            {
                Health::Known(health) => Some(Learned::Health(Some(health))),
                Health::DoWithout => Some(Learned::Health(None)),
                Health::Waits => None,
            },
            Question::Password { password, client } => {
                let address = || format!("192.0.2.{client}:1").into_bytes();
                let value = format!("Basic {password}");
                let known =
                    self.lookups.password(&verifier, value.as_bytes(), address, stream, now);
                known.map(Learned::Password)
            }
        };
        self.make_calls();
        if learned.is_none() {
            self.waiting.insert(stream, (question, now));
        }
        learned.as_ref().map(Told::of)
    }

    /// Another policy comes into use.
    pub(super) fn reload(&mut self, version: u8) {
        self.policies += 1;
        self.policy = policy(version);
        self.lookups.use_policy(&self.policy);
    }

    /// The client of a stream goes away.
    pub(super) fn close(&mut self, stream: StreamId) {
        self.lookups.forget(stream);
        self.waiting.remove(&stream);
    }

    /// The service that was asked first of those that a call is under way to answers. Returns whom
    /// that woke.
    pub(super) fn answer(
        &mut self,
        cluster: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<(StreamId, Told)> {
        let place = self.calls.iter().position(|(_, call)| call.cluster == cluster);
        let (id, _) = self.calls.remove(place.expect("no such call is under way"));
        let pairs = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        let map = HeaderMap::new(serialize(pairs));
        let answer = CallAnswer { headers: Some(&map), body: body.as_bytes() };
        let woken = self.lookups.answered(id, &answer, self.now);
        self.woken(woken)
    }

    /// Time passes, and the host calls whenever it is to.
    pub(super) fn pass(&mut self, milliseconds: u64) -> Vec<(StreamId, Told)> {
        let end = self.now + milliseconds * MILLISECOND;
        let mut all = Vec::new();
        while let Some(alarm) = self.lookups.next_alarm().filter(|alarm| *alarm <= end) {
            self.now = self.now.max(alarm);
            let woken = self.lookups.alarm(self.now);
            all.extend(self.woken(woken));
            assert!(self.lookups.next_alarm().is_none_or(|next| next > self.now), "a circle");
        }
        self.now = end;
        all
    }

    /// Takes in which streams were woken; a stream that does not wait is woken by nothing.
    pub(super) fn woken(&mut self, woken: Vec<Woken>) -> Vec<(StreamId, Told)> {
        let told = woken.into_iter().map(|Woken { stream, learned }| {
            let (question, since) =
                self.waiting.remove(&stream).expect("a stream that does not wait is woken");
            check(question, &learned, self.now - since);
            (stream, Told::of(&learned))
        });
        let told = told.collect();
        self.make_calls();
        told
    }

    /// Makes the calls that are wanted. Those that are late by a second are lost: no answer comes
    /// any more.
    fn make_calls(&mut self) {
        let (now, made) = (self.now, &self.made);
        self.calls.retain(|(id, call)| {
            now < made[id].0 + u64::try_from(call.timeout.as_nanos()).unwrap() + 1000 * MILLISECOND
        });
        let has_calls = self.lookups.has_calls();
        let calls = self.lookups.take_calls();
        assert_eq!(has_calls, !calls.is_empty());
        self.made.extend(calls.iter().map(|(id, _)| (*id, (now, self.policies))));
        self.calls.extend(calls);
        // A question of an older policy may take its second step under a newer one, beside the
        // newer one's own: by their texts they are the same, and each policy has one.
        let mut keys: BTreeMap<_, usize> = BTreeMap::new();
        for (id, call) in &self.calls {
            let of = |name: &str| call.header(name).unwrap_or_default();
            let parts = [&call.cluster, of(":path"), of(":authority"), of("authorization")];
            let key = (self.made[id].1, parts.join(" "));
            let count = keys.entry(key).or_default();
            *count += 1;
            assert!(*count <= self.policies, "two calls at once: {call:?}");
            let is_own = call
                .header(CREDENTIAL)
                .is_none_or(|name| name == "robot-credential" && call.cluster == "robot@token");
            assert!(is_own, "a credential goes to another service");
        }
    }
}

/// What every stream may rely on that is woken.
fn check(question: Question, learned: &Learned, waited: u64) {
    match (question, learned) {
        (Question::Token { backend, others }, Learned::Token(found)) => {
            let limit = if others == Others::None { 10_000 } else { 2_000 } * MILLISECOND;
            assert!(waited <= limit, "waited for {waited} ns");
            if let Found::Token(token) = found {
                let own = format!("of-{backend}.example-");
                assert!(token.expose().starts_with(&own), "another backend's token");
            }
        }
        (Question::Blob { .. }, Learned::Blob(_))
        | (Question::Health { .. }, Learned::Health(_))
        | (Question::Password { .. }, Learned::Password(_)) => {}
        (question, learned) => panic!("asked {question:?}, learned {learned:?}"),
    }
}

impl Told {
    fn of(learned: &Learned) -> Self {
        match learned {
            Learned::Token(Found::Token(token)) => Self::Token(token.expose().to_owned()),
            Learned::Token(Found::Denied(_)) => Self::TokenDenied,
            Learned::Token(Found::Unavailable | Found::Limited(_)) => Self::TokenUnavailable,
            Learned::Blob(presence) | Learned::Content(presence) => Self::Content(*presence),
            Learned::Health(None) => Self::HealthUnknown,
            Learned::Health(Some(_)) => Self::HealthKnown,
            Learned::TooLate => Self::TooLate,
            Learned::Password(password) => Self::Password(*password),
        }
    }
}

/// The digest of the blob of a number.
pub(super) fn digest(number: u8) -> Digest<'static> {
    Digest::parse(format!("sha256:{number:064x}").as_bytes()).unwrap().into_owned()
}
