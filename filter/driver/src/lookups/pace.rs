//! The pace of each backend: when a read is hedged, and which backend is asked last because it
//! answers nothing.
//!
//! * A backend that takes its time is asked first all the same. One that has not begun any answer
//!   for three seconds is left, as after [`Ejection`]; then one request at a time finds out how it
//!   is.
//! * Asking the next one too has a [`Budget`]. It costs nothing while the first has answered none
//!   of several requests and the next one answers: then the first hangs, which requests under way
//!   show as well as those that are over. It does so until the first has begun one answer.

use std::collections::BTreeMap;
use std::time::Duration;

use portolan_core::attempt::Hedge;
use portolan_core::config::{Ejection, HedgeAfter};

use super::budget::Budget;

const MILLISECOND: u64 = 1_000_000;
/// Between these bounds a backend is waited for before the next one is asked too, where the policy
/// says no time.
const SOONEST: u64 = 300 * MILLISECOND;
const LATEST: u64 = 600 * MILLISECOND;
/// So long at least, where the budget is used up and its reserve is not.
const LONG: Duration = Duration::from_millis(1_500);
/// So long a backend has to begin no answer at all until it is left.
const SILENCE: u64 = 3_000 * MILLISECOND;
/// So long one request may take to find out how a backend is that was left, until another one
/// tries.
const TRIAL: u64 = 1_000 * MILLISECOND;
/// So long a backend that the host has passed over is taken to be down.
const OUT: u64 = 5_000 * MILLISECOND;
/// So long after a backend has refused a token before its end others of its tokens may be refused
/// as well. Most live for five minutes.
const REVOKED: u64 = 300_000 * MILLISECOND;
/// So many requests in a row without an answer mean that a backend hangs, where the next one
/// answers.
const HANGS: u32 = 5;
/// So do as many that are under way, if the first of them began so long ago.
const STILL: u64 = 500 * MILLISECOND;

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
    /// So many requests were begun since its last answer, the first of them then.
    begun: u32,
    begun_since: u64,
    /// Asked last until then, and for so long each time; nothing until that is known.
    until: u64,
    time: u64,
    /// Taken to be down until then.
    out_until: u64,
    /// May refuse tokens until then.
    revokes_until: u64,
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

    /// After which time the next backend is asked too, for one request; `None` where the budget is
    /// used up, and never if that is what the policy says.
    pub(super) fn hedge(&mut self, hedge: &Hedge<'_>, now: u64) -> Option<Duration> {
        self.budget.note_read(now);
        let is_soon = self.budget.has_some() || self.hangs(hedge.first, hedge.second, now);
        if !is_soon && !self.budget.has_reserve() {
            return None;
        }
        let wait = self.wait(hedge)?;
        Some(if is_soon { wait } else { wait.max(LONG) })
    }

    fn wait(&mut self, hedge: &Hedge<'_>) -> Option<Duration> {
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
    fn hangs(&self, first: &str, second: &str, now: u64) -> bool {
        let second_answers = self.of.get(second).is_none_or(|pace| pace.unanswered == 0);
        second_answers && self.of.get(first).is_some_and(|pace| pace.hangs(now))
    }

    /// The first backend has begun its answer after the second was asked too, or its request is
    /// over without one.
    pub(super) fn note_hedged(&mut self, first: &str, second: &str, was_in_vain: bool, now: u64) {
        if was_in_vain {
            self.budget.pay_in_vain();
        } else if !self.hangs(first, second, now) {
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

    /// Whether a backend is taken to be down.
    pub(super) fn is_out(&self, backend: &str, now: u64) -> bool {
        let until = self.of.get(backend).map_or(0, |pace| pace.out_until);
        is_before(now, until, OUT)
    }

    /// A backend has refused a token before its end.
    pub(super) fn note_refused(&mut self, backend: &str, now: u64) {
        self.pace(backend).revokes_until = now.saturating_add(REVOKED);
    }

    /// Whether a backend may refuse a token: it is to be asked again then, which Envoy cannot do
    /// for a request that it hedges.
    pub(super) fn may_refuse(&self, backend: &str, now: u64) -> bool {
        let until = self.of.get(backend).map_or(0, |pace| pace.revokes_until);
        is_before(now, until, REVOKED)
    }

    /// A backend is asked.
    pub(super) fn asked(&mut self, backend: &str, now: u64) {
        let pace = self.pace(backend);
        // A clock that was set back begins anew.
        if pace.begun == 0 || now < pace.begun_since {
            (pace.begun, pace.begun_since) = (0, now);
        }
        pace.begun = pace.begun.saturating_add(1);
    }

    /// A backend has begun its answer after so long.
    pub(super) fn answered(&mut self, backend: &str, took: u64) {
        let pace = self.pace(backend);
        pace.sample(took);
        (pace.unanswered, pace.begun, pace.until, pace.time) = (0, 0, 0, 0);
    }

    /// A request to a backend is over without an answer, after so long. What ends sooner than
    /// anybody would be asked too says nothing: the client has gone, or the connection was refused,
    /// which Envoy counts.
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

    /// Whether a backend of a list is asked after the others, because it answers nothing.
    /// `is_first` says that it is the first of its list: now and then a request is to find out how
    /// it is.
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
        self.of.entry(backend.to_owned()).or_default()
    }
}

impl Pace {
    /// Whether it has answered none of several requests, over or under way.
    const fn hangs(&self, now: u64) -> bool {
        let is_still = now.saturating_sub(self.begun_since) >= STILL;
        self.unanswered >= HANGS || (self.begun >= HANGS && is_still)
    }

    /// A step up is four times a step down, so that one answer in five takes longer. What has had
    /// no answer took longer than it was waited for.
    fn sample(&mut self, took: u64) {
        self.usual = if took > self.usual {
            let step = (self.usual / 8).saturating_add(5 * MILLISECOND);
            self.usual.saturating_add(step).min(LATEST)
        } else {
            self.usual.saturating_sub(self.usual / 32)
        };
    }
}

/// Whether a time that is never further away than `longest` is to come. One that is further away is
/// of a clock that was set back since.
const fn is_before(now: u64, until: u64, longest: u64) -> bool {
    now < until && until.saturating_sub(now) <= longest
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
