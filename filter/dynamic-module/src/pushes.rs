//! When there were pushes, for all workers of the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Until when each slot counts as just pushed, in nanoseconds since 1970. The slots are a fixed
/// set.
static PUSHES: Mutex<BTreeMap<u32, u64>> = Mutex::new(BTreeMap::new());

/// Until when a slot counts as just pushed, in nanoseconds since 1970; 0 for never.
pub(crate) fn until(slot: u32) -> u64 {
    pushes().get(&slot).copied().unwrap_or_default()
}

/// Notes a push. A later end wins, so that a short window never cuts a longer one.
pub(crate) fn note(slot: u32, until: u64) {
    let mut pushes = pushes();
    let known = pushes.entry(slot).or_default();
    *known = until.max(*known);
}

fn pushes() -> MutexGuard<'static, BTreeMap<u32, u64>> {
    PUSHES.lock().unwrap_or_else(PoisonError::into_inner)
}
