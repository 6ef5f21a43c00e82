//! Which passwords were found right or wrong lately, so that not every blob of an image costs a
//! verification.
//!
//! Verifying is slow on purpose (bcrypt), and done elsewhere. Of what a client sends with every request only
//! a fingerprint of sixteen bytes is kept, with a key that this worker made up when it started, and for a
//! minute at most: the table has one size, whatever clients send, and no password is in it.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use crate::fingerprint::{Fingerprint, Key};

/// How long a right password counts as right: as long as a withdrawn one still works.
const RIGHT: u64 = 60 * SECOND;
/// How long a wrong one counts as wrong: as long as a new one does not work yet.
const WRONG: u64 = 5 * SECOND;
const SECOND: u64 = 1_000_000_000;
/// How many are kept. Beyond it the oldest goes.
const MAXIMUM: usize = 4096;

/// What was found, by who verifies and what was sent.
pub(crate) struct Passwords {
    key: Key,
    findings: BTreeMap<Fingerprint, Finding>,
}

struct Finding {
    is_right: bool,
    until: u64,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { key: Key::random(), findings: BTreeMap::new() }
    }
}

impl Passwords {
    /// Whether the value was found right; `None` if it has to be verified. `now` in nanoseconds.
    pub(crate) fn find(&self, verifier: &str, value: &[u8], now: u64) -> Option<bool> {
        let found = self.findings.get(&self.key.fingerprint(verifier.as_bytes(), value))?;
        (found.until > now).then_some(found.is_right)
    }

    /// Notes what was found.
    pub(crate) fn note(&mut self, verifier: &str, value: &[u8], is_right: bool, now: u64) {
        if self.findings.len() >= MAXIMUM {
            self.make_room(now);
        }
        let until = now.saturating_add(if is_right { RIGHT } else { WRONG });
        let fingerprint = self.key.fingerprint(verifier.as_bytes(), value);
        self.findings.insert(fingerprint, Finding { is_right, until });
    }

    fn make_room(&mut self, now: u64) {
        self.findings.retain(|_, finding| finding.until > now);
        if self.findings.len() >= MAXIMUM {
            let oldest = self.findings.iter().min_by_key(|(_, finding)| finding.until);
            if let Some(key) = oldest.map(|(key, _)| *key) {
                self.findings.remove(&key);
            }
        }
    }
}

/// How many verifications each client has under way, by its address.
#[derive(Default)]
pub(crate) struct UnderWay(Rc<RefCell<HashMap<Vec<u8>, usize>>>);

/// One verification that is under way; it is no more when this is dropped.
pub(crate) struct Place {
    under_way: Rc<RefCell<HashMap<Vec<u8>, usize>>>,
    client: Vec<u8>,
}

/// The most verifications of one client that are under way in a worker: fewer than the 64 connections that
/// Envoy has to who verifies. What is known needs none, so that only who guesses has so many, or who sends a
/// thousand requests in the moment that the first one takes.
const SHARE: usize = 48;

impl UnderWay {
    /// A place for one more verification of a client; `None` if it has its share.
    pub(crate) fn place(&self, address: &[u8]) -> Option<Place> {
        let client = client(address);
        let mut counts = self.0.borrow_mut();
        let count = counts.entry(client.clone()).or_default();
        if *count >= SHARE {
            return None;
        }
        *count = count.saturating_add(1);
        Some(Place { under_way: Rc::clone(&self.0), client })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.under_way.borrow_mut();
        if let Some(count) = counts.get_mut(&self.client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                counts.remove(&self.client);
            }
        }
    }
}

/// Whose an address is: one of IPv4, or the 64 bits of IPv6 that a network has to itself (RFC 6177). The port
/// is anybody's choice. What is no address is a client as well.
fn client(address: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(address).unwrap_or_default();
    let socket = text.parse::<SocketAddr>().map(|socket| socket.ip());
    match socket.or_else(|_| text.parse::<IpAddr>()).map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(ip)) => ip.octets().to_vec(),
        Ok(IpAddr::V6(ip)) => ip.octets().into_iter().take(8).collect(),
        Err(_) => Vec::new(),
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
            assert!(passwords.findings.len() <= MAXIMUM);
        }
        let newest = format!("Basic {}", 3 * MAXIMUM - 1);
        assert_eq!(passwords.find("a", newest.as_bytes(), 13 * SECOND), Some(true));
    }

    #[test]
    fn a_client_has_a_share() {
        let under_way = UnderWay::default();
        let mut places: Vec<Place> = (0..SHARE)
            .map(|port| under_way.place(format!("192.0.2.1:{port}").as_bytes()).unwrap())
            .collect();
        assert!(under_way.place(b"192.0.2.1:7").is_none(), "all ports together");
        assert!(under_way.place(b"192.0.2.1").is_none(), "without one");
        assert!(under_way.place(b"192.0.2.2:7").is_some(), "another client");
        places.pop();
        assert!(under_way.place(b"192.0.2.1:7").is_some(), "one has ended");
        drop(places);
        assert!(under_way.0.borrow().is_empty(), "nobody is remembered");
    }

    #[test]
    fn clients_are_told_apart_by_their_network() {
        #[rustfmt::skip]
        let rows: &[(&str, &str, bool, &str)] = &[
            ("192.0.2.1:7", "192.0.2.1:8", true, "the port is its choice"),
            ("192.0.2.1:7", "192.0.2.2:7", false, "another address"),
            ("[2001:db8::1]:7", "[2001:db8::ffff:1]:8", true, "one network of 64 bits"),
            ("[2001:db8::1]:7", "[2001:db8:0:1::1]:7", false, "another one"),
            ("[::ffff:192.0.2.1]:7", "192.0.2.1:7", true, "one written in two ways"),
            ("", "junk", true, "no address at all"),
        ];
        for (one, other, same, reason) in rows {
            assert_eq!(client(one.as_bytes()) == client(other.as_bytes()), *same, "{reason}");
        }
    }
}
