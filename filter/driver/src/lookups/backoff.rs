//! Back-off: the time for which a failing service is not asked again.

const SECOND: u64 = 1_000_000_000;
/// How long trouble is remembered: the first time, and at most.
const FIRST: u64 = 2 * SECOND;
const AT_MOST: u64 = 30 * SECOND;
/// Between these bounds the pause is as long as the service asks for.
const SHORTEST: u64 = SECOND;
const LONGEST: u64 = 60 * SECOND;

/// A pause between two questions, twice as long after each failure. Times are in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Backoff {
    since: u64,
    lasts: u64,
}

impl Backoff {
    /// The pause after the first failure.
    pub(super) const fn first(now: u64) -> Self {
        Self { since: now, lasts: FIRST }
    }

    /// The pause that a service has asked for.
    pub(super) fn asked_for(lasts: u64, now: u64) -> Self {
        Self { since: now, lasts: lasts.clamp(SHORTEST, LONGEST) }
    }

    /// The pause after one more failure.
    pub(super) fn longer(&self, now: u64) -> Self {
        Self { since: now, lasts: self.lasts.saturating_mul(2).min(AT_MOST) }
    }

    /// The pause after a failure where many questions may fail at once: of these only the first
    /// counts.
    pub(super) fn again(previous: Option<&Self>, now: u64) -> Self {
        match previous {
            Some(previous) if previous.is_running(now) => previous.clone(),
            Some(previous) => previous.longer(now),
            None => Self::first(now),
        }
    }

    /// Whether nobody asks yet. A pause of the future, after the clock was set back, is forgotten.
    pub(super) fn is_running(&self, now: u64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_get_longer() {
        let mut pause: Option<Backoff> = None;
        let mut now = 1000 * SECOND;
        for seconds in [2, 4, 8, 16, 30, 30] {
            let next = Backoff::again(pause.as_ref(), now);
            assert_eq!(Backoff::again(Some(&next), now + SECOND), next, "it failed at once");
            assert!(next.is_running(now) && next.is_running(now + seconds * SECOND - 1));
            assert!(!next.is_running(now + seconds * SECOND));
            assert!(!next.is_running(now - 1), "the clock was set back");
            now += seconds * SECOND;
            pause = Some(next);
        }
    }

    #[test]
    fn every_failure_counts_where_there_is_one_question_at_a_time() {
        let mut pause = Backoff::first(0);
        let lengths = [(); 5].map(|()| {
            pause = pause.longer(0);
            pause.lasts / SECOND
        });
        assert_eq!(lengths, [4, 8, 16, 30, 30]);
    }
}
