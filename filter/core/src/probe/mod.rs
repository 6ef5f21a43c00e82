//! Probes of blob stores: the meaning of a store's answer.

mod finding;

pub use finding::{Finding, Presence};
