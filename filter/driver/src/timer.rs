//! The one timer of a worker.

use std::time::Duration;

/// How soon a call is made that a stream has asked for.
const AT_ONCE: u64 = MILLISECOND;
/// How much later than it was to come an alarm counts as one that does not come: the host has taken
/// away the part of it that the timer belonged to.
const OVERDUE: u64 = 100 * MILLISECOND;
const MILLISECOND: u64 = 1_000_000;

/// When the next alarm comes, in nanoseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Timer(Option<u64>);

impl Timer {
    /// An alarm has come.
    pub(crate) const fn came(&mut self) {
        self.0 = None;
    }

    /// Whether an alarm is to come.
    pub(crate) const fn is_set(&self) -> bool {
        self.0.is_some()
    }

    /// How long the host has to wait for the next alarm, where that is not what it does anyway.
    /// `has_calls` says that there are calls to make, `next` when there is something to do besides.
    pub(crate) fn set(&mut self, has_calls: bool, next: Option<u64>, now: u64) -> Option<Duration> {
        let at_once = has_calls.then(|| now.saturating_add(AT_ONCE));
        let wanted = at_once.or(next)?;
        let comes_before = |alarm: u64| alarm <= wanted && now < alarm.saturating_add(OVERDUE);
        if self.0.is_some_and(comes_before) {
            return None;
        }
        self.0 = Some(wanted);
        // Not a moment before: an alarm that finds nothing to do would have to be followed by
        // another.
        let milliseconds = wanted.saturating_sub(now).div_ceil(MILLISECOND).max(1);
        Some(Duration::from_millis(milliseconds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_when_there_is_something_to_do() {
        const NOW: u64 = 1_000 * MILLISECOND;
        let later = |milliseconds| Some(NOW + milliseconds * MILLISECOND);
        #[rustfmt::skip]
        let rows = [
            (None, false, None, None, "nothing to do"),
            (None, true, None, Some(1), "a call, at once"),
            (None, true, later(2000), Some(1), "a call, and somebody who waits"),
            (None, false, later(2000), Some(2000), "somebody who waits"),
            (None, false, Some(NOW + 1), Some(1), "a part of a millisecond"),
            (None, false, Some(NOW - 1), Some(1), "it is late already"),
            (later(1), true, None, None, "it comes anyway"),
            (later(2000), true, None, Some(1), "sooner than was said"),
            (later(2000), false, later(3000), None, "something before comes"),
            (Some(NOW - 99 * MILLISECOND), true, None, None, "a busy host is late"),
            (Some(NOW - 100 * MILLISECOND), true, None, Some(1), "it does not come any more"),
        ];
        for (set, has_calls, next, expected, reason) in rows {
            let mut timer = Timer(set);
            let found = timer.set(has_calls, next, NOW).map(|wait| wait.as_millis());
            assert_eq!(found, expected, "{reason}");
            assert_eq!(timer.is_set(), set.is_some() || expected.is_some(), "{reason}");
            timer.came();
            assert!(!timer.is_set());
        }
    }
}
