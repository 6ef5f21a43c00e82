//! The state machines of requests and attempts between the callbacks of a host, without any host.
//!
//! A [`Worker`] has the state machines of all its streams: requests, attempts at backends, attempts
//! where a redirect leads, and forms at the token endpoint. A callback of a stream reads what it
//! needs through [`Exchange`] and says what is to be done as [`Effect`]s. What another service has
//! to be asked for (a token, whether a blob store has a blob, how the backends are, whether a
//! password is right) is looked up once for all streams that want to know it; they wait for the
//! answer, no longer than each may.
//!
//! # What a host owes
//!
//! * Each stream is [opened](Worker::open) before its first callback and [closed](Worker::close)
//!   after its last.
//! * When a callback returns, its effects are applied, in their order and in the name of its
//!   stream. What they cause (a local reply that runs the response's callbacks) comes after that.
//! * Times are nanoseconds of one clock. It may be set back; then nothing worse happens than a
//!   question too early.
//! * The worker's [calls](Worker::take_calls) are made when the [timer](Effect::SetTimer) has come,
//!   and after each [answer](Worker::answered). They belong to the worker and to no request: a
//!   client that goes away takes nothing with it. Each ends in one answer, also if it could not be
//!   made.
//! * What the worker has [measured](Worker::take_measured) is taken whenever its calls are.
//! * Each [`Woken`] stream that is still there is [resumed](Worker::resume).

#![forbid(unsafe_code)]
#![cfg_attr(
    test,
    allow(
        clippy::too_many_lines,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::type_complexity,
        reason = "tests are case tables, and a panic in a test is its result"
    )
)]

mod asked;
mod attempt;
mod call;
mod callback;
mod deadlines;
mod effect;
mod exchange;
mod filter;
pub mod header_map;
mod lookups;
mod measured;
mod memory;
mod redirect;
mod redirect_target;
mod request;
mod snapshot;
mod timer;
mod token_exchange;
mod token_form;
mod warnings;
mod worker;

pub use call::{Call, CallAnswer, CallId, StreamId};
pub use effect::{Effect, Flow, Side, Value};
pub use exchange::Exchange;
pub use filter::{Configured, Filter};
pub use header_map::HeaderMap;
pub use lookups::{Found, Learned, Seed, Woken};
pub use measured::{Measured, QUANTITIES, Quantity};
pub use worker::Worker;
