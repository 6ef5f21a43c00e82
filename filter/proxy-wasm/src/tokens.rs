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
use portolan_core::token::{self, Discovery, Lookup, Outcome, Pinned, Secret, TokenFault, Tokens};
use proxy_wasm::hostcalls;

use crate::header_map::HeaderMap;
use crate::host::{self, Headers};

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
    Denied,
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
    /// Where the tokens of backends come from that say so themselves, by the cluster.
    pinned: HashMap<String, Pinned>,
    /// What the root context has to fetch.
    queue: Vec<Errand>,
    /// What was asked, by the number of the call.
    calls: HashMap<u32, Errand>,
    waiting: BTreeMap<u32, (String, Rc<Waiting>)>,
    /// Keys whose fetch has taken longer than somebody would wait, until it is settled: nobody who
    /// could go on elsewhere waits for it as well.
    slow: HashSet<String>,
}

/// One token to fetch.
#[derive(Clone)]
struct Errand {
    key: String,
    cluster: String,
    authority: String,
    realm: String,
    base_path: String,
    service: String,
    scope: String,
    credential: String,
}

/// Asks for the token of a backend; `waiting` is remembered if it is to be woken.
pub(crate) fn ask(backend: &str, source: &TokenSource<'_>, waiting: &Rc<Waiting>) -> Found {
    let key = token::key(backend, &source.scope);
    DESK.with_borrow_mut(|desk| {
        let now = host::now();
        let (found, fetch) = match desk.tokens.look_up(&key, now, waiting.context) {
            Lookup::Held { token, refresh } => (Found::Token(token.clone()), refresh),
            Lookup::Wait => (Found::Wait, false),
            Lookup::Fetch => (Found::Wait, true),
            Lookup::Denied => (Found::Denied, false),
            Lookup::Unavailable => (Found::Unavailable, false),
        };
        if matches!(found, Found::Wait) && !waiting.alone && desk.slow.contains(&key) {
            desk.tokens.forget_waiter(&key, waiting.context);
            return Found::Unavailable;
        }
        if fetch {
            desk.enqueue(Errand::new(key.clone(), source));
        }
        if matches!(found, Found::Wait) {
            waiting.set_deadline(now);
            desk.waiting.insert(waiting.context, (key, Rc::clone(waiting)));
            desk.set_period();
        }
        found
    })
}

/// Has a token fetched that may be needed soon; nobody waits for it.
pub(crate) fn prefetch(backend: &str, source: &TokenSource<'_>) {
    let key = token::key(backend, &source.scope);
    DESK.with_borrow_mut(|desk| {
        if desk.tokens.prefetch(&key, host::now()) {
            desk.enqueue(Errand::new(key, source));
        }
    });
}

/// A backend refused this token.
pub(crate) fn refused(backend: &str, scope: &str, token: &Secret) {
    let key = token::key(backend, scope);
    DESK.with_borrow_mut(|desk| desk.tokens.drop_token(&key, token.expose()));
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
    let Some(errand) = DESK.with_borrow_mut(|desk| desk.calls.remove(&call)) else { return };
    let headers = host::call::header_map();
    let status = headers.as_ref().and_then(HeaderMap::status).unwrap_or(0);
    if errand.is_discovery() {
        let values = headers.as_ref().map(|headers| headers.values("www-authenticate"));
        let found = token::discover(status, &values.unwrap_or_default(), &errand.authority);
        return discovered(errand, found, root);
    }
    let outcome = token::read(status, &host::call::body(body_size));
    settle(&errand, outcome, root);
}

/// Where a backend's tokens come from, if it was asked and has said so.
pub(crate) fn pinned(cluster: &str) -> Option<Pinned> {
    DESK.with_borrow(|desk| desk.pinned.get(cluster).cloned())
}

/// Remembers where a backend's tokens come from. The first answer stays.
pub(crate) fn pin(cluster: &str, pinned: Pinned) {
    DESK.with_borrow_mut(|desk| {
        desk.pinned.entry(cluster.to_owned()).or_insert(pinned);
    });
}

fn discovered(mut errand: Errand, found: Discovery, root: u32) {
    match found {
        Discovery::Pinned(found) => {
            pin(&errand.cluster, found);
            errand.fill_in();
            send(errand, root);
        }
        Discovery::Open => settle(&errand, Outcome::Denied, root),
        Discovery::Elsewhere => {
            log::warn!(
                "portolan: `{}`: the backend says that its tokens come from another host; write \
                 that URL as `realm` in its `auth`",
                errand.cluster
            );
            settle(&errand, Outcome::Denied, root);
        }
        Discovery::Unavailable => {
            settle(&errand, Outcome::Unavailable { why: TokenFault::Status(503) }, root);
        }
    }
}

fn settle(errand: &Errand, outcome: Outcome, root: u32) {
    if let Outcome::Unavailable { why } = &outcome {
        log::warn!("portolan: `{}`: {why}", errand.cluster);
    }
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
    let target = errand.target();
    let mut headers = vec![
        (":method", "GET"),
        (":path", target.as_str()),
        (":authority", errand.authority.as_str()),
        ("accept", "application/json"),
        ("user-agent", "portolan"),
    ];
    if !errand.credential.is_empty() && !errand.is_discovery() {
        headers.push(("x-portolan-credential", &errand.credential));
    }
    match hostcalls::dispatch_http_call(&errand.cluster, headers, None, vec![], CALL_TIMEOUT) {
        Ok(call) => DESK.with_borrow_mut(|desk| {
            desk.calls.insert(call, errand);
        }),
        Err(_) => settle(&errand, Outcome::Unavailable { why: TokenFault::Status(503) }, root),
    }
}

impl Desk {
    fn enqueue(&mut self, mut errand: Errand) {
        if errand.realm.is_empty() {
            errand.pinned(self.pinned.get(&errand.cluster));
        }
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
            Lookup::Denied => Found::Denied,
            Lookup::Unavailable => Found::Unavailable,
            lookup @ (Lookup::Wait | Lookup::Fetch) => {
                let fetch = matches!(lookup, Lookup::Fetch);
                self.tokens.forget_waiter(&errand.key, context);
                if fetch {
                    self.enqueue(errand.clone());
                }
                Found::Unavailable
            }
        }
    }
}

impl Errand {
    fn new(key: String, source: &TokenSource<'_>) -> Self {
        Self {
            key,
            cluster: source.cluster.clone().into_owned(),
            authority: source.authority.clone().into_owned(),
            realm: source.realm.clone().into_owned(),
            base_path: source.base_path.clone().into_owned(),
            service: source.service.clone().into_owned(),
            scope: source.scope.clone().into_owned(),
            credential: source.credential.clone().into_owned(),
        }
    }

    fn pinned(&mut self, pinned: Option<&Pinned>) {
        if let Some(pinned) = pinned {
            self.realm.clone_from(&pinned.target);
            if self.service.is_empty() {
                self.service = pinned.service.clone().unwrap_or_default();
            }
        }
    }

    fn fill_in(&mut self) {
        let pinned = pinned(&self.cluster);
        self.pinned(pinned.as_ref());
    }

    /// Whether the backend has to be asked first where its tokens come from.
    fn is_discovery(&self) -> bool {
        self.realm.is_empty()
    }

    fn target(&self) -> String {
        if self.is_discovery() {
            return format!("{}/v2/", self.base_path);
        }
        let service = Some(self.service.as_str()).filter(|service| !service.is_empty());
        token::target(&self.realm, service, &self.scope)
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
