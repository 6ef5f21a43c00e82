//! The health of Envoy's clusters, asked of its admin interface at most once a second.

use std::rc::Rc;
use std::time::Duration;

use portolan_core::contract::clusters::ADMIN;
use portolan_core::health::{Health, TARGET};

use super::flight::Flight;
use crate::call::{Call, CallAnswer, StreamId};

const SECOND: u64 = 1_000_000_000;
/// How long an answer is good for, and for how long it is better than none while the next is on its
/// way.
const FRESH: u64 = SECOND;
const STALE: u64 = 10 * SECOND;
const TIMEOUT: Duration = Duration::from_secs(2);
/// How many requests wait that could do without the answer. Where the interface hangs, a thousand
/// of them are not to hang with it.
const MOST_OPTIONAL: usize = 8;

/// What is known, and who waits to know.
#[derive(Debug, Default)]
pub(super) struct HealthLookup {
    last: Option<(u64, Rc<Health>)>,
    flight: Option<Flight>,
}

/// What a request that wants to know should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// The caller has the question asked, and waits.
    Asks,
    /// It is being asked; the caller waits.
    Waits,
    /// So many wait that the caller does without.
    DoesWithout,
}

impl HealthLookup {
    /// What is known, if it is fresh, or if something fresher is on its way.
    pub(super) fn known(&self, now: u64) -> Option<Rc<Health>> {
        let limit = if self.flight.is_some() { STALE } else { FRESH };
        let (at, health) = self.last.as_ref()?;
        (now.saturating_sub(*at) < limit).then(|| Rc::clone(health))
    }

    /// Wants to know; `is_optional` if the request could do without.
    pub(super) fn join(&mut self, stream: StreamId, is_optional: bool, now: u64) -> Joined {
        let Some(flight) = &mut self.flight else {
            self.flight.insert(Flight::start(now)).join(stream);
            return Joined::Asks;
        };
        if is_optional && flight.len() >= MOST_OPTIONAL {
            return Joined::DoesWithout;
        }
        flight.join(stream);
        Joined::Waits
    }

    /// A request is over.
    pub(super) fn forget(&mut self, stream: StreamId) {
        if let Some(flight) = &mut self.flight {
            flight.forget(stream);
        }
    }

    /// Takes in the answer. Returns who waited for it, and what is known now; `None` if the answer
    /// was of no use.
    pub(super) fn settle(
        &mut self,
        answer: &CallAnswer<'_>,
        now: u64,
    ) -> (Vec<StreamId>, Option<Rc<Health>>) {
        let waiters = self.flight.take().map(Flight::into_waiters).unwrap_or_default();
        let is_good = answer.status() == Some(200);
        let health = is_good.then(|| Health::read(answer.body)).flatten().map(Rc::new);
        if let Some(health) = &health {
            self.last = Some((now, Rc::clone(health)));
        }
        (waiters, health)
    }
}

/// The question.
pub(super) fn call() -> Call {
    Call::new("GET", TARGET, "admin").to(ADMIN, TIMEOUT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header_map::{HeaderMap, serialize};

    const CLUSTERS: &[u8] = br#"{"cluster_statuses": []}"#;

    fn settle(lookup: &mut HealthLookup, status: &str, body: &[u8], now: u64) -> (Vec<u32>, bool) {
        let headers = HeaderMap::new(serialize([(":status", status.as_bytes())].into_iter()));
        let (woken, health) = lookup.settle(&CallAnswer { headers: Some(&headers), body }, now);
        (woken, health.is_some())
    }

    #[test]
    fn one_question_for_all_streams_that_wait() {
        let mut lookup = HealthLookup::default();
        assert_eq!(lookup.join(1, true, 0), Joined::Asks);
        for stream in 2..=8 {
            assert_eq!(lookup.join(stream, true, 0), Joined::Waits);
        }
        assert_eq!(lookup.join(9, true, 0), Joined::DoesWithout, "eight wait");
        assert_eq!(lookup.join(10, false, 0), Joined::Waits, "it has to know");
        lookup.forget(3);
        lookup.forget(4);
        assert_eq!(lookup.join(9, true, 0), Joined::Waits, "two have gone away");
        assert!(lookup.known(0).is_none());
        assert_eq!(settle(&mut lookup, "200", CLUSTERS, 0), (vec![1, 2, 5, 6, 7, 8, 10, 9], true));
        assert!(lookup.known(0).is_some());
    }

    #[test]
    fn answers_get_old() {
        let mut lookup = HealthLookup::default();
        lookup.join(1, false, 0);
        settle(&mut lookup, "200", CLUSTERS, 0);
        let knows = |lookup: &HealthLookup, now| lookup.known(now).is_some();
        assert!(knows(&lookup, SECOND - 1) && !knows(&lookup, SECOND));
        assert_eq!(lookup.join(2, true, SECOND), Joined::Asks);
        assert!(
            knows(&lookup, SECOND) && knows(&lookup, 10 * SECOND - 1),
            "the next is on its way"
        );
        assert!(!knows(&lookup, 10 * SECOND));
    }

    #[test]
    fn answers_that_are_of_no_use() {
        let rows: [(&str, &[u8], &str); 3] = [
            ("503", CLUSTERS, "the interface is not there"),
            ("200", b"<html>", "not what was asked for"),
            ("404", b"", "another interface"),
        ];
        for (status, body, reason) in rows {
            let mut lookup = HealthLookup::default();
            lookup.join(1, false, 0);
            assert_eq!(settle(&mut lookup, status, body, 0), (vec![1], false), "{reason}");
            assert!(lookup.known(0).is_none(), "{reason}");
            assert_eq!(lookup.join(2, false, 0), Joined::Asks, "{reason}: the next one asks again");
        }
        let mut lookup = HealthLookup::default();
        lookup.join(1, false, 0);
        assert_eq!(lookup.settle(&CallAnswer::default(), 0).0, [1], "it could not be asked");
    }
}
