//! What this worker knows of what blob stores have: who waits to know it, and the calls that find out.
//!
//! A call belongs to who makes it. Were it a request, its client could go away and take the answer with
//! it, while others wait for the same; so requests only say what they want to know, and the root
//! context, which nobody can make go away, makes all calls.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::time::Duration;

use portolan_core::config::{BlobStore, Config};
use portolan_core::policy::StoredBlob;
use portolan_core::probe::{Finding, Lookup, Presence, Probes};
use proxy_wasm::hostcalls;

use crate::facts::Facts;
use crate::host;
use crate::root::Policy;
use crate::stream::{Phase, Stream};

/// How soon the root context asks.
const AT_ONCE: Duration = Duration::from_millis(1);

/// The questions of one policy.
pub(crate) struct Desk(RefCell<State>);

struct State {
    /// By the id of the store.
    stores: Vec<Probes>,
    /// What the root context has to ask.
    queue: Vec<StoredBlob>,
    /// What was asked, by the number of the call.
    calls: HashMap<u32, StoredBlob>,
    waiting: BTreeMap<u32, Rc<Waiting>>,
}

/// A request that waits to know whether a store has its blob.
struct Waiting {
    context: u32,
    policy: Rc<Policy>,
    blob: StoredBlob,
    /// What else is known.
    facts: Facts,
    /// How far it has come since; nothing as long as it waits.
    outcome: RefCell<Option<Phase>>,
}

/// A request's own part of it. When the request goes away, nobody is left to wake.
pub(crate) struct Probing(Rc<Waiting>);

/// What a request gets to know when it asks.
pub(crate) enum Answer {
    /// Go on with this.
    Known(Presence),
    /// It will be woken.
    Wait(Probing),
}

impl Desk {
    pub(crate) fn new(config: &Config) -> Self {
        let stores = config.blob_stores().iter().map(|store| Probes::new(store.probing()));
        Self(RefCell::new(State {
            stores: stores.collect(),
            queue: Vec::new(),
            calls: HashMap::new(),
            waiting: BTreeMap::new(),
        }))
    }
}

impl State {
    /// Leaves a question to the root context.
    fn enqueue(&mut self, blob: StoredBlob) {
        self.queue.push(blob);
        host::set_tick_period(AT_ONCE);
    }
}

/// Asks whether a store has a blob, for the request of a context; `facts` is what else is known of it, if it has to wait.
pub(crate) fn ask(
    policy: &Rc<Policy>,
    blob: &StoredBlob,
    facts: impl FnOnce() -> Facts,
    context: u32,
) -> Answer {
    let mut state = policy.probes.0.borrow_mut();
    let Some(probes) = state.stores.get_mut(blob.store.index()) else {
        return Answer::Known(Presence::Unknown);
    };
    match probes.look_up(&blob.digest, host::now(), context) {
        Lookup::Known(presence) => return Answer::Known(presence),
        Lookup::Confirm(presence) => {
            state.enqueue(blob.clone());
            return Answer::Known(presence);
        }
        Lookup::Wait => {}
        Lookup::Ask => state.enqueue(blob.clone()),
    }
    let waiting = Rc::new(Waiting {
        context,
        policy: Rc::clone(policy),
        blob: blob.clone(),
        facts: facts(),
        outcome: RefCell::default(),
    });
    state.waiting.insert(context, Rc::clone(&waiting));
    Answer::Wait(Probing(waiting))
}

impl Probing {
    /// How far the request has come, once it was woken.
    pub(crate) fn outcome(&self) -> Option<Phase> {
        self.0.outcome.borrow_mut().take()
    }
}

impl Drop for Probing {
    fn drop(&mut self) {
        let Waiting { context, policy, blob, .. } = &*self.0;
        // It is dropped by the stream, never while the desk is at work.
        let Ok(mut state) = policy.probes.0.try_borrow_mut() else { return };
        if state.waiting.remove(context).is_some()
            && let Some(probes) = state.stores.get_mut(blob.store.index())
        {
            probes.forget_waiter(&blob.digest, *context);
        }
    }
}

/// The root context's turn: makes the calls that are wanted.
pub(crate) fn on_tick(policy: &Policy, root: u32) {
    let queue = std::mem::take(&mut policy.probes.0.borrow_mut().queue);
    for blob in queue {
        let store = policy.config.blob_store(blob.store);
        match store.and_then(|store| send(store, &blob)) {
            Some(call) => {
                policy.probes.0.borrow_mut().calls.insert(call, blob);
            }
            None => settle(policy, &blob, Finding::Trouble, root),
        }
    }
}

/// The answer to a call of the root context.
pub(crate) fn on_answer(policy: &Policy, root: u32, call: u32) {
    let Some(blob) = policy.probes.0.borrow_mut().calls.remove(&call) else { return };
    let status = host::call::header_map().and_then(|headers| headers.status());
    settle(policy, &blob, Finding::of(status), root);
}

/// The number of the call; `None` if it cannot be made.
fn send(store: &BlobStore, blob: &StoredBlob) -> Option<u32> {
    let path = store.url().path(&blob.digest);
    let headers = vec![
        (":method", "HEAD"),
        (":path", path.as_str()),
        (":authority", store.url().origin().authority()),
        ("user-agent", "portolan"),
    ];
    let timeout = store.probing().timeout;
    hostcalls::dispatch_http_call(store.cluster(), headers, None, vec![], timeout).ok()
}

fn settle(policy: &Policy, blob: &StoredBlob, finding: Finding, root: u32) {
    let now = host::now();
    let (woken, is_news) = {
        let mut state = policy.probes.0.borrow_mut();
        let Some(probes) = state.stores.get_mut(blob.store.index()) else { return };
        let is_news = finding == Finding::Trouble && !probes.is_in_trouble(now);
        let contexts = probes.settle(&blob.digest, finding, now).into_iter();
        let woken = contexts.filter_map(|context| state.waiting.remove(&context));
        (woken.collect::<Vec<Rc<Waiting>>>(), is_news)
    };
    if is_news {
        let store = policy.config.blob_store(blob.store).map_or("", BlobStore::name);
        log::warn!(
            "portolan: the blob store `{store}` is in trouble or cannot be reached; blobs come from the \
             backends meanwhile"
        );
    }
    for waiting in woken {
        wake(&waiting, finding.presence(), root);
    }
}

/// Decides about a paused request with what was found, and turns back to the root context.
fn wake(waiting: &Waiting, presence: Presence, root: u32) {
    if !host::switch_to(waiting.context) {
        return;
    }
    let facts = Facts { in_store: Some(presence), ..waiting.facts.clone() };
    let phase = Stream::start(&waiting.policy, &facts, waiting.context);
    let goes_on = matches!(phase, Phase::Forwarded(..));
    *waiting.outcome.borrow_mut() = Some(phase);
    if goes_on {
        host::resume_request();
    }
    host::switch_to(root);
}
