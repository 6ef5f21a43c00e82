//! The proxy's own tokens of this worker: who waits for which, and the calls that fetch them.
//!
//! A call belongs to who makes it. Were it a request, its client could go away and take the answer with
//! it, while others wait for the same token; so requests only say what they need, and the root
//! context, which nobody can make go away, makes all calls.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use portolan_core::attempt::TokenSource;
use portolan_core::config::Credential;
use portolan_core::contract;
use portolan_core::token::{
    self, Denial, Discovery, Fetch, Lookup, Next, Outcome, Pinned, Refusal, Secret, ServiceReply,
    Source, TokenFault, Tokens,
};
use proxy_wasm::hostcalls;

use crate::header_map::HeaderMap;
use crate::host::{self, Headers};
use crate::refusals;

/// How long a token service may take. What it answers later is of no use to anybody.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an attempt waits for a token where the next backend could be asked instead, and where
/// there is none.
const PATIENCE: Duration = Duration::from_secs(2);
const PATIENCE_ALONE: Duration = Duration::from_secs(10);
/// How often those who wait are looked after, and how soon a new call is made.
const PATIENCE_PERIOD: Duration = Duration::from_millis(100);
const AT_ONCE: Duration = Duration::from_millis(1);

thread_local! {
    static DESK: RefCell<Desk> = RefCell::default();
}

/// What a request gets to know when it asks for a token.
pub(crate) enum Found {
    /// Here it is.
    Token(Secret),
    /// It is being fetched; the request is woken when there is more to know.
    Wait,
    /// The service gives none. What the backend says without one is its answer.
    Denied(Denial),
    /// The service could not be asked.
    Unavailable,
}

/// A request that may have to wait. It shares what it learns with the desk.
pub(crate) struct Waiting {
    pub(crate) context: u32,
    /// Whether there is nobody else that it could ask.
    alone: bool,
    /// Nanoseconds since 1970, after which it goes on without; of no meaning until it waits.
    deadline: Cell<u64>,
    /// What became of it.
    pub(crate) found: RefCell<Option<Found>>,
}

#[derive(Default)]
struct Desk {
    tokens: Tokens,
    /// Where the tokens of backends come from that say so themselves.
    pinned: HashMap<Place, Pinned>,
    /// What the root context has to fetch.
    queue: Vec<Errand>,
    /// What was asked, by the number of the call.
    calls: HashMap<u32, Errand>,
    waiting: BTreeMap<u32, (String, Rc<Waiting>)>,
    /// Keys whose fetch has taken longer than somebody would wait, until it is settled: nobody who
    /// could go on elsewhere waits for it as well.
    slow: HashSet<String>,
    /// The policy's credentials, and how often they have changed: a token that was fetched with the one
    /// before is not looked for any more.
    credentials: Vec<Credential>,
    generation: u32,
}

/// One token to fetch, and what it is kept under.
#[derive(Clone)]
struct Errand {
    key: String,
    /// Whose token it is, for the log.
    backend: String,
    fetch: Fetch,
}

/// A backend that says where its tokens come from. Its name in a policy may mean another one after a reload.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) cluster: String,
    pub(crate) authority: String,
    pub(crate) base_path: String,
}

impl Place {
    fn of(source: &TokenSource<'_>) -> Self {
        Self {
            cluster: source.cluster.clone().into_owned(),
            authority: source.authority.clone().into_owned(),
            base_path: source.base_path.clone().into_owned(),
        }
    }

    /// What stands in the keys of all its tokens.
    fn in_keys(&self) -> String {
        format!("\t{}\t{}\t\t{}\t", self.cluster, self.authority, self.base_path)
    }
}

/// Asks for the token of a backend; `waiting` is remembered if it is to be woken. What it is kept under comes
/// back as well.
pub(crate) fn ask(
    backend: &str,
    source: &TokenSource<'_>,
    waiting: &Rc<Waiting>,
) -> (String, Found) {
    DESK.with_borrow_mut(|desk| {
        let key = desk.key(source);
        let now = host::now();
        let (found, fetch) = match desk.tokens.look_up(&key, now, waiting.context) {
            Lookup::Held { token, refresh } => (Found::Token(token.clone()), refresh),
            Lookup::Wait => (Found::Wait, false),
            Lookup::Fetch => (Found::Wait, true),
            Lookup::Denied(denial) => (Found::Denied(denial), false),
            Lookup::Unavailable => (Found::Unavailable, false),
        };
        if matches!(found, Found::Wait) && !waiting.alone && desk.slow.contains(&key) {
            desk.tokens.forget_waiter(&key, waiting.context);
            return (key, Found::Unavailable);
        }
        if fetch {
            desk.enqueue(&key, backend, source);
        }
        if matches!(found, Found::Wait) {
            waiting.set_deadline(now);
            desk.waiting.insert(waiting.context, (key.clone(), Rc::clone(waiting)));
            desk.set_period();
        }
        (key, found)
    })
}

/// Has a token fetched that may be needed soon; nobody waits for it.
pub(crate) fn prefetch(backend: &str, source: &TokenSource<'_>) {
    DESK.with_borrow_mut(|desk| {
        let key = desk.key(source);
        if desk.tokens.prefetch(&key, host::now()) {
            desk.enqueue(&key, backend, source);
        }
    });
}

/// A backend refused this token; whether the next request gets another one.
pub(crate) fn refused(key: &str, token: &Secret, refusal: Refusal) -> bool {
    DESK.with_borrow_mut(|desk| desk.tokens.refuse(key, token.expose(), refusal, host::now()))
}

/// Takes in the challenges of a backend that was asked without a token. Where neither the policy nor the
/// backend's `/v2/` has said where tokens come from, they do, within the same bounds. Whether the next
/// request gets further.
pub(crate) fn learn(key: &str, source: &TokenSource<'_>, challenges: &[&[u8]]) -> bool {
    if !source.realm.is_empty() {
        return false;
    }
    let found = token::discover(401, challenges, &source.authority);
    let Discovery::Pinned(found) = found else { return false };
    DESK.with_borrow_mut(|desk| {
        let place = Place::of(source);
        if !desk.pinned.contains_key(&place) {
            desk.tokens.forgive(&place.in_keys());
            desk.pinned.insert(place, found);
        }
        !desk.tokens.fails(key)
    })
}

/// A policy has been loaded.
pub(crate) fn use_credentials(credentials: &[Credential]) {
    DESK.with_borrow_mut(|desk| {
        if desk.credentials != credentials {
            desk.credentials = credentials.to_vec();
            desk.generation = desk.generation.wrapping_add(1);
        }
    });
}

/// A request is over, whether it still waits or not.
pub(crate) fn forget(context: u32) {
    DESK.with_borrow_mut(|desk| {
        if let Some((key, _)) = desk.waiting.remove(&context) {
            desk.tokens.forget_waiter(&key, context);
        }
    });
}

/// The root context's turn: makes the calls that are wanted and wakes who has waited long enough.
pub(crate) fn on_tick(root: u32) {
    let (errands, late) = DESK.with_borrow_mut(|desk| {
        let now = host::now();
        let late: Vec<u32> = desk.late(now);
        (std::mem::take(&mut desk.queue), late)
    });
    for errand in errands {
        send(errand, root);
    }
    for context in late {
        let waiting = DESK.with_borrow_mut(|desk| desk.give_up(context));
        if let Some(waiting) = waiting {
            wake(&waiting, Found::Unavailable, root);
        }
    }
    DESK.with_borrow(Desk::set_period);
}

/// The answer to a call of the root context.
pub(crate) fn on_answer(root: u32, call: u32, body_size: usize) {
    let Some(mut errand) = DESK.with_borrow_mut(|desk| desk.calls.remove(&call)) else { return };
    let headers = host::call::header_map();
    let values = |name| headers.as_ref().map(|headers| headers.values(name)).unwrap_or_default();
    let (challenges, places) = (values("www-authenticate"), values("location"));
    let body = host::call::body(body_size);
    let reply = ServiceReply {
        status: headers.as_ref().and_then(HeaderMap::status).unwrap_or(0),
        challenges: &challenges,
        location: if places.len() == 1 { places.first().copied() } else { None },
        date: values("date").first().copied(),
        body: &body,
    };
    match errand.fetch.answered(&reply) {
        Next::Ask => send(errand, root),
        Next::Pin(found) => {
            let Source { cluster, authority, base_path, .. } = errand.fetch.source().clone();
            let place = Place { cluster, authority, base_path };
            pin(&place, found);
            match pinned(&place) {
                Some(found) => {
                    errand.fetch.find(&found);
                    send(errand, root);
                }
                None => settle(&errand, UNSENT, root),
            }
        }
        Next::Settle(outcome) => settle(&errand, outcome, root),
    }
}

/// What comes of a call that could not be made.
const UNSENT: Outcome = Outcome::Unavailable { why: TokenFault::Status(503) };

/// Where a backend's tokens come from, if it was asked and has said so.
pub(crate) fn pinned(place: &Place) -> Option<Pinned> {
    DESK.with_borrow(|desk| desk.pinned.get(place).cloned())
}

/// Remembers where a backend's tokens come from. The first answer stays.
pub(crate) fn pin(place: &Place, pinned: Pinned) {
    DESK.with_borrow_mut(|desk| {
        desk.pinned.entry(place.clone()).or_insert(pinned);
    });
}

fn settle(errand: &Errand, outcome: Outcome, root: u32) {
    refusals::complain_of_service(&errand.backend, &errand.fetch, &outcome);
    let now = host::now();
    let woken = DESK.with_borrow_mut(|desk| {
        desk.slow.remove(&errand.key);
        let woken = desk.tokens.settle(&errand.key, outcome, now);
        woken.into_iter().filter_map(|context| desk.waiting.remove(&context)).collect::<Vec<_>>()
    });
    for (_, waiting) in woken {
        let found = DESK.with_borrow_mut(|desk| desk.found(errand, now, waiting.context));
        wake(&waiting, found, root);
    }
}

/// Lets a paused attempt go on with what was found, and turns back to the root context.
fn wake(waiting: &Waiting, found: Found, root: u32) {
    if !host::switch_to(waiting.context) {
        return;
    }
    set(&found);
    *waiting.found.borrow_mut() = Some(found);
    host::resume_request();
    host::switch_to(root);
}

/// Puts the token, or none, into the request that is at hand. An attempt before may have left one that
/// was refused.
pub(crate) fn set(found: &Found) {
    const NAME: &str = "authorization";
    if let Found::Token(token) = found {
        let value = format!("Bearer {}", token.expose());
        host::set_header(Headers::Request, NAME, value.as_bytes());
    } else {
        host::remove_header(Headers::Request, NAME);
    }
}

/// Makes the call for an errand; a call that cannot be made is settled at once.
fn send(errand: Errand, root: u32) {
    let Source { cluster, authority, .. } = errand.fetch.source();
    let mut headers = vec![
        (":method", "GET"),
        (":path", errand.fetch.target()),
        (":authority", authority.as_str()),
        ("accept", "application/json"),
        ("user-agent", "portolan"),
    ];
    if let Some(credential) = errand.fetch.credential() {
        headers.push((contract::headers::CREDENTIAL, credential));
    }
    match hostcalls::dispatch_http_call(cluster, headers, None, vec![], CALL_TIMEOUT) {
        Ok(call) => DESK.with_borrow_mut(|desk| {
            desk.calls.insert(call, errand);
        }),
        Err(_) => settle(&errand, UNSENT, root),
    }
}

impl Desk {
    /// What a token is kept under: all that it was made for.
    fn key(&self, source: &TokenSource<'_>) -> String {
        let generation = self.generation.to_string();
        let parts: [&str; 8] = [
            &source.scope,
            &source.cluster,
            &source.authority,
            &source.realm,
            &source.base_path,
            &source.service,
            &source.credential,
            &generation,
        ];
        parts.join("\t")
    }

    fn enqueue(&mut self, key: &str, backend: &str, source: &TokenSource<'_>) {
        let pinned = self.pinned.get(&Place::of(source));
        let fetch = Fetch::new(whole(source), pinned);
        self.push(Errand { key: key.to_owned(), backend: backend.to_owned(), fetch });
    }

    fn push(&mut self, errand: Errand) {
        self.queue.push(errand);
        self.set_period();
    }

    /// When the root context has its next turn: it costs nothing while nobody wants anything.
    fn set_period(&self) {
        let period = if !self.queue.is_empty() {
            AT_ONCE
        } else if self.waiting.is_empty() {
            Duration::ZERO
        } else {
            PATIENCE_PERIOD
        };
        host::set_tick_period(period);
    }

    fn late(&self, now: u64) -> Vec<u32> {
        let late = self.waiting.iter().filter(|(_, (_, waiting))| waiting.deadline.get() <= now);
        late.map(|(context, _)| *context).collect()
    }

    fn give_up(&mut self, context: u32) -> Option<Rc<Waiting>> {
        let (key, waiting) = self.waiting.remove(&context)?;
        self.tokens.forget_waiter(&key, context);
        self.slow.insert(key);
        Some(waiting)
    }

    /// What one of those who waited gets. It never waits a second time.
    fn found(&mut self, errand: &Errand, now: u64, context: u32) -> Found {
        match self.tokens.look_up(&errand.key, now, context) {
            Lookup::Held { token, .. } => Found::Token(token.clone()),
            Lookup::Denied(denial) => Found::Denied(denial),
            Lookup::Unavailable => Found::Unavailable,
            lookup @ (Lookup::Wait | Lookup::Fetch) => {
                let fetch = matches!(lookup, Lookup::Fetch);
                self.tokens.forget_waiter(&errand.key, context);
                if fetch {
                    self.push(errand.clone());
                }
                Found::Unavailable
            }
        }
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

impl Waiting {
    pub(crate) fn new(context: u32, alone: bool) -> Rc<Self> {
        Rc::new(Self { context, alone, deadline: Cell::new(u64::MAX), found: RefCell::new(None) })
    }

    fn set_deadline(&self, now: u64) {
        let patience = if self.alone { PATIENCE_ALONE } else { PATIENCE };
        let patience = u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX);
        self.deadline.set(now.saturating_add(patience));
    }
}
