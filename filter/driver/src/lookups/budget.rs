//! The budget of extra requests for hedged reads: a bucket of tokens that reads fill and hedged
//! reads empty.
//!
//! A hedged read is paid when its result is known, so that one that helped costs less than one in
//! vain. Hedged reads under way may overdraw the bucket; the debt is paid before the next read is
//! hedged, so that the share holds over time. If everything is slow, hedged reads are in vain,
//! empty the budget, and so end.

/// What one hedge costs that helped: the second backend answered sooner.
const HELPED: i64 = 100;
/// What one costs that was in vain: the first backend answered after all. Where the machine is busy
/// and nobody hangs, many hedges are of this kind: of a hundred reads one or two are hedged then,
/// not eleven.
const IN_VAIN: i64 = 16 * HELPED;
/// What a read puts in: eleven hedges for a hundred reads.
const READ: i64 = 11;
/// What a second puts in, for a front with few reads.
const SECOND: u64 = 25;
/// So much is in it at most, and in the beginning: ten hedges that help.
const MOST: i64 = 10 * HELPED;
/// So much more may be spent by reads that have waited long.
const RESERVE: i64 = 5 * IN_VAIN;
/// So far it is overdrawn at most: two hundred hedges in vain may be under way at once, and are all
/// paid off.
const LEAST: i64 = -200 * IN_VAIN;
const NANOSECONDS: u64 = 1_000_000_000;

/// The budget of all lists of a worker.
#[derive(Debug)]
pub(super) struct Budget {
    balance: i64,
    /// Up to then time has put in what it does, in nanoseconds since 1970.
    counted: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { balance: MOST, counted: 0 }
    }
}

impl Budget {
    /// A read comes that may be hedged.
    pub(super) fn note_read(&mut self, now: u64) {
        let passed = now.saturating_sub(self.counted) / (NANOSECONDS / SECOND);
        // A clock that was set back begins anew.
        if passed > 0 || now < self.counted {
            self.counted = now;
        }
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        self.balance = self.balance.saturating_add(passed).saturating_add(READ).min(MOST);
    }

    /// Whether a hedge is left.
    pub(super) const fn has_some(&self) -> bool {
        self.balance >= HELPED
    }

    /// Whether a hedge is left of what is kept for reads that wait long. Hedges that are due soon
    /// end before, also where the machine is busy and uses all of them up; what hangs then is not
    /// waited for long.
    pub(super) const fn has_reserve(&self) -> bool {
        self.balance >= HELPED.saturating_sub(RESERVE)
    }

    /// A hedge is paid that helped.
    pub(super) const fn pay_helped(&mut self) {
        self.pay(HELPED);
    }

    /// A hedge is paid that was in vain.
    pub(super) const fn pay_in_vain(&mut self) {
        self.pay(IN_VAIN);
    }

    const fn pay(&mut self, cost: i64) {
        let balance = self.balance.saturating_sub(cost);
        self.balance = if balance < LEAST { LEAST } else { balance };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many of the reads, so many a second, are hedged, where all are that may be.
    fn hedged(reads: u64, a_second: u64, is_in_vain: bool) -> u64 {
        let mut budget = Budget::default();
        let mut hedged = 0;
        for number in 0..reads {
            budget.note_read(NANOSECONDS.saturating_mul(number) / a_second);
            if budget.has_some() {
                hedged += 1;
                if is_in_vain {
                    budget.pay_in_vain();
                } else {
                    budget.pay_helped();
                }
            }
        }
        hedged
    }

    #[test]
    fn a_share_of_the_reads() {
        #[rustfmt::skip]
        let rows = [
            (10_000, 1_000, false, 1_112, "busy: eleven in a hundred, ten, and one each four seconds"),
            (10_000, 1_000, true, 70, "busy, and in vain: a sixteenth of these"),
            (1_000, 50, false, 125, "not so busy"),
            (1_000, 50, true, 8, "not so busy, and in vain"),
            (100, 1, false, 46, "hardly any reads"),
            (10, 1, false, 10, "no more than are left"),
        ];
        for (reads, a_second, is_in_vain, expected, reason) in rows {
            let found = hedged(reads, a_second, is_in_vain);
            assert!(found.abs_diff(expected) <= 5, "{reason}: {found}");
        }
    }

    #[test]
    fn a_reserve_is_kept_for_reads_that_wait_long() {
        let mut budget = Budget::default();
        let paid = |budget: &mut Budget, is_left: fn(&Budget) -> bool| {
            let mut count = 0;
            while is_left(budget) {
                budget.pay_helped();
                count += 1;
            }
            count
        };
        assert_eq!(paid(&mut budget, Budget::has_some), 10, "what is there in the beginning");
        assert!(budget.has_reserve());
        assert_eq!(
            paid(&mut budget, Budget::has_reserve),
            80,
            "five in vain, or as many that help"
        );
        assert!(!budget.has_some());
    }

    #[test]
    fn an_overdrawn_budget_is_paid_off() {
        let mut budget = Budget::default();
        budget.note_read(NANOSECONDS);
        for _ in 0..300 {
            budget.pay_in_vain();
        }
        let until = (0..30_000).position(|_| {
            budget.note_read(NANOSECONDS);
            budget.has_some()
        });
        assert_eq!(until, Some(29_099), "two hundred in vain, of which 145 reads pay one");
    }

    #[test]
    fn a_clock_that_was_set_back() {
        let mut budget = Budget::default();
        budget.note_read(100 * NANOSECONDS);
        for _ in 0..13 {
            budget.pay_helped();
        }
        budget.note_read(10 * NANOSECONDS);
        assert!(!budget.has_some());
        budget.note_read(30 * NANOSECONDS);
        assert!(budget.has_some(), "twenty seconds");
    }
}
