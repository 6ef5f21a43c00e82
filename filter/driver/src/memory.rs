//! The state that all streams of a worker share.

use std::rc::Rc;
use std::time::Duration;

use crate::deadlines::Deadlines;
use crate::lookups::{Lookups, Seed};
use crate::snapshot::Snapshot;
use crate::timer::Timer;
use crate::warnings::Warnings;

/// The most lines of one worker in a minute, of those that a registry may cause.
const MOST_LINES: usize = 256;

/// What is looked up at other services, and what is remembered.
pub(crate) struct Memory {
    pub(crate) lookups: Lookups,
    pub(crate) deadlines: Deadlines,
    pub(crate) timer: Timer,
    pub(crate) warnings: Warnings,
    /// The policy that was loaded last, for the filters that are configured without one.
    pub(crate) latest: Option<Rc<Snapshot>>,
    /// Whether the filter that reads forms at the token endpoint is there.
    pub(crate) takes_forms: bool,
}

impl Memory {
    pub(crate) fn new(seed: Seed) -> Self {
        Self {
            lookups: Lookups::new(seed),
            deadlines: Deadlines::default(),
            timer: Timer::default(),
            warnings: Warnings::new(MOST_LINES),
            latest: None,
            takes_forms: false,
        }
    }

    /// How long the host has to wait for the next alarm, where that is not what it does anyway.
    pub(crate) fn set_timer(&mut self, now: u64) -> Option<Duration> {
        let next = self.lookups.next_alarm().into_iter().chain(self.deadlines.next()).min();
        self.timer.set(self.lookups.has_calls(), next, now)
    }
}
