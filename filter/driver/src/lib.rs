//! What Portolan does between the callbacks of a host, without any host.
//!
//! A request may need something that another service knows: a token, whether a blob store has a blob, how
//! the backends are, whether a password is right. [`Lookups`] asks once, lets everybody wait who wants to know
//! the same, remembers what was found, and leaves a service in trouble alone for a while.
//!
//! # What a host owes
//!
//! * Times are nanoseconds of one clock. It may be set back; then nothing worse happens than a question too
//!   early.
//! * After every call of a method that may have asked something it takes the [calls](Lookups::take_calls)
//!   and makes them. They belong to the worker and to no request: a client that goes away takes nothing
//!   with it. Each ends in one [`Lookups::answered`], also if it could not be made.
//! * It calls [`Lookups::alarm`] at [`Lookups::next_alarm`], or a little later.
//! * Each [`Woken`] stream goes on with what it [learned](Learned). A stream that ends is
//!   [forgotten](Lookups::forget).

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

mod call;
pub mod header_map;
mod lookups;
mod warnings;

pub use call::{Call, CallAnswer, CallId, StreamId};
pub use header_map::HeaderMap;
pub use lookups::{Found, Health, Learned, Lookups, Place, Seed, Woken};
pub use warnings::Warnings;
