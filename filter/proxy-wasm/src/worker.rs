//! The driver's worker, and what it wants done.
//!
//! A call of the worker's belongs to the root context, which no client can make go away; the root
//! context makes them at its next turn, a millisecond later. A stream's own call is lost with it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use portolan_core::content::Check;
use portolan_driver::{Call, CallAnswer, CallId, Effect, Seed, Side, StreamId, Woken, Worker};
use proxy_wasm::hostcalls;
use proxy_wasm::types::{BufferType, MapType};

use crate::exchange::Envoy;
use crate::{host, metrics, shared};

thread_local! {
    /// The SDK makes contexts by a plain function, which is why there is a static.
    static SHARED: RefCell<Shared> = {
        // Envoy's random numbers (`random_get` of WASI), through a function that hides them.
        let random = RandomState::new();
        let seed = Seed(random.hash_one(0_u8), random.hash_one(1_u8));
        RefCell::new(Shared { worker: Worker::new(seed), calls: HashMap::new() })
    };
}

/// What all contexts of a worker share.
struct Shared {
    worker: Worker,
    /// The calls that Envoy makes, by its own numbers.
    calls: HashMap<u32, Caller>,
}

/// In whose name a call is made.
#[derive(Clone, Copy)]
enum Caller {
    Worker(CallId),
    Stream(StreamId),
}

/// Works with the worker.
pub(crate) fn with<T>(work: impl FnOnce(&mut Worker) -> T) -> T {
    SHARED.with_borrow_mut(|shared| work(&mut shared.worker))
}

/// Lets the worker work for a stream, which is the effective context, and applies what follows.
pub(crate) fn run<T>(
    stream: StreamId,
    work: impl FnOnce(&mut Worker, &Envoy, &mut Vec<Effect>) -> T,
) -> T {
    run_and_check(stream, work).0
}

/// The same, and the check of the body that the worker wants.
pub(crate) fn run_and_check<T>(
    stream: StreamId,
    work: impl FnOnce(&mut Worker, &Envoy, &mut Vec<Effect>) -> T,
) -> (T, Option<Check>) {
    let mut effects = Vec::new();
    let result = with(|worker| work(worker, &Envoy, &mut effects));
    let mut check = None;
    for effect in effects {
        match effect {
            Effect::CheckBody(expected) => check = Some(Check::new(expected)),
            other => apply(other, stream),
        }
    }
    (result, check)
}

/// The turn of a root context.
pub(crate) fn on_tick(root: u32) {
    let woken = with(|worker| worker.alarm(host::now()));
    wake(woken, root);
    finish(root);
}

/// The answer to a call, in a root context or in a stream.
pub(crate) fn on_answer(context: u32, call: u32, body_size: usize) {
    let caller = SHARED.with_borrow_mut(|shared| shared.calls.remove(&call));
    let headers = host::header_map(MapType::HttpCallResponseHeaders);
    let body = host::body(BufferType::HttpCallResponseBody, body_size);
    let answer = CallAnswer { headers: headers.as_ref(), body: &body };
    match caller {
        None => {}
        Some(Caller::Worker(id)) => {
            wake(with(|worker| worker.answered(id, &answer, host::now())), context);
            finish(context);
        }
        Some(Caller::Stream(stream)) => answered(stream, &answer),
    }
}

fn answered(stream: StreamId, answer: &CallAnswer<'_>) {
    if switch_to(stream) {
        run(stream, |worker, envoy, effects| worker.call_answered(stream, envoy, answer, effects));
    }
}

/// Does what follows for another stream, as far as it is still there; whether it is.
fn switch_to(context: u32) -> bool {
    hostcalls::set_effective_context(context).is_ok()
}

/// Lets streams go on, and turns back to the root context.
fn wake(woken: Vec<Woken>, root: u32) {
    for woken in woken {
        let stream = woken.stream;
        if switch_to(stream) {
            run(stream, |worker, envoy, effects| worker.resume(woken, envoy, effects));
            switch_to(root);
        }
    }
}

/// Makes the calls that are wanted, and sets the timer. A call that fails may lead to another.
fn finish(root: u32) {
    loop {
        let (calls, lines) = with(|worker| (worker.take_calls(), worker.take_lines()));
        for line in lines {
            log::warn!("{line}");
        }
        with(Worker::take_measured).iter().for_each(metrics::note);
        if calls.is_empty() {
            break;
        }
        for (id, call) in calls {
            if !make(&call, Caller::Worker(id)) {
                let answer = CallAnswer::default();
                wake(with(|worker| worker.answered(id, &answer, host::now())), root);
            }
        }
    }
    if let Some(period) = with(|worker| worker.timer(host::now())) {
        host::set_tick_period(period);
    }
}

/// Makes a call; whether that was possible.
fn make(call: &Call, caller: Caller) -> bool {
    let headers = call.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let body = Some(call.body.as_bytes()).filter(|body| !body.is_empty());
    let made =
        hostcalls::dispatch_http_call(&call.cluster, headers, body, Vec::new(), call.timeout);
    let Ok(number) = made else { return false };
    SHARED.with_borrow_mut(|shared| shared.calls.insert(number, caller));
    true
}

fn apply(effect: Effect, stream: StreamId) {
    match effect {
        Effect::SetHeader(side, name, value) => host::set_header(of(side), name, &value),
        Effect::AddHeader(side, name, value) => host::add_header(of(side), name, &value),
        Effect::RemoveHeader(side, name) => host::remove_header(of(side), &name),
        Effect::SetState(key, value) => host::set_state(key, &value),
        Effect::DropBody(size) => host::drop_request_body(size),
        // Whoever has the stream keeps it.
        Effect::CheckBody(_) => {}
        Effect::Reply(reply, details) => host::reply(&reply, &details),
        Effect::Resume => host::resume_request(),
        Effect::Call(call) => {
            if !make(&call, Caller::Stream(stream)) {
                answered(stream, &CallAnswer::default());
            }
        }
        Effect::NotePush { slot, until } => shared::note_push(slot, until),
        Effect::RememberTag { slot, value } => shared::remember_tag(slot, &value),
        Effect::SetTimer(period) => host::set_tick_period(period),
        Effect::Warn(line) => log::warn!("{line}"),
    }
}

const fn of(side: Side) -> MapType {
    match side {
        Side::Request => MapType::HttpRequestHeaders,
        Side::Response => MapType::HttpResponseHeaders,
    }
}
