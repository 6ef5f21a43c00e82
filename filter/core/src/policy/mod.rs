//! Where a request goes, and why. Values in, one value out.

mod decide;
mod mount;

pub use decide::{Choice, Decision, Forward, Refusal, decide};
pub use mount::Mounting;
