//! What all streams of a worker share: what is looked up, and who waits for it.
//!
//! A call belongs to the context that makes it, and is lost with it. So streams leave their calls here, and
//! the root context, which no client can make go away, makes them at its next turn, a millisecond later.
//! The SDK makes contexts by a plain function, which is why there is one static here.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::rc::Rc;
use std::time::Duration;

use portolan_driver::{CallAnswer, CallId, Learned, Lookups, Seed, StreamId, Warnings, Woken};
use proxy_wasm::hostcalls;

use crate::host;

/// How soon the root context makes a call.
const AT_ONCE: u64 = MILLISECOND;
/// How much later than it was to come a turn of a root context counts as one that does not come: Envoy has
/// taken the context away.
const OVERDUE: u64 = 100 * MILLISECOND;
const MILLISECOND: u64 = 1_000_000;
/// The most lines of one worker in a minute, of those that a registry may cause.
const MOST_LINES: usize = 256;

thread_local! {
    static WORKER: RefCell<Worker> = RefCell::new(Worker::new());
}

struct Worker {
    lookups: Lookups,
    /// The streams that wait.
    paused: BTreeMap<StreamId, Rc<dyn Paused>>,
    /// The calls that Envoy makes, by its own numbers.
    calls: HashMap<u32, CallId>,
    /// When the next turn of a root context comes, in nanoseconds.
    turn: Option<u64>,
    warnings: Warnings,
}

/// A stream that waits.
pub(crate) trait Paused {
    /// Goes on. The stream is the effective context.
    fn wake(self: Rc<Self>, learned: Learned);
}

/// Whether no backend is known to be limited. The answer needs no time, which is a call to Envoy.
pub(crate) fn nobody_is_limited() -> bool {
    WORKER.with_borrow(|worker| worker.lookups.nobody_is_limited())
}

/// Works with what is looked up, at this moment in nanoseconds.
pub(crate) fn look_up<T>(work: impl FnOnce(&mut Lookups, u64) -> T) -> T {
    let now = host::now();
    WORKER.with_borrow_mut(|worker| {
        let result = work(&mut worker.lookups, now);
        worker.set_turn(now);
        result
    })
}

/// Has a stream woken when it has learned what it waits for.
pub(crate) fn pause(stream: StreamId, paused: Rc<dyn Paused>) {
    WORKER.with_borrow_mut(|worker| worker.paused.insert(stream, paused));
}

/// A stream is over, whether it still waits or not.
pub(crate) fn forget(stream: StreamId) {
    WORKER.with_borrow_mut(|worker| {
        if worker.paused.remove(&stream).is_some() {
            worker.lookups.forget(stream);
        }
    });
}

/// Writes a line into Envoy's log, unless the same was written within a minute.
pub(crate) fn warn_once(line: &str) {
    let now = host::now();
    if WORKER.with_borrow_mut(|worker| worker.warnings.is_due(line, now)) {
        log::warn!("{line}");
    }
}

/// The turn of a root context.
pub(crate) fn on_tick(root: u32) {
    let now = host::now();
    let woken = WORKER.with_borrow_mut(|worker| {
        worker.turn = None;
        worker.lookups.alarm(now)
    });
    wake(woken, root);
    make_calls(root);
    WORKER.with_borrow_mut(|worker| {
        if worker.turn.is_none() {
            host::set_tick_period(Duration::ZERO);
            worker.set_turn(now);
        }
    });
}

/// The answer to a call of a root context.
pub(crate) fn on_answer(root: u32, call: u32, body_size: usize) {
    let Some(id) = WORKER.with_borrow_mut(|worker| worker.calls.remove(&call)) else { return };
    let headers = host::call::header_map();
    let body = host::call::body(body_size);
    answered(id, &CallAnswer { headers: headers.as_ref(), body: &body }, root);
    make_calls(root);
}

fn answered(id: CallId, answer: &CallAnswer<'_>, root: u32) {
    wake(look_up(|lookups, now| lookups.answered(id, answer, now)), root);
}

/// Lets streams go on, and turns back to the root context.
fn wake(woken: Vec<Woken>, root: u32) {
    for Woken { stream, learned } in woken {
        let paused = WORKER.with_borrow_mut(|worker| worker.paused.remove(&stream));
        if let Some(paused) = paused
            && host::switch_to(stream)
        {
            paused.wake(learned);
            host::switch_to(root);
        }
    }
}

/// Makes the calls that are wanted. One that cannot be made may lead to another.
fn make_calls(root: u32) {
    loop {
        let (calls, lines) = WORKER
            .with_borrow_mut(|worker| (worker.lookups.take_calls(), worker.lookups.take_lines()));
        for line in lines {
            log::warn!("{line}");
        }
        if calls.is_empty() {
            return;
        }
        for (id, call) in calls {
            let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str()));
            let headers = headers.collect();
            match hostcalls::dispatch_http_call(
                &call.cluster,
                headers,
                None,
                Vec::new(),
                call.timeout,
            ) {
                Ok(number) => {
                    WORKER.with_borrow_mut(|worker| worker.calls.insert(number, id));
                }
                Err(_) => answered(id, &CallAnswer::default(), root),
            }
        }
    }
}

impl Worker {
    fn new() -> Self {
        // Envoy's random numbers (`random_get` of WASI), through a function that hides them.
        let random = RandomState::new();
        let seed = Seed(random.hash_one(0_u8), random.hash_one(1_u8));
        Self {
            lookups: Lookups::new(seed),
            paused: BTreeMap::new(),
            calls: HashMap::new(),
            turn: None,
            warnings: Warnings::new(MOST_LINES),
        }
    }

    /// Has the root context of the effective context take a turn when there is something to do, unless
    /// one comes before. It costs nothing while there is nothing to do.
    fn set_turn(&mut self, now: u64) {
        let at_once = self.lookups.has_calls().then(|| now.saturating_add(AT_ONCE));
        let Some(wanted) = at_once.or_else(|| self.lookups.next_alarm()) else { return };
        let comes_before = |turn: u64| turn <= wanted && now < turn.saturating_add(OVERDUE);
        if self.turn.is_some_and(comes_before) {
            return;
        }
        self.turn = Some(wanted);
        // Not a moment before: a turn that finds nothing to do would have to be followed by another.
        let milliseconds = wanted.saturating_sub(now).div_ceil(MILLISECOND).max(1);
        host::set_tick_period(Duration::from_millis(milliseconds));
    }
}
