//! Which passwords were found right or wrong lately, so that not every blob of an image costs a
//! verification.
//!
//! Verifying is slow on purpose (bcrypt), and done elsewhere. Of what a client sends with every
//! request only a fingerprint of sixteen bytes is kept, with a key that the worker was given when
//! it started, and for a minute at most: the tables have one size, whatever clients send, and no
//! password is in them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use portolan_core::Password;
use portolan_core::config::Verifier;

use super::fingerprint::{Fingerprint, Key};
use super::flight::Flight;
use super::memory::Memory;
use crate::call::{Call, StreamId};

const SECOND: u64 = 1_000_000_000;
/// How long a right password counts as right: as long as a withdrawn one still works.
const RIGHT: u64 = 60 * SECOND;
/// How long a wrong one counts as wrong: as long as a new one does not work yet.
const WRONG: u64 = 5 * SECOND;
/// How many of each are kept. They have tables of their own: a flood of wrong ones pushes no right
/// one out.
const MOST: usize = 4096;
/// How long the service that verifies may take; it is slow on purpose.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most verifications of one client that are under way in a worker: fewer than the 64
/// connections that Envoy has to who verifies. What is known needs none, and all requests with one
/// password have one, so that only a client that guesses has so many.
const SHARE: usize = 48;

/// What was found, by who verifies and what was sent, and what is being verified.
#[derive(Debug)]
pub(super) struct PasswordLookup {
    key: Key,
    /// Until when each counts as right, or as wrong.
    right: Memory<Fingerprint, u64>,
    wrong: Memory<Fingerprint, u64>,
    flights: BTreeMap<Fingerprint, (Flight, Client)>,
}

/// Whose an address is.
type Client = Vec<u8>;

/// What a request with a password should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// The caller has it verified, and waits.
    Asks,
    /// It is being verified; the caller waits.
    Waits,
    /// Its client has its share of verifications under way.
    Refused,
}

impl PasswordLookup {
    pub(super) const fn new(key: Key) -> Self {
        Self { key, right: Memory::new(MOST), wrong: Memory::new(MOST), flights: BTreeMap::new() }
    }

    /// What a password is known by: also by where its verifier is, as a name may mean another one
    /// after a reload.
    pub(super) fn fingerprint(&self, verifier: &Verifier, value: &[u8]) -> Fingerprint {
        let url = verifier.url();
        let verifier = [verifier.cluster(), &url.origin(), url.base_path()].join(" ");
        self.key.fingerprint(verifier.as_bytes(), value)
    }

    /// What is known of a password. `now` in nanoseconds.
    pub(super) fn known(&mut self, password: &Fingerprint, now: u64) -> Option<Password> {
        if self.right.find(password, |until| *until > now).is_some() {
            return Some(Password::Right);
        }
        self.wrong.find(password, |until| *until > now).map(|_| Password::Wrong)
    }

    /// Wants to know; `address` is the client's.
    pub(super) fn join(
        &mut self,
        password: Fingerprint,
        address: &[u8],
        stream: StreamId,
        now: u64,
    ) -> Joined {
        if let Some((flight, _)) = self.flights.get_mut(&password) {
            flight.join(stream);
            return Joined::Waits;
        }
        let client = client(address);
        if self.flights.values().filter(|(_, other)| *other == client).count() >= SHARE {
            return Joined::Refused;
        }
        let mut flight = Flight::start(now);
        flight.join(stream);
        self.flights.insert(password, (flight, client));
        Joined::Asks
    }

    /// A request is over. The verification goes on for the others, and for the memory.
    pub(super) fn forget(&mut self, password: &Fingerprint, stream: StreamId) {
        if let Some((flight, _)) = self.flights.get_mut(password) {
            flight.forget(stream);
        }
    }

    /// Takes in the status of the verifier's answer; `None` if there was none. Returns who waited
    /// for it, and what is known now.
    pub(super) fn settle(
        &mut self,
        password: Fingerprint,
        status: Option<u16>,
        now: u64,
    ) -> (Vec<StreamId>, Password) {
        let flight = self.flights.remove(&password);
        let waiters = flight.map(|(flight, _)| flight.into_waiters()).unwrap_or_default();
        let found = read(status);
        match found {
            Password::Right => {
                self.wrong.forget(&password);
                self.right.note(password, now.saturating_add(RIGHT));
            }
            Password::Wrong => {
                self.right.forget(&password);
                self.wrong.note(password, now.saturating_add(WRONG));
            }
            Password::Unknown => {}
        }
        (waiters, found)
    }
}

/// What a verifier's status means. Only 401 and 403 say that a password is wrong: a verifier that
/// fails has said nothing.
const fn read(status: Option<u16>) -> Password {
    match status {
        Some(200..=299) => Password::Right,
        Some(401 | 403) => Password::Wrong,
        _ => Password::Unknown,
    }
}

/// The question; `None` for a value that cannot be sent.
pub(super) fn call(verifier: &Verifier, value: &[u8]) -> Option<Call> {
    let value = std::str::from_utf8(value).ok()?;
    let url = verifier.url();
    let call = Call::new("GET", &format!("{}/", url.base_path()), url.authority());
    Some(call.to(verifier.cluster(), TIMEOUT).with("authorization", value))
}

/// Whose an address is: one of IPv4, or the 64 bits of IPv6 that a network has to itself (RFC
/// 6177). The port is anybody's choice. What is no address is a client as well.
fn client(address: &[u8]) -> Client {
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

    const ADDRESS: &[u8] = b"192.0.2.1:7";

    fn lookup() -> PasswordLookup {
        PasswordLookup::new(Key::new(1, 2))
    }

    fn password(number: u8) -> Fingerprint {
        [number; 16]
    }

    #[test]
    fn statuses() {
        use Password::{Right, Unknown, Wrong};
        #[rustfmt::skip]
        let rows = [
            (Some(200), Right, "right"), (Some(204), Right, "right"), (Some(299), Right, "right"),
            (Some(401), Wrong, "wrong"), (Some(403), Wrong, "wrong"),
            (Some(199), Unknown, "no answer"), (Some(301), Unknown, "another place"),
            (Some(404), Unknown, "no verifier"), (Some(429), Unknown, "too many"),
            (Some(503), Unknown, "in trouble"), (None, Unknown, "nothing"),
        ];
        for (status, expected, reason) in rows {
            assert_eq!(read(status), expected, "{status:?}: {reason}");
        }
    }

    #[test]
    fn findings_end() {
        let mut lookup = lookup();
        lookup.settle(password(1), Some(200), SECOND);
        lookup.settle(password(2), Some(401), SECOND);
        lookup.settle(password(3), Some(503), SECOND);
        #[rustfmt::skip]
        let rows = [
            (1, 2 * SECOND, Some(Password::Right), "right"),
            (1, SECOND + RIGHT - 1, Some(Password::Right), "at the very end"),
            (1, SECOND + RIGHT, None, "a minute later"),
            (2, 2 * SECOND, Some(Password::Wrong), "wrong"),
            (2, SECOND + WRONG, None, "five seconds later"),
            (3, 2 * SECOND, None, "a verifier in trouble has said nothing"),
            (4, SECOND, None, "never verified"),
        ];
        for (number, now, expected, reason) in rows {
            assert_eq!(lookup.known(&password(number), now), expected, "{reason}");
        }
        lookup.settle(password(1), Some(403), 2 * SECOND);
        assert_eq!(lookup.known(&password(1), 2 * SECOND), Some(Password::Wrong), "withdrawn");
        lookup.settle(password(1), Some(200), 3 * SECOND);
        assert_eq!(lookup.known(&password(1), 3 * SECOND), Some(Password::Right), "given again");
    }

    #[test]
    fn a_flood_of_wrong_passwords_pushes_no_right_one_out() {
        let mut lookup = lookup();
        lookup.settle(password(1), Some(200), 0);
        for number in 0..2 * u64::try_from(MOST).unwrap() {
            let value = number.to_le_bytes();
            let guess = lookup.key.fingerprint(b"a", &value);
            lookup.settle(guess, Some(401), 0);
        }
        assert_eq!(lookup.known(&password(1), 0), Some(Password::Right));
        assert_eq!(lookup.wrong.len(), MOST);
    }

    #[test]
    fn one_verification_for_all_requests_with_one_password() {
        let mut lookup = lookup();
        assert_eq!(lookup.join(password(1), ADDRESS, 1, 0), Joined::Asks);
        assert_eq!(lookup.join(password(1), b"198.51.100.1:1", 2, 0), Joined::Waits);
        assert_eq!(lookup.join(password(2), ADDRESS, 3, 0), Joined::Asks);
        lookup.forget(&password(1), 1);
        lookup.forget(&password(2), 1);
        assert_eq!(lookup.settle(password(1), Some(200), 0), (vec![2], Password::Right));
        assert_eq!(lookup.settle(password(1), Some(200), 0).0, [0; 0], "it is over");
        assert_eq!(lookup.settle(password(2), None, 0), (vec![3], Password::Unknown));
        assert!(lookup.flights.is_empty(), "nobody is remembered");
    }

    #[test]
    fn each_client_has_a_share_of_verifications() {
        let mut lookup = lookup();
        let share = u8::try_from(SHARE).unwrap();
        for number in 0..share {
            let address = format!("192.0.2.1:{number}");
            let joined = lookup.join(password(number), address.as_bytes(), 1, 0);
            assert_eq!(joined, Joined::Asks);
        }
        let mut ask = |number, address: &[u8]| lookup.join(password(number), address, 1, 0);
        assert_eq!(ask(200, ADDRESS), Joined::Refused, "all ports together");
        assert_eq!(ask(200, b"192.0.2.1"), Joined::Refused, "without one");
        assert_eq!(ask(0, ADDRESS), Joined::Waits, "what is being verified costs nothing");
        assert_eq!(ask(200, b"192.0.2.2:7"), Joined::Asks, "another client");
        lookup.settle(password(5), Some(200), 0);
        assert_eq!(lookup.join(password(201), ADDRESS, 1, 0), Joined::Asks, "one has ended");
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
