//! The state of a token under one key, and what a request with that key does.

use portolan_core::attempt::Wait;
use portolan_core::token::{Denial, Outcome, Refusal, Secret, TokenFault};

use super::super::flight::Flight;
use super::failure::Failure;
use super::held::{HeldToken, SECOND};

/// How old a token must be to be replaced because it is for less than was wanted: somebody may have
/// been given more rights since.
const NARROW_FOR: u64 = 30 * SECOND;

/// One key: the token, the last failure and the fetch that is under way, each if there is one.
/// All three at once is a token that is due, after a refresh that failed, during the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    token: Option<HeldToken>,
    failure: Option<Failure>,
    flight: Option<Flight>,
    /// Whether the next token replaces one that was refused as soon as it was there.
    replaces: bool,
    /// The table's count of uses when this was used last.
    pub(super) used: u64,
}

/// What a request should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Take the token; and, if it is due, start a fetch besides.
    Take { refresh: bool },
    /// Wait for the fetch that is under way.
    Wait,
    /// Start a fetch and wait for it.
    Fetch,
    /// Go on without: the service said no.
    Denied(Denial),
    /// The request goes on without a token: the token service is in trouble.
    Unavailable,
    /// The same, because it limits requests, and asks to wait for so long.
    Limited(Wait),
}

impl Entry {
    /// What a request at this moment should do.
    pub(super) fn step(&self, now: u64) -> Step {
        let remembered = self.failure.as_ref().is_some_and(|failure| failure.is_remembered(now));
        if let Some(token) = self.token.as_ref().filter(|token| token.is_usable(now)) {
            let refresh = token.is_due(now) && self.flight.is_none() && !remembered;
            return Step::Take { refresh };
        }
        match (&self.failure, self.flight.is_some()) {
            // After trouble one request probes. The others go on without: a service that is still
            // slow must not hold them all again.
            (Some(failure), is_in_flight) if is_in_flight || remembered => match failure {
                Failure::Denied { denial, .. } => Step::Denied(*denial),
                Failure::Unavailable(_) => Step::Unavailable,
                Failure::Limited { until, .. } => Step::Limited(rest(*until, now)),
            },
            (_, true) => Step::Wait,
            (_, false) => Step::Fetch,
        }
    }

    /// Notes that a fetch starts.
    pub(super) fn start(&mut self, now: u64) {
        self.flight = Some(Flight::start(now));
    }

    /// Adds a waiter to the fetch that is under way.
    pub(super) fn join(&mut self, waiter: u32) {
        if let Some(flight) = &mut self.flight {
            flight.join(waiter);
        }
    }

    /// Removes a waiter. The fetch goes on for the next one.
    pub(super) fn forget(&mut self, waiter: u32) {
        if let Some(flight) = &mut self.flight {
            flight.forget(waiter);
        }
    }

    /// Notes what came of the fetch; who waited for it. Without a fetch nothing changes.
    ///
    /// A failed refresh leaves the token alone: it is still good.
    pub(super) fn settle(&mut self, outcome: Outcome, now: u64) -> Vec<u32> {
        let Some(flight) = self.flight.take() else { return Vec::new() };
        self.failure = match outcome {
            Outcome::Token { value, expires_in } => {
                let token = HeldToken::new(value, expires_in, flight.started(), now);
                self.token = Some(token.replacing(std::mem::take(&mut self.replaces)));
                None
            }
            Outcome::Denied(denial) => Some(Failure::denied(denial, now)),
            Outcome::Unavailable { why: TokenFault::Limited(seconds) } => {
                Some(Failure::limited(self.failure.as_ref(), seconds, now))
            }
            Outcome::Unavailable { .. } => Some(Failure::unavailable(self.failure.as_ref(), now)),
        };
        flight.into_waiters()
    }

    /// Takes in that a registry refused this token; whether the next request gets another one. A
    /// failure that is known is a failed refresh, younger than the token, and stays.
    ///
    /// A token that was good for a while is replaced at once. So is one that is refused as soon as
    /// it is there: the registry's keys may have changed. If its replacement is refused as soon,
    /// registry and token service disagree, or the refusal is not about the token. It stays as it
    /// is for everybody else, and is replaced a second after its fetch: not in a storm.
    pub(super) fn refuse(&mut self, value: &str, refusal: Refusal, now: u64) -> bool {
        let Some(token) = self.token.as_mut().filter(|token| token.value().expose() == value)
        else {
            return refusal == Refusal::Renew;
        };
        match refusal {
            Refusal::Keep => return false,
            Refusal::Narrow if token.age(now).is_some_and(|age| age < NARROW_FOR) => return false,
            Refusal::Narrow => {}
            Refusal::Renew => {
                self.replaces = token.is_young(now);
                if self.replaces && token.is_replacement() {
                    token.doubt();
                    return false;
                }
            }
        }
        self.token = None;
        refusal == Refusal::Renew
    }

    /// Forgets why there is no token: it is known now where to ask for one.
    pub(super) fn forgive(&mut self) {
        self.failure = None;
    }

    /// Whether the last fetch failed.
    pub(super) const fn fails(&self) -> bool {
        self.failure.is_some()
    }

    /// How many bytes its token has.
    pub(super) fn size(&self) -> usize {
        self.token().map_or(0, |token| token.expose().len())
    }

    /// The token, usable or not.
    pub(super) fn token(&self) -> Option<&Secret> {
        self.token.as_ref().map(HeldToken::value)
    }

    /// Whether a fetch is under way: then there may be waiters, and the entry must stay.
    pub(super) fn is_in_flight(&self) -> bool {
        self.flight.is_some()
    }

    /// Whether nothing is lost with it: no fetch, no usable token, no failure to remember.
    pub(super) fn is_expired(&self, now: u64) -> bool {
        self.step(now) == Step::Fetch
    }
}

/// What is left of a wait, in whole seconds; at least one, as it is not over for the service.
fn rest(until: Option<u64>, now: u64) -> Wait {
    until.map_or(Wait::UNKNOWN, |until| {
        let seconds = until.saturating_sub(now).div_ceil(SECOND).max(1);
        Wait::of_seconds(u32::try_from(seconds).unwrap_or(u32::MAX))
    })
}
