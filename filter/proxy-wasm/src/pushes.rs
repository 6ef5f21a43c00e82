//! When there were pushes, for all workers of the process.
//!
//! Envoy's shared data has no deletion and no expiry, so the keys are a fixed set and each holds
//! until when its repositories count as just pushed.

use portolan_core::policy::{Push, Question};

use crate::host;

/// Workers that push to the same slot at the same moment have to try again; more than a few
/// times in a row does not happen.
const TRIES: usize = 16;

/// Whether there was a push in the window of a slot.
pub(crate) fn is_recent(question: Question) -> bool {
    let until = host::shared(&key(question.slot)).map(|(value, _)| read(&value));
    until.is_some_and(|until| until > host::now())
}

/// Notes a push. A later end wins, so that a short window never cuts a longer one.
pub(crate) fn note(push: Push) {
    let key = key(push.slot);
    let window = u64::try_from(push.window.as_nanos()).unwrap_or(u64::MAX);
    let until = host::now().saturating_add(window);
    for _ in 0..TRIES {
        let (value, version) = host::shared(&key).unwrap_or_default();
        if read(&value) >= until || host::set_shared(&key, &until.to_le_bytes(), version) {
            return;
        }
    }
}

fn key(slot: u32) -> String {
    format!("portolan.push.{slot}")
}

/// Nanoseconds since 1970; anything else than eight bytes is long ago.
fn read(value: &[u8]) -> u64 {
    value.try_into().map_or(0, u64::from_le_bytes)
}
