//! What a blob store's answer says about a blob.

mod finding;

pub use finding::{Finding, Presence};
