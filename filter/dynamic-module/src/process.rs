//! The driver's worker, which all workers of Envoy share, and what it wants done.
//!
//! A token, the answer of a store or how the backends are is so learned once for the process. A
//! hook has the worker for as long as it decides, and has it no more when it does what was decided:
//! Envoy may run another hook inside of that. Calls of the worker's are made on the main thread, in
//! the name of a configuration, which no client can make go away. Streams that wait for their
//! answer are woken on their own threads.
#![expect(unsafe_code, reason = "one type of the driver's goes from thread to thread")]

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use portolan_core::content::{Check, Verdict};
use portolan_core::contract::{clusters, headers};
use portolan_driver::{
    CallAnswer, CallId, Configured, Effect, Filter, Flow, Seed, Side, StreamId, Woken, Worker,
};

use crate::abi::{Callbacks, Object, value};
use crate::host::{self, Host};
use crate::metrics::Metrics;
use crate::scheduler::Scheduler;
use crate::{alarm, pushes, tags};

/// What all hooks share.
pub(crate) struct Shared {
    pub(crate) worker: Worker,
    streams: HashMap<StreamId, Waiting>,
    /// The calls that Envoy makes, by their configuration and its number.
    calls: HashMap<(usize, u64), CallId>,
    last: StreamId,
}

/// What a stream has to be told, and how it is woken; there is no way yet if it has never waited.
struct Waiting {
    filter: Object,
    scheduler: Option<Scheduler>,
    woken: VecDeque<Woken>,
}

// SAFETY: the worker, a filter and what a stream is told count references without locks. All of
// them are made, cloned and dropped in `Shared` and `Kept`, under the one lock below; effects,
// calls and lines, which leave it, have none.
unsafe impl Send for Shared {}

static SHARED: LazyLock<Mutex<Shared>> = LazyLock::new(|| {
    let random = RandomState::new();
    let worker = Worker::new(Seed(random.hash_one(0_u8), random.hash_one(1_u8)));
    Mutex::new(Shared { worker, streams: HashMap::new(), calls: HashMap::new(), last: 0 })
});

fn shared() -> MutexGuard<'static, Shared> {
    // A panic has left nothing half done that is not checked again: maps, and times.
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The driver's part of a configuration. It is read and dropped under the lock.
pub(crate) struct Kept(Option<Filter>);

impl Drop for Kept {
    fn drop(&mut self) {
        let shared = shared();
        drop(self.0.take());
        drop(shared);
    }
}

/// The configuration of one filter, for Envoy as long as it wants it.
pub(crate) struct Config {
    pub(crate) envoy: &'static Callbacks,
    pub(crate) object: Object,
    pub(crate) filter: Kept,
    /// What a paused request is to Envoy.
    pub(crate) pause: u32,
    /// Whether its streams are attempts.
    pub(crate) is_attempt: bool,
    /// Whether it counts what the worker has measured.
    pub(crate) counts: bool,
    /// What is counted.
    pub(crate) metrics: Metrics,
}

/// One stream: one pass of a request, or one attempt.
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) host: Host,
    /// What it is to Envoy when its request waits.
    pub(crate) pause: u32,
    pub(crate) metrics: Metrics,
    is_attempt: bool,
    /// The stream of the request, of an attempt that has begun.
    request: Cell<Option<StreamId>>,
    /// The check of the body of its response, where it has one. It is done outside of the lock.
    check: RefCell<Option<Check>>,
}

impl Stream {
    /// Whether the body of its response is checked.
    pub(crate) fn has_check(&self) -> bool {
        self.check.borrow().is_some()
    }
}

/// Takes in a configuration. What it says to an operator is handed to `tell`.
pub(crate) fn configure(text: &[u8], tell: impl FnOnce(&Configured)) -> Result<Kept, Vec<String>> {
    let mut shared = shared();
    let configured = shared.worker.configure(text)?;
    tell(&configured);
    let kept = Kept(Some(configured.filter));
    drop(shared);
    Ok(kept)
}

/// A stream begins.
pub(crate) fn open(config: &Config, filter: Object) -> Stream {
    let mut shared = shared();
    let mut id = shared.last.wrapping_add(1);
    // Zero is nobody's (`refuse`); long streams may have the first numbers when they come again.
    while id == 0 || shared.streams.contains_key(&id) {
        id = id.wrapping_add(1);
    }
    shared.last = id;
    let waiting = Waiting { filter, scheduler: None, woken: VecDeque::new() };
    shared.streams.insert(id, waiting);
    if let Some(filter) = &config.filter.0 {
        shared.worker.open(filter, id);
    }
    let Config { envoy, pause, metrics, is_attempt, .. } = *config;
    let host = Host { envoy, filter };
    let (request, check) = (Cell::new(None), RefCell::new(None));
    Stream { id, host, pause, metrics, is_attempt, request, check }
}

/// Lets the worker do something for a stream, one of whose hooks runs, and does what follows from
/// it.
pub(crate) fn run(
    stream: &Stream,
    work: impl FnOnce(&mut Shared, &Host, &mut Vec<Effect>) -> Flow,
) -> Flow {
    let mut effects = Vec::new();
    let flow = {
        let mut shared = shared();
        let flow = work(&mut shared, &stream.host, &mut effects);
        // In the order in which the worker has said so, whichever thread is the next to have it.
        for effect in &effects {
            if let Effect::SetTimer(period) = effect {
                alarm::set(*period);
            }
        }
        let is_over = effects.iter().any(|effect| matches!(effect, Effect::Reply(..)));
        let waits = flow == Flow::Pause && !is_over;
        // A scheduler can be had on the stream's own thread alone, so before anybody wants to wake
        // it.
        if (waits || shared.worker.has_deadline(stream.id))
            && let Some(waiting) = shared.streams.get_mut(&stream.id)
        {
            let Host { envoy, filter } = stream.host;
            waiting.scheduler.get_or_insert_with(|| Scheduler::of_filter(envoy, filter));
        }
        flow
    };
    let mut changes_request = false;
    for effect in effects {
        changes_request |= is_of_request(&effect);
        if matches!(effect, Effect::Resume) && std::mem::take(&mut changes_request) {
            stream.host.clear_route();
        }
        apply(effect, stream);
    }
    if changes_request {
        stream.host.clear_route();
    }
    flow
}

/// Whether the route may be another one after it.
const fn is_of_request(effect: &Effect) -> bool {
    use Effect::{AddHeader, RemoveHeader, SetHeader};
    let (SetHeader(side, ..) | AddHeader(side, ..) | RemoveHeader(side, _)) = effect else {
        return false;
    };
    matches!(side, Side::Request)
}

/// Looks which request an attempt is of.
pub(crate) fn find_request(stream: &Stream) {
    if stream.is_attempt {
        stream.request.set(stream.host.request());
    }
}

/// Takes in what has come of the body of a response; whether it goes on. Other content ends here.
pub(crate) fn check_body(stream: &Stream, is_end: bool) -> Flow {
    let verdict = stream.check.borrow_mut().as_mut().map(|check| {
        stream.host.with_response_body(|part| check.take(part));
        check.verdict(is_end)
    });
    if verdict != Some(Verdict::Wrong) {
        return Flow::Continue;
    }
    run(stream, |shared, host, effects| {
        shared.worker.body_is_wrong(stream.id, host, effects);
        Flow::Pause
    })
}

/// A stream is over. What an attempt has still to note is noted by the filter of its request, which
/// ends later: Envoy has taken all from a filter that is destroyed, and tells no filter of an
/// attempt before.
pub(crate) fn close(stream: &Stream) {
    let request = stream.request.get();
    let filter = request.and_then(|id| shared().streams.get(&id).map(|request| request.filter));
    let host = Host { filter: filter.unwrap_or(stream.host.filter), ..stream.host };
    let stream =
        &Stream { host, request: Cell::new(request), check: RefCell::new(None), ..*stream };
    run(stream, |shared, host, effects| {
        shared.streams.remove(&stream.id);
        shared.worker.close(stream.id, host, effects);
        Flow::Continue
    });
}

/// Answers a stream whose hook has failed, as one of which nothing is known.
pub(crate) fn refuse(stream: &Stream) {
    const NOBODY: StreamId = 0;
    run(stream, |shared, host, effects| shared.worker.request_headers(NOBODY, host, true, effects));
}

/// A stream that has waited has its turn. There is one for each thing that it is told.
pub(crate) fn resume(stream: &Stream) {
    run(stream, |shared, host, effects| {
        let waiting = shared.streams.get_mut(&stream.id);
        if let Some(woken) = waiting.and_then(|waiting| waiting.woken.pop_front()) {
            shared.worker.resume(woken, host, effects);
        }
        Flow::Continue
    });
}

/// A call in the name of a stream has an answer, or could not be made.
pub(crate) fn answered_stream(stream: &Stream, answer: &CallAnswer<'_>) {
    run(stream, |shared, host, effects| {
        shared.worker.call_answered(stream.id, host, answer, effects);
        Flow::Continue
    });
}

/// A turn of a configuration, on the main thread.
pub(crate) fn on_turn(config: &Config) {
    let mut shared = shared();
    let woken = shared.worker.alarm(host::now());
    shared.wake(woken);
    drop(shared);
    finish(config);
}

/// A call of the worker's has an answer, on the main thread.
pub(crate) fn answered(config: &Config, number: u64, answer: &CallAnswer<'_>) {
    let mut shared = shared();
    if let Some(id) = shared.calls.remove(&(config.object as usize, number)) {
        shared.answer(id, answer);
    }
    drop(shared);
    finish(config);
}

/// A configuration goes away, and its calls with it.
pub(crate) fn forget(config: &Config) {
    let object = config.object as usize;
    alarm::remove(object);
    shared().calls.retain(|(of, _), _| *of != object);
}

/// Makes the calls that are wanted, and sets the timer. A call that cannot be made may lead to
/// another.
fn finish(config: &Config) {
    loop {
        let mut shared = shared();
        let (calls, lines) = (shared.worker.take_calls(), shared.worker.take_lines());
        let measured = if config.counts { shared.worker.take_measured() } else { Vec::new() };
        drop(shared);
        config.metrics.take(&measured);
        for line in lines {
            host::log(config.envoy, value::WARN, &line);
        }
        if calls.is_empty() {
            break;
        }
        for (id, call) in calls {
            let begin = config.envoy.http_filter_config_http_callout;
            let number = host::start(&call, config.object, begin);
            let mut shared = self::shared();
            match number {
                Some(number) => drop(shared.calls.insert((config.object as usize, number), id)),
                None => shared.answer(id, &CallAnswer::default()),
            }
        }
    }
    if let Some(period) = shared().worker.timer(host::now()) {
        alarm::set(period);
    }
}

impl Shared {
    fn answer(&mut self, id: CallId, answer: &CallAnswer<'_>) {
        let woken = self.worker.answered(id, answer, host::now());
        self.wake(woken);
    }

    /// Has streams go on, each on its own thread.
    fn wake(&mut self, woken: Vec<Woken>) {
        for woken in woken {
            if let Some(waiting) = self.streams.get_mut(&woken.stream) {
                waiting.woken.push_back(woken);
                if let Some(scheduler) = &waiting.scheduler {
                    scheduler.commit();
                }
            }
        }
    }
}

fn apply(effect: Effect, stream: &Stream) {
    let host = &stream.host;
    match effect {
        Effect::SetHeader(side, name, value) => {
            host.set_header(side, name, &value);
            // Only an attempt at one of several backends has anything to note when it is over.
            if name == headers::CLUSTER && clusters::is_of_several(&value) {
                host.note_request(stream.id);
            }
        }
        Effect::AddHeader(side, name, value) => host.add_header(side, name, &value),
        Effect::RemoveHeader(side, name) => host.remove_header(side, &name),
        Effect::SetState(key, value) => host.set_state(key, &value),
        Effect::DropBody(size) => host.drop_body(size),
        Effect::CheckBody(expected) => {
            stream.check.replace(Some(Check::new(expected)));
        }
        Effect::Reply(reply, details) => host.reply(&reply, &details),
        Effect::Resume => host.resume(),
        Effect::Call(call) => {
            if !host.call(&call) {
                answered_stream(stream, &CallAnswer::default());
            }
        }
        Effect::NotePush { slot, until } => pushes::note(slot, until),
        Effect::RememberTag { slot, value } => tags::remember(slot, value),
        // Already done, in its order.
        Effect::SetTimer(_) => {}
        Effect::Warn(line) => host::log(host.envoy, value::WARN, &line),
    }
}
