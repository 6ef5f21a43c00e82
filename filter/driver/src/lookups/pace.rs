//! The pace of each backend: when a read is hedged, and which backend is asked last because it
//! answers nothing.
//!
//! * A backend that takes its time is asked first all the same. One that has not begun any answer for three seconds
//!   is left, as after [`Ejection`]; then one request at a time finds out how it is.
//! * Asking the next one too has a [`Budget`]. It costs nothing while the first has answered none of several requests
//!   and the next one answers: then the first hangs. It does so until the first has begun one answer.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_core::attempt::Hedge;
use portolan_core::config::{Ejection, HedgeAfter};

use super::budget::Budget;

const MILLISECOND: u64 = 1_000_000;
/// Between these bounds a backend is waited for before the next one is asked too, where the policy says no time.
const SOONEST: u64 = 300 * MILLISECOND;
const LATEST: u64 = 600 * MILLISECOND;
/// So long a backend has to begin no answer at all until it is left.
const SILENCE: u64 = 3_000 * MILLISECOND;
/// So long one request may take to find out how a backend is that was left, until another one tries.
const TRIAL: u64 = 1_000 * MILLISECOND;
/// So long a backend that the host has passed over is taken to be down.
const OUT: u64 = 5_000 * MILLISECOND;
/// So many requests in a row without an answer mean that a backend hangs, where the next one answers.
const HANGS: u32 = 5;

/// What is known of the backends, by their names in the policy.
#[derive(Debug, Default)]
pub(super) struct Paces {
    of: BTreeMap<String, Pace>,
    budget: Budget,
}

/// What is known of one backend; times in nanoseconds.
#[derive(Debug, Default)]
struct Pace {
    /// Within this time four of five answers begin.
    usual: u64,
    /// So many requests in a row have had no answer, the first of them since then.
    unanswered: u32,
    since: u64,
    /// Asked last until then, and for so long each time; nothing until that is known.
    until: u64,
    time: u64,
    /// Taken to be down until then.
    out_until: u64,
}

impl Paces {
    /// Another policy may mean another registry by a name.
    pub(super) fn forget_all(&mut self) {
        self.of.clear();
    }

    /// Whether every backend has answered the last request that it got.
    pub(super) fn all_answer(&self) -> bool {
        self.of.values().all(|pace| pace.unanswered == 0)
    }

    /// After which time the next backend is asked too, for one request; `None` where the budget is used up, and
    /// never if that is what the policy says.
    pub(super) fn hedge(&mut self, hedge: &Hedge<'_>, now: u64) -> Option<Duration> {
        self.budget.note_read(now);
        if !self.budget.has_some() && !self.hangs(hedge.first, hedge.second) {
            return None;
        }
        let pace = self.pace(hedge.first);
        match hedge.after {
            HedgeAfter::Never => None,
            HedgeAfter::Fixed(time) => Some(time),
            // What does not answer may be slower than it was, and a longer wait finds that out.
            HedgeAfter::Usual if pace.unanswered >= 2 => Some(Duration::from_nanos(LATEST)),
            HedgeAfter::Usual => {
                let usual = pace.usual.saturating_mul(2).clamp(SOONEST, LATEST);
                Some(Duration::from_nanos(usual))
            }
        }
    }

    /// Whether a backend answers nothing while the next one answers.
    fn hangs(&self, first: &str, second: &str) -> bool {
        let unanswered = |name| self.of.get(name).map_or(0, |pace| pace.unanswered);
        unanswered(first) >= HANGS && unanswered(second) == 0
    }

    /// The first backend has begun its answer after the second was asked too, or its request is over without one.
    pub(super) fn note_hedged(&mut self, first: &str, second: &str, was_in_vain: bool) {
        if was_in_vain {
            self.budget.pay_in_vain();
        } else if !self.hangs(first, second) {
            self.budget.pay_helped();
        }
    }

    /// The host has passed a backend over, because it knows it to be down.
    pub(super) fn note_out(&mut self, backend: &str, now: u64) {
        self.pace(backend).out_until = now.saturating_add(OUT);
    }

    /// The host has chosen a backend.
    pub(super) fn note_in(&mut self, backend: &str) {
        if let Some(pace) = self.of.get_mut(backend) {
            pace.out_until = 0;
        }
    }

    /// Whether a backend is taken to be down. A time of a later future than any is of a clock that was set back since.
    pub(super) fn is_out(&self, backend: &str, now: u64) -> bool {
        let until = self.of.get(backend).map_or(0, |pace| pace.out_until);
        now < until && until.saturating_sub(now) <= OUT
    }

    /// A backend has begun its answer after so long.
    pub(super) fn answered(&mut self, backend: &str, took: u64) {
        let pace = self.pace(backend);
        pace.sample(took);
        (pace.unanswered, pace.until, pace.time) = (0, 0, 0);
    }

    /// A request to a backend is over without an answer, after so long. What ends sooner than anybody would be asked
    /// too says nothing: the client has gone, or the connection was refused, which Envoy counts.
    pub(super) fn unanswered(&mut self, backend: &str, took: u64, now: u64) {
        if took < nanoseconds(HedgeAfter::SHORTEST) {
            return;
        }
        let pace = self.pace(backend);
        pace.sample(took);
        if pace.unanswered == 0 {
            pace.since = now.saturating_sub(took);
        }
        pace.unanswered = pace.unanswered.saturating_add(1);
        if pace.time > 0 {
            pace.until = now.saturating_add(pace.time);
        }
    }

    /// Whether a backend of a list is asked after the others, because it answers nothing. `is_first` says that it is
    /// the first of its list: now and then a request is to find out how it is.
    pub(super) fn is_silent(
        &mut self,
        backend: &str,
        ejection: Ejection,
        is_first: bool,
        now: u64,
    ) -> bool {
        let Some(pace) = self.of.get_mut(backend) else { return false };
        let silence = now.saturating_sub(pace.since);
        if pace.unanswered < ejection.failures || silence < SILENCE {
            return false;
        }
        pace.time = nanoseconds(ejection.time);
        // An end of a later future than any is of a clock that was set back since.
        let is_running = now < pace.until && pace.until.saturating_sub(now) <= pace.time.max(TRIAL);
        if is_running || !is_first {
            return true;
        }
        pace.until = now.saturating_add(TRIAL);
        false
    }

    fn pace(&mut self, backend: &str) -> &mut Pace {
        if !self.of.contains_key(backend) {
            self.of.insert(backend.to_owned(), Pace::default());
        }
        self.of.entry(backend.to_owned()).or_default()
    }
}

impl Pace {
    /// A step up is four times a step down, so that one answer in five takes longer. What has had no answer took
    /// longer than it was waited for.
    fn sample(&mut self, took: u64) {
        self.usual = if took > self.usual {
            let step = (self.usual / 8).saturating_add(5 * MILLISECOND);
            self.usual.saturating_add(step).min(LATEST)
        } else {
            self.usual.saturating_sub(self.usual / 32)
        };
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000 * MILLISECOND;
    const EJECTION: Ejection = Ejection { failures: 3, time: Duration::from_secs(8) };

    const fn of(after: HedgeAfter) -> Hedge<'static> {
        Hedge { first: "a", second: "b", after }
    }

    fn wait(paces: &mut Paces) -> Option<u128> {
        paces.hedge(&of(HedgeAfter::Usual), SECOND).map(|wait| wait.as_millis())
    }

    /// Of 200 answers of which every tenth takes the second time.
    #[test]
    fn the_next_is_asked_after_twice_what_is_usual() {
        #[rustfmt::skip]
        let rows = [
            (20, 20, 300, 300, "no sooner than that"),
            (20, 300, 300, 300, "a tail of one in ten is not what is usual"),
            (200, 200, 380, 480, "twice"),
            (250, 250, 480, 600, "twice"),
            (2000, 2000, 600, 600, "no later than that"),
        ];
        for (usual, other, least, most, reason) in rows {
            let mut paces = Paces::default();
            for number in 0..200 {
                let took = if number % 10 == 9 { other } else { usual };
                paces.answered("a", took * MILLISECOND);
            }
            let found = wait(&mut paces).unwrap();
            assert!((least..=most).contains(&found), "{reason}: {found}");
        }
    }

    #[test]
    fn a_fixed_time_of_the_policy_holds() {
        let mut paces = Paces::default();
        let fixed = HedgeAfter::Fixed(Duration::from_millis(450));
        for _ in 0..9 {
            paces.unanswered("a", SECOND, SECOND);
        }
        assert_eq!(paces.hedge(&of(fixed), SECOND), Some(Duration::from_millis(450)));
        assert_eq!(paces.hedge(&of(HedgeAfter::Never), SECOND), None);
        assert_eq!(wait(&mut paces), Some(600), "a longer wait finds out whether it is slow");
    }

    /// Of a thousand reads at once, each of which is hedged if it may be.
    #[test]
    fn hedges_cost_nothing_while_the_first_hangs_and_the_second_answers() {
        #[rustfmt::skip]
        let rows = [
            (true, true, 1000, "the first hangs"),
            (true, false, 120, "both hang: the budget and a share"),
            (false, true, 30, "the first answers after all: a quarter of that"),
        ];
        for (first_hangs, second_answers, expected, reason) in rows {
            let mut paces = Paces::default();
            let mut hedged: u64 = 0;
            for _ in 0..1000 {
                if wait(&mut paces).is_none() {
                    continue;
                }
                hedged += 1;
                if second_answers && first_hangs {
                    paces.answered("b", 20 * MILLISECOND);
                } else if first_hangs {
                    paces.unanswered("b", SECOND, SECOND);
                }
                if first_hangs {
                    paces.unanswered("a", 400 * MILLISECOND, SECOND);
                } else {
                    paces.answered("a", SECOND);
                }
                paces.note_hedged("a", "b", !first_hangs);
            }
            assert!(hedged.abs_diff(expected) < 10, "{reason}: {hedged}");
        }
    }

    /// Requests that end without an answer, each at this second and after so many milliseconds; whether the backend
    /// is left then, at this second.
    #[test]
    fn a_backend_without_answers_for_three_seconds_is_asked_last() {
        #[rustfmt::skip]
        let rows: [(&[(u64, u64)], u64, bool, &str); 7] = [
            (&[(10, 400), (12, 400), (14, 400)], 14, true, "three in a row, over three seconds"),
            (&[(10, 400), (14, 400)], 14, false, "two"),
            (&[(10, 400), (11, 400), (12, 400)], 12, false, "within two seconds: it may be slow"),
            (&[(10, 400), (11, 400), (12, 400)], 13, true, "and then nothing more"),
            (&[(10, 50), (12, 50), (14, 50)], 14, false, "clients that went away at once"),
            (&[(10, 3000), (10, 3000), (10, 3000)], 10, true, "at a time, each for three seconds"),
            (&[], 14, false, "nothing was asked"),
        ];
        for (ends, now, expected, reason) in rows {
            let mut paces = Paces::default();
            for (at, took) in ends {
                paces.unanswered("a", took * MILLISECOND, at * SECOND);
            }
            assert_eq!(paces.is_silent("a", EJECTION, false, now * SECOND), expected, "{reason}");
        }
    }

    #[test]
    fn one_request_at_a_time_finds_out_how_it_is() {
        let mut paces = Paces::default();
        for at in [10, 12, 14] {
            paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
        }
        let first = |paces: &mut Paces, at: u64| paces.is_silent("a", EJECTION, true, at);
        assert!(!first(&mut paces, 14 * SECOND), "one request tries");
        assert!(first(&mut paces, 14 * SECOND + 1), "the next does not");
        paces.unanswered("a", 800 * MILLISECOND, 14 * SECOND + 800 * MILLISECOND);
        assert!(first(&mut paces, 22 * SECOND), "for as long as `ejection.time` says");
        assert!(!first(&mut paces, 23 * SECOND), "another one tries");
        assert!(first(&mut paces, 23 * SECOND + 1));
        assert!(!first(&mut paces, 25 * SECOND), "that one never came back");
        paces.answered("a", 20 * MILLISECOND);
        assert!(!first(&mut paces, 26 * SECOND), "it answers");
        assert!(paces.all_answer());
    }

    #[test]
    fn a_backend_that_is_down_is_remembered_for_five_seconds() {
        let mut paces = Paces::default();
        paces.note_out("a", 10 * SECOND);
        let found = [10, 14, 15, 4].map(|at| paces.is_out("a", at * SECOND));
        assert_eq!(found, [true, true, false, false], "the last one by a clock that was set back");
        assert!(!paces.is_out("b", 10 * SECOND));
        paces.note_in("a");
        assert!(!paces.is_out("a", 11 * SECOND), "the host has chosen it");
        assert!(paces.all_answer(), "it is not left for that");
    }

    #[test]
    fn a_clock_that_was_set_back() {
        let mut paces = Paces::default();
        for at in [110, 112, 114] {
            paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
        }
        assert!(!paces.is_silent("a", EJECTION, true, 114 * SECOND));
        assert!(!paces.is_silent("a", EJECTION, true, 20 * SECOND));
    }

    #[test]
    fn another_policy() {
        let mut paces = Paces::default();
        for at in [10, 12, 14] {
            paces.unanswered("a", 400 * MILLISECOND, at * SECOND);
        }
        assert!(!paces.all_answer());
        paces.forget_all();
        assert!(paces.all_answer() && !paces.is_silent("a", EJECTION, false, 15 * SECOND));
    }
}
