//! The calls of a worker: calls to be made, and calls without an answer yet.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::call::{Call, CallId};

/// How much later than its time-out a call counts as lost. A host reports a time-out itself; it
/// does not where the part of it that made the call has ended, as after a change of its
/// configuration.
const GRACE: Duration = Duration::from_secs(1);

/// Calls, each with what it is for.
#[derive(Debug)]
pub(super) struct Calls<P> {
    made: u64,
    queue: Vec<(CallId, Call)>,
    under_way: BTreeMap<CallId, UnderWay<P>>,
}

#[derive(Debug)]
struct UnderWay<P> {
    purpose: P,
    /// When it counts as lost, in nanoseconds.
    lost: u64,
}

impl<P> Calls<P> {
    pub(super) const fn new() -> Self {
        Self { made: 0, queue: Vec::new(), under_way: BTreeMap::new() }
    }

    /// Has a call made.
    pub(super) fn make(&mut self, call: Call, purpose: P, now: u64) {
        self.made = self.made.saturating_add(1);
        let id = CallId(self.made);
        let lasts = call.timeout.saturating_add(GRACE).as_nanos();
        let lost = now.saturating_add(u64::try_from(lasts).unwrap_or(u64::MAX));
        self.queue.push((id, call));
        self.under_way.insert(id, UnderWay { purpose, lost });
    }

    /// The calls that the host has to make.
    pub(super) fn take(&mut self) -> Vec<(CallId, Call)> {
        std::mem::take(&mut self.queue)
    }

    /// Whether the host has any call to make.
    pub(super) const fn has_new(&self) -> bool {
        !self.queue.is_empty()
    }

    /// What a call was for. It is over; a second answer is to nothing.
    pub(super) fn answered(&mut self, id: CallId) -> Option<P> {
        self.under_way.remove(&id).map(|call| call.purpose)
    }

    /// One call that is lost by now.
    pub(super) fn lost(&self, now: u64) -> Option<CallId> {
        self.under_way.iter().find(|(_, call)| call.lost <= now).map(|(id, _)| *id)
    }

    /// When the first call is lost.
    pub(super) fn next_lost(&self) -> Option<u64> {
        self.under_way.values().map(|call| call.lost).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn each_call_is_made_once_and_answered_once() {
        let mut calls = Calls::new();
        let call = |path: &str| Call::new("GET", path, "a").to("c", Duration::from_secs(2));
        calls.make(call("/1"), "one", 0);
        calls.make(call("/2"), "two", SECOND);
        assert!(calls.has_new());
        let made = calls.take();
        assert!(!calls.has_new() && calls.take().is_empty());
        let [(one, _), (two, second)] = made.as_slice() else { panic!("{made:?}") };
        assert_eq!((second, calls.next_lost()), (&call("/2"), Some(3 * SECOND)));
        assert_eq!(calls.lost(3 * SECOND - 1), None);
        assert_eq!(calls.lost(3 * SECOND), Some(*one));
        assert_eq!((calls.answered(*one), calls.answered(*one)), (Some("one"), None));
        assert_eq!((calls.lost(3 * SECOND), calls.next_lost()), (None, Some(4 * SECOND)));
        assert_eq!(calls.answered(*two), Some("two"));
        assert_eq!(calls.next_lost(), None);
    }
}
