//! What is known under one key, and what follows from it for a request.

use super::answer::Outcome;
use super::failure::{Cause, Failure};
use super::flight::Flight;
use super::held::HeldToken;
use super::secret::Secret;

/// One key: the token, the last failure and the fetch that is under way, each if there is one.
/// All three at once is a token that is due, after a refresh that failed, during the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    token: Option<HeldToken>,
    failure: Option<Failure>,
    flight: Option<Flight>,
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
    /// Go on without: the service or the registry said no.
    Denied,
    /// Go on without: the service is in trouble.
    Unavailable,
}

impl Entry {
    /// What a request at this moment should do.
    pub(super) fn step(&self, now: u64) -> Step {
        let remembered = self.failure.as_ref().is_some_and(|failure| failure.is_remembered(now));
        if let Some(token) = self.token.as_ref().filter(|token| token.is_usable(now)) {
            let refresh = token.is_due(now) && self.flight.is_none() && !remembered;
            return Step::Take { refresh };
        }
        let cause = self.failure.as_ref().map(Failure::cause);
        match (cause, self.flight.is_some()) {
            // After trouble one request probes. The others go on without: a service that is still
            // slow must not hold them all again.
            (Some(Cause::Denied), true) => Step::Denied,
            (Some(Cause::Unavailable), true) => Step::Unavailable,
            (_, true) => Step::Wait,
            (Some(Cause::Denied | Cause::Refused), false) if remembered => Step::Denied,
            (Some(Cause::Unavailable), false) if remembered => Step::Unavailable,
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
                self.token = Some(HeldToken::new(value, expires_in, flight.started(), now));
                None
            }
            Outcome::Denied => Some(Failure::denied(now)),
            Outcome::Unavailable { .. } => Some(Failure::unavailable(self.failure.as_ref(), now)),
        };
        flight.into_waiters()
    }

    /// Drops the token if it is this one. A failure that is known is a failed refresh, younger
    /// than the token, and stays.
    pub(super) fn drop_token(&mut self, value: &str) {
        if let Some(token) = self.token.take_if(|token| token.value().expose() == value) {
            self.failure.get_or_insert(Failure::refused(token.fetch_started()));
        }
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
