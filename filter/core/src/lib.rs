//! Every decision of Portolan, and nothing else.
//!
//! Bytes come in, values go out: there is no Envoy here, no clock, no randomness, no log and
//! no I/O. A host (the proxy-wasm filter, the command line) reads what it is asked for, calls
//! the core and applies the plan it gets back.

#![forbid(unsafe_code)]

pub mod client;
pub mod config;
pub mod grammar;
pub mod registry;
