//! Where a request goes, and why. Values in, one value out.

mod decide;
mod freshness;
mod mount;

pub use decide::{Choice, Decision, Forward, Refusal, decide};
pub use freshness::{Push, Question, SLOTS, push};
pub use mount::Mounting;
