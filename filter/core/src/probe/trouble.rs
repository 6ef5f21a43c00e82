//! How long nobody waits for a store that is in trouble.

const SECOND: u64 = 1_000_000_000;
/// How long trouble is remembered: the first time, and at most.
const FIRST: u64 = 2 * SECOND;
const AT_MOST: u64 = 30 * SECOND;

/// A store in trouble, until it answers again. Times are in nanoseconds.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    since: u64,
    lasts: u64,
}

impl Trouble {
    /// A question failed. Remembered twice as long as the time before; but of many questions that
    /// fail at once only the first counts.
    pub(super) fn again(previous: Option<&Self>, now: u64) -> Self {
        match previous {
            Some(previous) if previous.is_remembered(now) => previous.clone(),
            Some(previous) => {
                Self { since: now, lasts: previous.lasts.saturating_mul(2).min(AT_MOST) }
            }
            None => Self { since: now, lasts: FIRST },
        }
    }

    /// Whether nobody asks yet. Trouble of the future, after the clock was set back, is forgotten.
    pub(super) fn is_remembered(&self, now: u64) -> bool {
        now.checked_sub(self.since).is_some_and(|age| age < self.lasts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembered_longer_each_time() {
        let mut trouble: Option<Trouble> = None;
        let mut now = 1000 * SECOND;
        for seconds in [2, 4, 8, 16, 30, 30] {
            let next = Trouble::again(trouble.as_ref(), now);
            let same = Trouble::again(Some(&next), now + SECOND);
            assert_eq!((same.since, same.lasts), (next.since, next.lasts), "failed at once");
            assert!(next.is_remembered(now) && next.is_remembered(now + seconds * SECOND - 1));
            assert!(!next.is_remembered(now + seconds * SECOND));
            assert!(!next.is_remembered(now - 1), "the clock was set back");
            now += seconds * SECOND;
            trouble = Some(next);
        }
    }
}
