//! A host that does what the driver wants done, as Envoy does it: the attempts of a request share
//! its headers and its properties, and what is read of "the" backend is that of the attempt that
//! began last.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use portolan_core::attempt::Answers;
use portolan_core::content::Check;
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::CREDENTIAL;
use portolan_core::reply::Reply;
use portolan_driver::header_map::serialize;
use portolan_driver::{Call, Effect, Exchange, HeaderMap, Side, StreamId};

use super::outcome::Asked;
use super::policies::DIGEST;

pub(super) const MILLISECOND: u64 = 1_000_000;
/// Some time of day, in nanoseconds since 1970.
pub(super) const MORNING: u64 = 1_800_000_000_000 * MILLISECOND;

/// Names and values, in their order.
pub(super) type Headers = Vec<(String, Vec<u8>)>;

/// What the streams of one request have in common.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) headers: Headers,
    pub(super) body: Vec<u8>,
    pub(super) state: BTreeMap<StateKey, Vec<u8>>,
    /// The backend of the attempt that began last.
    pub(super) latest: Option<String>,
}

/// One stream.
#[derive(Default)]
pub(super) struct Stream {
    /// The request that it is of.
    pub(super) request: usize,
    /// The headers of the answer that it sees.
    pub(super) response: Headers,
    pub(super) is_paused: bool,
    /// The check of the body of the answer.
    pub(super) check: Option<Check>,
    pub(super) reply: Option<(Reply, String)>,
}

/// What a backend got.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    headers: Headers,
    pub(super) credential: Option<String>,
}

/// The host.
#[derive(Default)]
pub(super) struct Host {
    pub(super) now: u64,
    pub(super) requests: Vec<Shared>,
    pub(super) streams: BTreeMap<StreamId, Stream>,
    pub(super) closed: BTreeSet<StreamId>,
    pub(super) pushes: BTreeMap<u32, u64>,
    pub(super) tags: BTreeMap<u32, Vec<u8>>,
    /// When the next alarm comes.
    pub(super) alarm: Option<u64>,
    /// The calls in the name of streams that no service has answered.
    pub(super) calls: Vec<(StreamId, Call)>,
    pub(super) warnings: Vec<String>,
    /// The streams that have gone on after a pause and were not looked at since.
    pub(super) resumed: Vec<StreamId>,
    /// Which properties were read.
    pub(super) reads: RefCell<Vec<StateKey>>,
}

/// What can be read while a callback of a stream runs.
pub(super) struct View<'h> {
    pub(super) host: &'h Host,
    pub(super) stream: StreamId,
}

impl Shared {
    fn side<'h>(&'h mut self, side: Side, stream: &'h mut Stream) -> &'h mut Headers {
        match side {
            Side::Request => &mut self.headers,
            Side::Response => &mut stream.response,
        }
    }
}

impl View<'_> {
    fn stream(&self) -> Option<&Stream> {
        self.host.streams.get(&self.stream)
    }

    fn shared(&self) -> Option<&Shared> {
        self.host.requests.get(self.stream()?.request)
    }
}

impl Exchange for View<'_> {
    fn now(&self) -> u64 {
        self.host.now
    }

    fn request_headers(&self) -> Option<HeaderMap> {
        self.shared().map(|shared| map(&shared.headers))
    }

    fn request_header(&self, name: &str) -> Option<Vec<u8>> {
        value(&self.shared()?.headers, name)
    }

    fn request_body(&self, size: usize) -> Vec<u8> {
        self.shared().map(|shared| shared.body[..size].to_vec()).unwrap_or_default()
    }

    fn response_headers(&self) -> Option<HeaderMap> {
        self.stream().map(|stream| map(&stream.response))
    }

    fn response_header(&self, name: &str) -> Option<Vec<u8>> {
        value(&self.stream()?.response, name)
    }

    /// Every other request is with a host of which it is true.
    fn reads_all_for_less_than_three(&self) -> bool {
        self.stream().is_some_and(|stream| stream.request % 2 == 0)
    }

    fn client_address(&self) -> Option<Vec<u8>> {
        Some(format!("192.0.2.{}:1", self.stream()?.request % 250).into_bytes())
    }

    fn backend(&self) -> Option<Vec<u8>> {
        self.shared()?.latest.as_ref().map(|name| name.as_bytes().to_vec())
    }

    fn state(&self, key: StateKey) -> Option<Vec<u8>> {
        self.host.reads.borrow_mut().push(key);
        self.shared()?.state.get(&key).cloned()
    }

    fn pushed_until(&self, slot: u32) -> u64 {
        self.host.pushes.get(&slot).copied().unwrap_or(0)
    }

    fn remembered_tag(&self, slot: u32) -> Option<Vec<u8>> {
        self.host.tags.get(&slot).cloned()
    }
}

impl Host {
    /// Does what a callback of a stream has led to.
    pub(super) fn apply(&mut self, effects: Vec<Effect>, stream: StreamId) {
        for effect in effects {
            assert!(!self.closed.contains(&stream), "{effect:?} for a stream that is over");
            self.apply_one(effect, stream);
        }
    }

    fn apply_one(&mut self, effect: Effect, id: StreamId) {
        let now = self.now;
        let stream = self.streams.get_mut(&id).expect("a stream that was opened");
        let shared = &mut self.requests[stream.request];
        match effect {
            Effect::SetHeader(side, name, value) => set(shared.side(side, stream), name, &value),
            Effect::AddHeader(side, name, value) => {
                shared.side(side, stream).push((name.to_owned(), value.to_vec()));
            }
            Effect::RemoveHeader(side, name) => {
                shared.side(side, stream).retain(|(other, _)| other.as_bytes() != &*name);
            }
            Effect::SetState(key, value) => {
                shared.state.insert(key, value.into_owned());
            }
            Effect::DropBody(size) => {
                shared.body.drain(..size);
            }
            Effect::Reply(reply, details) => {
                assert!(stream.reply.is_none(), "two answers: {details}");
                stream.reply = Some((*reply, details));
                stream.is_paused = false;
            }
            Effect::Resume => {
                assert!(stream.is_paused, "a stream goes on that was not paused");
                stream.is_paused = false;
                self.resumed.push(id);
            }
            Effect::Call(call) => self.calls.push((id, *call)),
            Effect::NotePush { slot, until } => {
                let end = self.pushes.entry(slot).or_default();
                *end = until.max(*end);
            }
            Effect::RememberTag { slot, value } => {
                self.tags.insert(slot, value);
            }
            Effect::SetTimer(period) => self.set_timer(period, now),
            Effect::Warn(line) => self.warnings.push(line),
            Effect::CheckBody(expected) => stream.check = Some(Check::new(expected)),
        }
    }

    pub(super) fn set_timer(&mut self, period: Duration, now: u64) {
        let wait = u64::try_from(period.as_nanos()).unwrap();
        self.alarm = (wait > 0).then_some(now + wait);
    }

    /// What is kept of a request, as text.
    pub(super) fn state(&self, stream: StreamId, key: StateKey) -> String {
        let value = View { host: self, stream }.state(key).unwrap_or_default();
        String::from_utf8(value).unwrap()
    }

    /// What the attempts of a request have noted of their backends.
    pub(super) fn noted(&self, stream: StreamId) -> Answers {
        let property = View { host: self, stream }.state(StateKey::Prepared);
        Answers::parse(&property.unwrap_or_default())
    }

    /// An attempt goes on: its backend gets the headers as they are. The injector behind the
    /// attempt phase takes out the name of the credential.
    pub(super) fn send(&mut self, stream: StreamId) -> Sent {
        let shared = &mut self.requests[self.streams[&stream].request];
        let credential = value(&shared.headers, CREDENTIAL);
        let credential = credential.map(|name| String::from_utf8(name).unwrap());
        shared.headers.retain(|(name, _)| name != CREDENTIAL);
        Sent { headers: shared.headers.clone(), credential }
    }
}

impl Sent {
    pub(super) fn header(&self, name: &str) -> Option<String> {
        value(&self.headers, name).map(|value| String::from_utf8_lossy(&value).into_owned())
    }

    /// Path and credentials.
    pub(super) fn asked(&self) -> Asked {
        Asked {
            path: self.header(":path").unwrap_or_default().replace(DIGEST, "DIGEST"),
            authorization: self.header("authorization"),
            credential: self.credential.clone(),
        }
    }
}

fn map(headers: &Headers) -> HeaderMap {
    let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice()));
    HeaderMap::new(serialize(pairs))
}

pub(super) fn value(headers: &Headers, name: &str) -> Option<Vec<u8>> {
    headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
}

fn set(headers: &mut Headers, name: &str, value: &[u8]) {
    let first = headers.iter().position(|(other, _)| other == name).unwrap_or(headers.len());
    headers.retain(|(other, _)| other != name);
    headers.insert(first, (name.to_owned(), value.to_vec()));
}

/// Headers from text.
pub(super) fn headers(pairs: &[(&str, &str)]) -> Headers {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}
