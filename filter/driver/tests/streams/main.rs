//! A whole worker without Envoy: requests and attempts step by step as tables, and random orders of
//! what can happen.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::struct_excessive_bools,
    clippy::arithmetic_side_effects,
    clippy::type_complexity,
    clippy::too_many_lines,
    reason = "tests are case tables, and a panic in a test is its result"
)]

mod answers;
mod attempts;
mod caches;
mod credentials;
mod fills;
mod hedged;
mod host;
mod notes;
mod outcome;
mod overlap;
mod policies;
mod properties;
mod redirects;
mod requests;
mod simulator;
mod stale_tags;
mod tokens;
