//! For how long nothing has been under way. Envoy is asked again and again, and between two
//! questions a request may be nowhere: between two attempts, or between a connection and the first
//! request on it.

use std::time::{Duration, Instant};

/// What was seen last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quiet(Option<Instant>);

impl Quiet {
    /// For how long nothing has been under way, when so many requests are so `now`.
    pub(super) fn lasts(&mut self, requests: u64, now: Instant) -> Duration {
        self.0 = if requests == 0 { self.0.or(Some(now)) } else { None };
        self.0.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_begins_it_anew() {
        let start = Instant::now();
        let mut quiet = Quiet::default();
        let rows = [
            (0, 3, 0, "a request is under way"),
            (1, 0, 0, "from now on none is"),
            (4, 0, 3, "still none"),
            (5, 1, 0, "one came between"),
            (6, 0, 0, "none again"),
            (8, 0, 2, "still none"),
        ];
        for (at, requests, expected, reason) in rows {
            let now = start.checked_add(Duration::from_secs(at)).unwrap();
            let lasts = quiet.lasts(requests, now);
            assert_eq!(lasts, Duration::from_secs(expected), "{reason}");
        }
    }
}
