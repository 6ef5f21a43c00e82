//! Warnings for the operator in the host's log: each line once a minute.

use std::collections::BTreeMap;

const MINUTE: u64 = 60_000_000_000;

/// Which lines were written lately. Times are in nanoseconds.
#[derive(Clone, Debug)]
pub(crate) struct Warnings {
    /// The most lines that are remembered. A registry that makes up a new text each time neither
    /// fills the memory nor the log.
    most: usize,
    written: BTreeMap<String, u64>,
}

impl Warnings {
    /// Nothing was written yet.
    #[must_use]
    pub(crate) const fn new(most: usize) -> Self {
        Self { most, written: BTreeMap::new() }
    }

    /// Whether the line is to be written now.
    pub(crate) fn is_due(&mut self, line: &str, now: u64) -> bool {
        let is_recent = |since: u64| now.checked_sub(since).is_some_and(|age| age < MINUTE);
        self.written.retain(|_, since| is_recent(*since));
        let is_due = self.written.len() < self.most && !self.written.contains_key(line);
        if is_due {
            self.written.insert(line.to_owned(), now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_once_a_minute() {
        let mut warnings = Warnings::new(2);
        let rows = [
            ("a", 0, true, "new"),
            ("a", 1, false, "within a minute"),
            ("b", 2, true, "another one"),
            ("c", 3, false, "too many"),
            ("a", MINUTE - 1, false, "still within a minute"),
            ("a", MINUTE, true, "a minute later"),
            ("b", MINUTE + 2, true, "a minute later"),
            ("b", MINUTE + 1, true, "the clock was set back"),
        ];
        for (line, now, expected, reason) in rows {
            assert_eq!(warnings.is_due(line, now), expected, "{line} at {now}: {reason}");
        }
    }
}
