//! Backends that have answered 429, and the time for which reads begin at others.
//!
//! Asking a limited registry again does not help it (RFC 6585 section 4), and all clients of the
//! front share its limit. So reads go to the other backends of their list first, and to the limited
//! one only if the others lack the content or fail. One limited image then keeps no other image
//! from being served.

use std::collections::BTreeMap;

use portolan_core::attempt::Wait;

const SECOND: u64 = 1_000_000_000;
/// The shortest and the longest time, whatever it says: a registry that names a day may be well in
/// a minute, and is asked once a minute to find that out.
const SHORTEST: u32 = 1;
const LONGEST: u32 = 60;

/// The moment until which each backend is not asked, in nanoseconds. The keys are names of the
/// policy, so there are few.
#[derive(Debug, Default)]
pub(super) struct Limits(BTreeMap<String, u64>);

impl Limits {
    /// A backend has answered 429. One that does not say for how long is asked again as if nothing
    /// were.
    pub(super) fn note(&mut self, backend: &str, wait: Wait, now: u64) {
        let Some(seconds) = wait.seconds() else { return };
        let seconds = seconds.clamp(SHORTEST, LONGEST);
        let until = now.saturating_add(u64::from(seconds).saturating_mul(SECOND));
        self.0.insert(backend.to_owned(), until);
    }

    /// Another policy may mean another registry by a name.
    pub(super) fn forget_all(&mut self) {
        self.0.clear();
    }

    /// Whether nobody is left alone, as far as anybody has looked.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a backend is left alone.
    pub(super) fn is_limited(&mut self, backend: &str, now: u64) -> bool {
        self.0.retain(|_, until| is_running(*until, now));
        self.0.contains_key(backend)
    }
}

/// Whether a limit is not over. A time of a later future than any limit is of a clock that was set
/// back since.
fn is_running(until: u64, now: u64) -> bool {
    let left = until.checked_sub(now);
    left.is_some_and(|left| left > 0 && left <= u64::from(LONGEST).saturating_mul(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn for_as_long_as_it_says_within_bounds() {
        #[rustfmt::skip]
        let rows = [
            (Wait::UNKNOWN, 0, "it does not say"),
            (Wait::of_seconds(0), 1, "at once is a second"),
            (Wait::of_seconds(7), 7, "as it says"),
            (Wait::of_seconds(86_400), 60, "a day is a minute"),
        ];
        let start = 1_000 * SECOND;
        for (wait, seconds, reason) in rows {
            let mut limits = Limits::default();
            limits.note("a", wait, start);
            let end = start + seconds * SECOND;
            let during = [(start, true), (end - 1, true)].into_iter().filter(|_| seconds > 0);
            for (now, is_limited) in during.chain([(end, false)]) {
                assert_eq!(limits.is_limited("a", now), is_limited, "{reason}, {now}");
                assert!(!limits.is_limited("b", now), "somebody else");
            }
        }
    }

    #[test]
    fn a_later_answer_counts_and_a_clock_that_was_set_back_does_not() {
        let mut limits = Limits::default();
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        limits.note("a", Wait::of_seconds(1), 101 * SECOND);
        assert!(!limits.is_limited("a", 103 * SECOND));
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        assert!(!limits.is_limited("a", 10 * SECOND), "the clock was set back");
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        limits.forget_all();
        assert!(!limits.is_limited("a", 101 * SECOND), "another policy");
    }

    #[test]
    fn expired_limits_are_forgotten() {
        let mut limits = Limits::default();
        assert!(limits.is_empty());
        limits.note("a", Wait::of_seconds(1), 0);
        assert!(limits.is_limited("a", SECOND - 1));
        assert!(!limits.is_empty());
        assert!(!limits.is_limited("a", SECOND));
        assert!(limits.is_empty());
    }
}
