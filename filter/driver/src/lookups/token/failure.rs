//! The reason for a missing token, and the time of the next fetch.

use portolan_core::token::Denial;

use super::super::backoff::Backoff;
use super::held::SECOND;

/// How long a refusal of the token service is remembered.
const DENIED_FOR: u64 = 30 * SECOND;

/// A failure that is remembered for a while. Times are in nanoseconds.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// The token service will not give a token.
    Denied {
        /// Why not.
        denial: Denial,
        /// When it said so.
        since: u64,
    },
    /// The token service could not say.
    Unavailable(Backoff),
    /// The token service limits requests.
    Limited {
        /// How long nobody asks.
        pause: Backoff,
        /// Until when it asks to wait, if it says so.
        until: Option<u64>,
    },
}

impl Failure {
    /// The token service denied a token now.
    pub(super) const fn denied(denial: Denial, now: u64) -> Self {
        Self::Denied { denial, since: now }
    }

    /// The token service could not say now. Another kind of failure before does not count.
    pub(super) fn unavailable(previous: Option<&Self>, now: u64) -> Self {
        Self::Unavailable(match previous {
            Some(Self::Unavailable(backoff)) => backoff.longer(now),
            Some(Self::Denied { .. } | Self::Limited { .. }) | None => Backoff::first(now),
        })
    }

    /// The token service limits requests now, and may ask to wait so many seconds.
    pub(super) fn limited(previous: Option<&Self>, seconds: Option<u32>, now: u64) -> Self {
        let seconds = seconds.map(|seconds| SECOND.saturating_mul(u64::from(seconds)));
        let pause = match (seconds, previous) {
            (Some(asked), _) => Backoff::asked_for(asked, now),
            (None, Some(Self::Limited { pause, .. })) => pause.longer(now),
            (None, _) => Backoff::first(now),
        };
        Self::Limited { pause, until: seconds.map(|asked| now.saturating_add(asked)) }
    }

    /// Whether nobody asks yet. The host's clock is the time of day and may be set back; a failure
    /// of the future is forgotten, or it would last as long as the clock was wrong.
    pub(super) fn is_remembered(&self, now: u64) -> bool {
        match self {
            Self::Denied { since, .. } => {
                now.checked_sub(*since).is_some_and(|age| age < DENIED_FOR)
            }
            Self::Unavailable(pause) | Self::Limited { pause, .. } => pause.is_running(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_end() {
        let start = 1000 * SECOND;
        let trouble = Failure::unavailable(None, start);
        let longer = Failure::unavailable(Some(&trouble), start);
        let denied = Failure::denied(Denial::Access, start);
        let first_again = Failure::unavailable(Some(&denied), start);
        let limited = Failure::limited(None, None, start);
        let limited_again = Failure::limited(Some(&limited), None, start);
        let asked = |seconds| Failure::limited(None, Some(seconds), start);
        let rows = [
            (denied, 30, "denied"),
            (trouble, 2, "unavailable"),
            (longer, 4, "unavailable again"),
            (first_again, 2, "another kind of failure does not count"),
            (limited_again, 4, "limited again, and it does not say for how long"),
            (limited, 2, "limited, and it does not say for how long"),
            (asked(30), 30, "as long as it asks for"),
            (asked(0), 1, "a second at least"),
            (asked(600), 60, "a minute at most"),
        ];
        for (failure, seconds, reason) in rows {
            let end = start + seconds * SECOND;
            assert!(failure.is_remembered(start) && failure.is_remembered(end - 1), "{reason}");
            assert!(!failure.is_remembered(end), "{reason}");
            assert!(!failure.is_remembered(start - 1), "{reason}: the clock was set back");
        }
    }
}
