//! Evicts tokens when the table is full.

use std::collections::BTreeMap;

use super::entry::Entry;

/// Makes room for one more entry; whether there is room now.
///
/// Everything that has expired goes first, then what was used least recently. A fetch that is
/// under way never goes: its waiters would wait for ever. The walk through the whole table is paid
/// only by a request for a key that is not known, which costs a fetch anyway.
pub(super) fn make_room(entries: &mut BTreeMap<String, Entry>, capacity: usize, now: u64) -> bool {
    if entries.len() < capacity {
        return true;
    }
    entries.retain(|_, entry| !entry.is_expired(now));
    if entries.len() >= capacity
        && let Some(key) = least_recently_used(entries)
    {
        entries.remove(&key);
    }
    entries.len() < capacity
}

/// Makes the table small again after a token has come under `newest`: what was used least recently
/// goes, and that one last.
pub(super) fn shrink(entries: &mut BTreeMap<String, Entry>, room: usize, newest: &str) {
    let size = |(key, entry): (&String, &Entry)| key.len().saturating_add(entry.size());
    let mut sum = entries.iter().map(size).fold(0_usize, usize::saturating_add);
    while sum > room {
        let others = entries.iter().filter(|(key, entry)| *key != newest && !entry.is_in_flight());
        let oldest = others.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone());
        let key = oldest.unwrap_or_else(|| newest.to_owned());
        let Some(gone) = entries.remove(&key) else { return };
        sum = sum.saturating_sub(size((&key, &gone)));
    }
}

fn least_recently_used(entries: &BTreeMap<String, Entry>) -> Option<String> {
    let at_rest = entries.iter().filter(|(_, entry)| !entry.is_in_flight());
    at_rest.min_by_key(|(_, entry)| entry.used).map(|(key, _)| key.clone())
}
