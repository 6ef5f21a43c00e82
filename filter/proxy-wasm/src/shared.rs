//! What all workers of the process share: when there were pushes, and what tags stand for.
//!
//! Envoy's shared data has no deletion and no expiry, so the keys are fixed sets of slots, and each
//! slot of a push holds until when its repositories count as just pushed.

use proxy_wasm::hostcalls::{get_shared_data, set_shared_data};

/// Workers that push to the same slot at the same moment have to try again; more than a few
/// times in a row does not happen.
const TRIES: usize = 16;

/// Until when a slot counts as just pushed, in nanoseconds since 1970; 0 for never.
pub(crate) fn pushed_until(slot: u32) -> u64 {
    time_of(&push(slot)).0
}

/// Notes a push. A later end wins, so that a short window never cuts a longer one.
pub(crate) fn note_push(slot: u32, until: u64) {
    let key = push(slot);
    for _ in 0..TRIES {
        let (noted, version) = time_of(&key);
        if noted >= until || set_shared_data(&key, Some(&until.to_le_bytes()), version).is_ok() {
            return;
        }
    }
}

/// What was kept of a tag.
pub(crate) fn remembered_tag(slot: u32) -> Option<Vec<u8>> {
    get_shared_data(&tag(slot)).ok()?.0
}

/// Keeps a value in place of what was kept. It can only fail where the host has no shared data at
/// all.
pub(crate) fn remember_tag(slot: u32, value: &[u8]) {
    let _ = set_shared_data(&tag(slot), Some(value), None);
}

/// The time under a key, and the version of what is there; without one, any is overwritten.
/// Anything else than eight bytes is long ago.
fn time_of(key: &str) -> (u64, Option<u32>) {
    let (value, version) = get_shared_data(key).unwrap_or_default();
    (value.unwrap_or_default().try_into().map_or(0, u64::from_le_bytes), version)
}

fn push(slot: u32) -> String {
    format!("portolan.push.{slot}")
}

fn tag(slot: u32) -> String {
    format!("portolan.tag.{slot}")
}
