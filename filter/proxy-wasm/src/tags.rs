//! What tags stand for, for all workers of the process.
//!
//! As with pushes, the keys are a fixed set: Envoy's shared data has no deletion and no expiry.

use proxy_wasm::hostcalls::{get_shared_data, set_shared_data};

/// What was kept under a slot.
pub(crate) fn remembered(slot: u32) -> Option<Vec<u8>> {
    get_shared_data(&key(slot)).ok()?.0
}

/// Keeps a value in place of what was kept. It can only fail where the host has no shared data at
/// all.
pub(crate) fn remember(slot: u32, value: &[u8]) {
    let _ = set_shared_data(&key(slot), Some(value), None);
}

fn key(slot: u32) -> String {
    format!("portolan.tag.{slot}")
}
