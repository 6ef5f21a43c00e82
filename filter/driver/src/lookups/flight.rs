//! One fetch under way, and the streams that wait for it.

/// A fetch. It belongs to nobody: a client that goes away takes only its own place with it.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    started: u64,
    waiters: Vec<u32>,
}

impl Flight {
    /// A fetch that starts now, in nanoseconds, and that nobody waits for yet.
    pub(super) const fn start(now: u64) -> Self {
        Self { started: now, waiters: Vec::new() }
    }

    /// When it started.
    pub(super) const fn started(&self) -> u64 {
        self.started
    }

    /// Adds a waiter at the end. One that waits already keeps its place: to be woken twice is an
    /// error in the host.
    pub(super) fn join(&mut self, waiter: u32) {
        if !self.waiters.contains(&waiter) {
            self.waiters.push(waiter);
        }
    }

    /// Removes a waiter.
    pub(super) fn forget(&mut self, waiter: u32) {
        self.waiters.retain(|other| *other != waiter);
    }

    /// How many wait.
    pub(super) const fn len(&self) -> usize {
        self.waiters.len()
    }

    /// Who waits, in the order in which they came.
    pub(super) fn into_waiters(self) -> Vec<u32> {
        self.waiters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiters_keep_their_order_and_stand_once() {
        let mut flight = Flight::start(7);
        for waiter in [3, 1, 2, 3, 1] {
            flight.join(waiter);
        }
        flight.forget(1);
        flight.forget(9);
        assert_eq!(flight.started(), 7);
        assert_eq!(flight.into_waiters(), [3, 2]);
    }
}
