//! Which passwords were found right or wrong lately, so that not every blob of an image costs a
//! verification.
//!
//! Verifying is slow on purpose (bcrypt), and done elsewhere. What is kept is what the client itself
//! sends with every request; it stays in this worker's memory, for a minute at most.

use std::collections::BTreeMap;

/// How long a right password counts as right: as long as a withdrawn one still works.
const RIGHT: u64 = 60 * SECOND;
/// How long a wrong one counts as wrong: as long as a new one does not work yet.
const WRONG: u64 = 5 * SECOND;
const SECOND: u64 = 1_000_000_000;
/// How many are kept. Beyond it the oldest goes.
const MAXIMUM: usize = 4096;

/// What was found, by who verifies and what was sent.
#[derive(Default)]
pub(crate) struct Passwords(BTreeMap<(String, Vec<u8>), Finding>);

struct Finding {
    is_right: bool,
    until: u64,
}

impl Passwords {
    /// Whether the value was found right; `None` if it has to be verified. `now` in nanoseconds.
    pub(crate) fn find(&self, verifier: &str, value: &[u8], now: u64) -> Option<bool> {
        let found = self.0.get(&(verifier.to_owned(), value.to_vec()))?;
        (found.until > now).then_some(found.is_right)
    }

    /// Notes what was found.
    pub(crate) fn note(&mut self, verifier: &str, value: &[u8], is_right: bool, now: u64) {
        if self.0.len() >= MAXIMUM {
            self.make_room(now);
        }
        let until = now.saturating_add(if is_right { RIGHT } else { WRONG });
        self.0.insert((verifier.to_owned(), value.to_vec()), Finding { is_right, until });
    }

    fn make_room(&mut self, now: u64) {
        self.0.retain(|_, finding| finding.until > now);
        if self.0.len() >= MAXIMUM {
            let oldest = self.0.iter().min_by_key(|(_, finding)| finding.until);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.0.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_end() {
        let mut passwords = Passwords::default();
        passwords.note("a", b"Basic right", true, SECOND);
        passwords.note("a", b"Basic wrong", false, SECOND);
        #[rustfmt::skip]
        let rows: &[(&str, &str, u64, Option<bool>)] = &[
            ("a", "Basic right", 2, Some(true)),
            ("a", "Basic right", 60, Some(true)),
            ("a", "Basic right", 61, None),
            ("a", "Basic wrong", 5, Some(false)),
            ("a", "Basic wrong", 6, None),
            ("a", "Basic Right", 2, None),
            ("b", "Basic right", 2, None),
        ];
        for (verifier, value, second, expected) in rows {
            let found = passwords.find(verifier, value.as_bytes(), second * SECOND);
            assert_eq!(found, *expected, "{verifier} {value} {second}");
        }
        passwords.note("a", b"Basic right", false, 3 * SECOND);
        assert_eq!(passwords.find("a", b"Basic right", 4 * SECOND), Some(false), "changed since");
    }

    #[test]
    fn the_table_is_bounded() {
        let mut passwords = Passwords::default();
        for number in 0..3 * MAXIMUM {
            let second = u64::try_from(number).unwrap() * SECOND / 1000;
            passwords.note("a", format!("Basic {number}").as_bytes(), true, second);
            assert!(passwords.0.len() <= MAXIMUM);
        }
        let newest = format!("Basic {}", 3 * MAXIMUM - 1);
        assert_eq!(passwords.find("a", newest.as_bytes(), 13 * SECOND), Some(true));
    }
}
