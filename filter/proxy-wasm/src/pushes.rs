//! When there were pushes, for all workers of the process.
//!
//! Envoy's shared data has no deletion and no expiry, so the keys are a fixed set and each holds
//! until when its repositories count as just pushed.

use proxy_wasm::hostcalls::{get_shared_data, set_shared_data};

/// Workers that push to the same slot at the same moment have to try again; more than a few
/// times in a row does not happen.
const TRIES: usize = 16;

/// Until when a slot counts as just pushed, in nanoseconds since 1970; 0 for never.
pub(crate) fn until(slot: u32) -> u64 {
    shared(&key(slot)).0
}

/// Notes a push. A later end wins, so that a short window never cuts a longer one.
pub(crate) fn note(slot: u32, until: u64) {
    let key = key(slot);
    for _ in 0..TRIES {
        let (noted, version) = shared(&key);
        if noted >= until || set_shared_data(&key, Some(&until.to_le_bytes()), version).is_ok() {
            return;
        }
    }
}

/// The time under a key, and the version of what is there; without one, any is overwritten.
fn shared(key: &str) -> (u64, Option<u32>) {
    let (value, version) = get_shared_data(key).unwrap_or_default();
    (read(&value.unwrap_or_default()), version)
}

fn key(slot: u32) -> String {
    format!("portolan.push.{slot}")
}

/// Anything else than eight bytes is long ago.
fn read(value: &[u8]) -> u64 {
    value.try_into().map_or(0, u64::from_le_bytes)
}
