//! Every decision of Portolan, and nothing else.
//!
//! Bytes come in, values go out: there is no Envoy here, no clock, no randomness, no log and
//! no I/O. A host (the proxy-wasm filter, the command line) reads what it is asked for, calls
//! a door and applies what it gets back:
//!
//! * [`plan`] takes a request's head and what is known besides, and says what to do with it, or
//!   what has to be found out first ([`Need`]),
//! * [`attempt`] says what each attempt is sent, and what the answers of all of them mean,
//! * [`response::amend`] takes a header of the answer and says what becomes of it.
//!
//! What it shares with Envoy's configuration is named in [`contract`].
//!
//! The modules are rooms, in the order in which a request passes them. A room imports only
//! rooms that the request has already passed, plus [`config`] and [`grammar`];
//! `tests/rooms.rs` holds that.

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

pub mod attempt;
pub mod challenge;
pub mod client;
pub mod client_files;
pub mod config;
pub mod content;
pub mod contract;
pub mod grammar;
pub mod health;
pub mod oci;
mod plan;
pub mod policy;
pub mod probe;
pub mod record;
pub mod reply;
pub mod response;
pub mod token;

pub use plan::{
    Action, Authorization, ExchangeRequest, Forwarding, Plan, RequestHead, TokenEndpoint,
    UPLOAD_CONTENT_TYPE, is_withheld, plan,
};
pub use policy::{Facts, Need, Password};
