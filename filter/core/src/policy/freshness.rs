//! Reading recent pushes: `read_your_writes`.
//!
//! Replication between registries takes a while. A rule may say that for some time after a
//! push the tags of the repository are read from its owner. When a push was is not policy: it
//! is a fact that the host keeps, for all workers of a process, in a table of fixed size.

use std::time::Duration;

use crate::config::{Rule, stable_hash};
use crate::oci::{Endpoint, RegistryRequest};

/// How many times of pushes a host keeps. Two repositories that share one are both read from
/// their owners for a while, which is slower and never wrong.
pub const SLOTS: u64 = 4096;

/// A question to the host: was there a push lately? It answers by deciding again with the fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which of the [`SLOTS`] to look at.
    pub slot: u32,
}

/// What a host notes when a push has succeeded: until when `slot` counts as just pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Push {
    /// Which of the [`SLOTS`] to write.
    pub slot: u32,
    /// How long from now.
    pub window: Duration,
}

fn slot(repository: &str) -> u32 {
    u32::try_from(stable_hash(repository) % SLOTS).unwrap_or(0)
}

/// The question that a read by tag in this rule depends on.
pub(super) fn question(rule: &Rule, repository: &str) -> Option<Question> {
    rule.read_your_writes().map(|_| Question { slot: slot(repository) })
}

/// What to note if this request succeeds: a manifest that is written or deleted.
#[must_use]
pub fn push(rule: &Rule, repository: &str, request: &RegistryRequest<'_>) -> Option<Push> {
    let writes = matches!(request.endpoint, Endpoint::Manifest { .. }) && !request.method.is_read();
    let window = rule.read_your_writes().filter(|_| writes)?;
    Some(Push { slot: slot(repository), window })
}
