//! The decision about a request: its destination, and the reason. Values in, one value out.

mod admission;
pub mod cache;
mod client_redirect;
mod decide;
mod freshness;
mod front_realm;
mod mount;
pub mod naming;
mod need;
mod refusal;
mod refused;
mod stale_tag;
mod tag_memory;
mod token_scope;

pub use admission::Identity;
pub use cache::CacheUse;
pub use decide::{Asked, Choice, Decision, Forward, decide};
pub use freshness::{Push, Question, SLOTS, push};
pub use front_realm::{
    FrontRealm, HEALTH_PATH, LIVENESS_PATH, METRICS_PATH, TOKEN_PATH, in_token_path,
};
pub use mount::Mounting;
pub use naming::Naming;
pub use need::{Content, Facts, Need, Password, StoredBlob};
pub use refusal::Refusal;
pub use refused::{Asker, refuse, refuse_client};
pub use stale_tag::{CachePlace, StaleTag, written_tag};
pub use tag_memory::{Accepts, TAG_SLOTS, TagAnswer, TagQuestion, recollect};
pub use token_scope::{TokenScope, token_scope};
