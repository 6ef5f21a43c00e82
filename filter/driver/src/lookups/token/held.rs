//! A valid token, with the times of its renewal and of its end.

use std::time::Duration;

use portolan_core::token::Secret;

/// A second, in nanoseconds.
pub(super) const SECOND: u64 = 1_000_000_000;

/// A token, good for a while. Times are in nanoseconds of the host's clock.
#[derive(Clone, Debug)]
pub(super) struct HeldToken {
    value: Secret,
    fetch_started: u64,
    refresh_from: u64,
    usable_until: u64,
    /// Whether it was fetched because the one before was refused as soon as it was there.
    is_replacement: bool,
}

impl HeldToken {
    /// A token that came now and is good for `life`.
    ///
    /// It counts as used up a margin before its end, since the request that takes it still has to
    /// arrive, and clocks differ. It is usable for a second at least, whatever its life: a token
    /// that is used up on arrival would be fetched in a circle.
    pub(super) fn new(value: Secret, life: Duration, fetch_started: u64, now: u64) -> Self {
        let life = u64::try_from(life.as_nanos()).unwrap_or(u64::MAX);
        let usable = life.saturating_sub(margin(life)).max(SECOND);
        Self {
            value,
            fetch_started,
            refresh_from: now.saturating_add(four_fifths(life).max(SECOND)),
            usable_until: now.saturating_add(usable),
            is_replacement: false,
        }
    }

    /// The token, marked as one whose predecessor was refused as soon as it was there.
    pub(super) const fn replacing(mut self, is_replacement: bool) -> Self {
        self.is_replacement = is_replacement;
        self
    }

    /// Whether its predecessor was refused as soon as it was there.
    pub(super) const fn is_replacement(&self) -> bool {
        self.is_replacement
    }

    /// Whether its fetch was started less than a second ago. A clock that was set back makes
    /// nothing young.
    pub(super) fn is_young(&self, now: u64) -> bool {
        self.age(now).is_some_and(|age| age < SECOND)
    }

    /// How long ago its fetch was started.
    pub(super) const fn age(&self, now: u64) -> Option<u64> {
        now.checked_sub(self.fetch_started)
    }

    /// Lets it be used until a second after its fetch was started, and not be renewed before.
    pub(super) fn doubt(&mut self) {
        self.usable_until = self.usable_until.min(self.fetch_started.saturating_add(SECOND));
        self.refresh_from = self.usable_until;
    }

    /// The token itself.
    pub(super) const fn value(&self) -> &Secret {
        &self.value
    }

    /// Whether a request may still take it.
    pub(super) const fn is_usable(&self, now: u64) -> bool {
        now < self.usable_until
    }

    /// Whether it is time for another, while this one can still be used: after four fifths of its
    /// life. Tokens of under 25 seconds never get that far.
    pub(super) const fn is_due(&self, now: u64) -> bool {
        self.refresh_from <= now
    }
}

/// A tenth of the life, but 5 to 60 seconds, and never more than half of it.
fn margin(life: u64) -> u64 {
    (life / 10).clamp(5 * SECOND, 60 * SECOND).min(life / 2)
}

const fn four_fifths(life: u64) -> u64 {
    life.saturating_sub(life / 5)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The moments in milliseconds after arrival.
    fn moments(life: Duration) -> (u64, u64) {
        let arrival = 1_000_000 * SECOND;
        let held = HeldToken::new(Secret::new("t".to_owned()), life, 0, arrival);
        let after = |moment: u64| (moment - arrival) / 1_000_000;
        (after(held.refresh_from), after(held.usable_until))
    }

    #[test]
    fn lives() {
        let rows = [
            (0, (1000, 1000), "a second, whatever its life"),
            (1, (1000, 1000), "a second, whatever its life"),
            (2, (1600, 1000), "half of it"),
            (9, (7200, 4500), "half of it"),
            (10, (8000, 5000), "five seconds are half of it"),
            (24, (19_200, 19_000), "used up before it is due"),
            (25, (20_000, 20_000), "used up when it is due"),
            (60, (48_000, 54_000), "a tenth"),
            (50, (40_000, 45_000), "a tenth, which is five seconds"),
            (300, (240_000, 270_000), "a tenth"),
            (600, (480_000, 540_000), "a tenth, which is a minute"),
            (3600, (2_880_000, 3_540_000), "a minute"),
        ];
        for (life, expected, reason) in rows {
            assert_eq!(moments(Duration::from_secs(life)), expected, "{life} s: {reason}");
        }
    }

    #[test]
    fn moments_are_told_apart() {
        let held =
            HeldToken::new(Secret::new("t".to_owned()), Duration::from_mins(1), 0, 100 * SECOND);
        let facts = |now: u64| (held.is_due(now), held.is_usable(now));
        assert_eq!(facts(148 * SECOND - 1), (false, true));
        assert_eq!(facts(148 * SECOND), (true, true));
        assert_eq!(facts(154 * SECOND - 1), (true, true));
        assert_eq!(facts(154 * SECOND), (true, false));
    }

    #[test]
    fn the_end_of_time_is_no_overflow() {
        let held = HeldToken::new(Secret::new("t".to_owned()), Duration::MAX, 0, u64::MAX - 1);
        assert!(held.is_usable(u64::MAX - 1) && !held.is_due(u64::MAX - 1));
    }
}
