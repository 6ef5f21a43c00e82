//! Which backends have answered 429, and for how long nobody asks them first.
//!
//! A registry that limits who asks is not helped by being asked again (RFC 6585 section 4), and the budget of the
//! front is one for all its clients. So reads go to the other backends of their list first, and to the limited one
//! only where these have not got what is wanted: one image that is limited keeps no other from being served.

use std::collections::BTreeMap;

use portolan_core::attempt::Wait;

const SECOND: u64 = 1_000_000_000;
/// The shortest and the longest time, whatever it says: a registry that names a day may be well in a minute, and is
/// asked once a minute to find that out.
const SHORTEST: u32 = 1;
const LONGEST: u32 = 60;

/// The moment until which each backend is not asked, in nanoseconds. The keys are names of the policy, so
/// there are few.
#[derive(Debug, Default)]
pub(super) struct Limits(BTreeMap<String, u64>);

impl Limits {
    /// A backend has answered 429. One that does not say for how long is asked again as if nothing were.
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

    /// The backends that are asked before the limited ones; `None` if none of them is limited, or all are.
    pub(super) fn unlimited<'n>(&mut self, list: &[&'n str], now: u64) -> Option<Vec<&'n str>> {
        self.0.retain(|_, until| is_running(*until, now));
        let unlimited: Vec<&str> =
            list.iter().copied().filter(|name| !self.0.contains_key(*name)).collect();
        let helps = !unlimited.is_empty() && unlimited.len() < list.len();
        helps.then_some(unlimited)
    }
}

/// Whether a limit is not over. A time of a later future than any limit is of a clock that was set back since.
fn is_running(until: u64, now: u64) -> bool {
    let left = until.checked_sub(now);
    left.is_some_and(|left| left > 0 && left <= u64::from(LONGEST).saturating_mul(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_first(limits: &mut Limits, list: &str, now: u64) -> Option<String> {
        let list: Vec<&str> = list.split(' ').collect();
        limits.unlimited(&list, now).map(|names| names.join(" "))
    }

    #[test]
    fn the_limited_are_asked_after_the_others() {
        #[rustfmt::skip]
        let rows = [
            ("a b", "", None, "nobody is limited"),
            ("a b", "a", Some("b"), "the first"),
            ("a b", "b", Some("a"), "the second: it would be asked second anyway"),
            ("a b", "a b", None, "all are: as if none were"),
            ("a b c", "b", Some("a c"), "the order stays"),
            ("a b c", "a c", Some("b"), "one is left"),
            ("a b", "c", None, "somebody else"),
            ("a", "a", None, "there is nobody else"),
        ];
        for (list, limited, expected, reason) in rows {
            let mut limits = Limits::default();
            for name in limited.split_whitespace() {
                limits.note(name, Wait::of_seconds(5), 0);
            }
            assert_eq!(asked_first(&mut limits, list, 1).as_deref(), expected, "{reason}");
        }
    }

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
                assert_eq!(
                    asked_first(&mut limits, "a b", now).is_some(),
                    is_limited,
                    "{reason}, {now}"
                );
            }
        }
    }

    #[test]
    fn a_later_answer_counts_and_a_clock_that_was_set_back_does_not() {
        let mut limits = Limits::default();
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        limits.note("a", Wait::of_seconds(1), 101 * SECOND);
        assert_eq!(asked_first(&mut limits, "a b", 103 * SECOND), None);
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        assert_eq!(asked_first(&mut limits, "a b", 10 * SECOND), None, "the clock was set back");
        limits.note("a", Wait::of_seconds(60), 100 * SECOND);
        limits.forget_all();
        assert_eq!(asked_first(&mut limits, "a b", 101 * SECOND), None, "another policy");
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut limits = Limits::default();
        assert!(limits.is_empty());
        limits.note("a", Wait::of_seconds(1), 0);
        assert_eq!(asked_first(&mut limits, "a b", SECOND - 1).as_deref(), Some("b"));
        assert!(!limits.is_empty());
        assert_eq!(asked_first(&mut limits, "a b", SECOND), None);
        assert!(limits.is_empty());
    }
}
