//! The record of one request, in the access log and in the metrics. It has two halves, which no
//! phase of the filter has together: what was [decided](Decided), before anybody was asked, and
//! what came of it, the [attempts](Attempted) and the [end](Outcome). The log line of Envoy joins
//! them.
//!
//! [`LogField`] is the one list of the fields, and [`metric`] that of the metrics with their
//! labels. Everything comes from the policy or is one of a fixed set: no label lets a client make
//! up a new one.

mod attempt_result;
mod attempted;
mod cache_result;
mod call_result;
mod decided;
mod fill_result;
mod kind;
mod log_field;
pub mod metric;
mod outcome;

pub use attempt_result::AttemptResult;
pub use attempted::{Attempted, Tried};
pub use cache_result::CacheResult;
pub use call_result::{FetchResult, ProbeResult, Silence};
pub use decided::Decided;
pub use fill_result::FillResult;
pub use kind::Kind;
pub use log_field::LogField;
pub use outcome::{Outcome, REFUSALS};
