//! What tags stand for, for all workers of the process.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What is kept under each slot. The slots are a fixed set.
static TAGS: Mutex<BTreeMap<u32, Vec<u8>>> = Mutex::new(BTreeMap::new());

/// What was kept under a slot.
pub(crate) fn remembered(slot: u32) -> Option<Vec<u8>> {
    tags().get(&slot).cloned()
}

/// Keeps a value in place of what was kept.
pub(crate) fn remember(slot: u32, value: Vec<u8>) {
    tags().insert(slot, value);
}

fn tags() -> MutexGuard<'static, BTreeMap<u32, Vec<u8>>> {
    TAGS.lock().unwrap_or_else(PoisonError::into_inner)
}
