//! Where a request goes, and why. Values in, one value out.

mod admission;
mod decide;
mod freshness;
mod mount;
mod origin;
mod redirect;
mod token_scope;

pub use admission::Identity;
pub use decide::{Choice, Decision, Facts, Forward, Refusal, decide};
pub use freshness::{Push, Question, SLOTS, push};
pub use mount::Mounting;
pub use origin::{Origin, TOKEN_PATH};
pub use redirect::StoredBlob;
pub use token_scope::{TokenScope, token_scope};
