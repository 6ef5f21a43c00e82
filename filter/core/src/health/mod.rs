//! The health of backends as Envoy knows it, and the answer of a front about it.
//!
//! A filter cannot read the health of a cluster. Envoy's admin interface can,
//! `GET /clusters?format=json`; the host asks it, not for each request, and hands over the answer.

mod report;
mod table;

pub use report::{HealthView, Report};
pub use table::{Health, State};

/// What the host asks, at the cluster [`crate::contract::clusters::ADMIN`], which leads to nothing
/// else.
pub const TARGET: &str = "/clusters?format=json";
