//! Why there is no token, and until when nobody asks again.

use super::answer::Denial;
use super::held::SECOND;

/// How long a refusal of the token service is remembered.
const DENIED_FOR: u64 = 30 * SECOND;

/// How long trouble of the token service is remembered: the first time, and at most.
const UNAVAILABLE_FOR: u64 = 2 * SECOND;
const UNAVAILABLE_AT_MOST: u64 = 30 * SECOND;

/// A failure that is remembered for a while. Times are in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    cause: Cause,
    since: u64,
    lasts: u64,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The token service will not give a token.
    Denied(Denial),
    /// The token service could not say.
    Unavailable,
}

impl Failure {
    /// The token service denied a token now.
    pub(super) const fn denied(denial: Denial, now: u64) -> Self {
        Self { cause: Cause::Denied(denial), since: now, lasts: DENIED_FOR }
    }

    /// The token service could not say now. Remembered twice as long as the time before.
    pub(super) fn unavailable(previous: Option<&Self>, now: u64) -> Self {
        let previous = previous.filter(|failure| failure.cause == Cause::Unavailable);
        let lasts = previous.map_or(UNAVAILABLE_FOR, |failure| {
            failure.lasts.saturating_mul(2).min(UNAVAILABLE_AT_MOST)
        });
        Self { cause: Cause::Unavailable, since: now, lasts }
    }

    /// What kind it is.
    pub(super) const fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether nobody asks yet. The host's clock is the time of day and may be set back; a failure
    /// of the future is forgotten, or it would last as long as the clock was wrong.
    pub(super) fn is_remembered(&self, now: u64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_end() {
        let start = 1000 * SECOND;
        let unavailable = Failure::unavailable(None, start);
        let rows = [
            (Failure::denied(Denial::Access, start), 30, "denied"),
            (unavailable, 2, "unavailable"),
        ];
        for (failure, seconds, reason) in rows {
            let end = start + seconds * SECOND;
            assert!(failure.is_remembered(start) && failure.is_remembered(end - 1), "{reason}");
            assert!(!failure.is_remembered(end), "{reason}");
            assert!(!failure.is_remembered(start - 1), "{reason}: the clock was set back");
        }
    }

    #[test]
    fn trouble_is_remembered_longer_each_time() {
        let mut failure = None;
        let lengths = [2, 4, 8, 16, 30, 30].map(|_| {
            let next = Failure::unavailable(failure.as_ref(), 0);
            let lasts = next.lasts / SECOND;
            failure = Some(next);
            lasts
        });
        assert_eq!(lengths, [2, 4, 8, 16, 30, 30]);
        let after_denial = Failure::unavailable(Some(&Failure::denied(Denial::Access, 0)), 0);
        assert_eq!(after_denial.lasts, 2 * SECOND, "another kind of failure does not count");
    }
}
