//! The record of one request: the fields of its line in the access log.
//!
//! Everything here comes from the policy or is one of a fixed set, such as the countries: each field can also be
//! the label of a metric without letting a client make up new ones.

mod attempt_result;
mod cache_result;
mod call_result;
mod fill_result;
mod kind;
mod log_field;
pub mod metric;
mod outcome;

pub use attempt_result::AttemptResult;
pub use cache_result::CacheResult;
pub use call_result::{FetchResult, ProbeResult, Silence};
pub use fill_result::FillResult;
pub use kind::Kind;
pub use log_field::LogField;
pub use outcome::{Outcome, REFUSALS};

use crate::config::geography::Country;
use crate::registry::Class;

/// The record of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record<'c> {
    /// The front that was asked; `None` if no front has the authority.
    pub front: Option<&'c str>,
    /// The region of the client.
    pub region: &'c str,
    /// The country that a believed header or database puts the client in.
    pub country: Option<Country>,
    /// What the request is; `None` if it is not of the distribution spec.
    pub class: Option<Class>,
    /// The word for it in the metrics.
    pub kind: Kind,
    /// The rule that matched.
    pub rule: Option<&'c str>,
    /// The backend that is asked first, or the backend or blob store that a client is sent to; `None` if the proxy
    /// answers itself.
    pub backend: Option<&'c str>,
    /// Why: how the client was located and why the backend was chosen, or why not.
    pub reason: String,
}
