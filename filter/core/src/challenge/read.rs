//! Reads the challenges in the values of a `WWW-Authenticate` header.

use std::fmt;

use super::parameters::Parameters;
use super::scan::{Scanner, is_text};
use super::scheme::Challenge;

/// The most bytes of all values together. Envoy takes 60 KiB of headers; a challenge that no
/// client reads to its end is not worth the time.
const MAXIMUM_SIZE: usize = 8 * 1024;

/// The most challenges of all values together. Those in the field have three.
const MAXIMUM_CHALLENGES: usize = 32;

/// The header holds something that is no challenge, or more than is ever needed. The upstream is
/// to blame. What clients would make of such a header differs from one to the next, so no part
/// of it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(
            "the upstream's WWW-Authenticate header is no list of challenges (RFC 9110 section 11.6.1), \
             or one of more than 8 KiB, 32 challenges or 64 parameters of one challenge",
        )
    }
}

impl std::error::Error for Unreadable {}

/// Reads all values of a `WWW-Authenticate` header, one for each field line, in their order.
///
/// A value may hold several challenges, and the comma between two of them is the same as
/// between two parameters (RFC 9110 section 11.6.1: "User agents will need to take special care
/// in parsing"). A parameter belongs to the last scheme before it in the same value.
///
/// # Errors
/// [`Unreadable`] for anything outside of the grammar (quotes without an end, control bytes,
/// bytes that are not ASCII, a parameter twice, `Bearer` or `Basic` with a bare credential) and
/// for more than 8 KiB, 32 challenges, or 64 parameters of a challenge.
pub fn read(values: &[&[u8]]) -> Result<Vec<Challenge>, Unreadable> {
    let size = values.iter().fold(0_usize, |size, value| size.saturating_add(value.len()));
    if size > MAXIMUM_SIZE {
        return Err(Unreadable);
    }
    let mut challenges = Vec::new();
    for value in values {
        challenges.append(&mut text(value).and_then(read_value).ok_or(Unreadable)?);
    }
    if challenges.len() > MAXIMUM_CHALLENGES {
        return Err(Unreadable);
    }
    Ok(challenges)
}

fn text(value: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(value).ok()?;
    text.bytes().all(is_text).then_some(text)
}

/// `#challenge`
fn read_value(value: &str) -> Option<Vec<Challenge>> {
    let mut scanner = Scanner::new(value);
    let mut challenges = Vec::new();
    scanner.skip_separators();
    while !scanner.rest().is_empty() {
        challenges.push(challenge(&mut scanner)?);
        scanner.skip_separators();
    }
    Some(challenges)
}

/// `auth-scheme [ 1*SP ( token68 / #auth-param ) ]`
fn challenge(scanner: &mut Scanner<'_>) -> Option<Challenge> {
    let from = scanner.rest();
    let scheme = scanner.token()?;
    let read = match scanner.skip_spaces() {
        true if scanner.token68() => None,
        true => Some(parameters(scanner)?),
        false => Some(Parameters::default()),
    };
    let length = from.len().saturating_sub(scanner.rest().len());
    let whole = from.get(..length).filter(|_| scanner.is_at_end_of_element())?.trim_end();
    let is = |name: &str| scheme.eq_ignore_ascii_case(name);
    match read {
        Some(parameters) if is("Bearer") => Some(Challenge::Bearer(parameters)),
        Some(parameters) if is("Basic") => Some(Challenge::Basic(parameters)),
        None if is("Bearer") || is("Basic") => None,
        _ => Some(Challenge::Other(whole.as_bytes().to_vec())),
    }
}

/// `#auth-param`, up to the next scheme or the end of the value.
fn parameters(scanner: &mut Scanner<'_>) -> Option<Parameters> {
    let mut parameters = Parameters::default();
    loop {
        let mut ahead = *scanner;
        ahead.skip_separators();
        let Some(name) = ahead.token().filter(|_| ahead.equals_sign()) else {
            return Some(parameters);
        };
        parameters.add(name, &ahead.value()?)?;
        if !ahead.is_at_end_of_element() {
            return None;
        }
        *scanner = ahead;
    }
}
