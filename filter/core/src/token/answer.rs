//! The answer of a token service to the proxy's own request ("Token Authentication
//! Specification" of the distribution project, "Token Response Fields").

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::age::age;
use super::secret::Secret;

/// The longest answer that is read, in bytes: two copies of the longest token, and room.
const MAXIMUM_LENGTH: usize = 256 * 1024;

/// The longest token that is kept, in bytes. Those in the field have one to eight KiB; nginx takes
/// 8 KiB in one header, and Envoy 60 KiB in all of them.
const MAXIMUM_TOKEN: usize = 32 * 1024;

/// How long a token is good for if the answer does not say: "the default value is 60 seconds".
const DEFAULT_LIFE: Duration = Duration::from_mins(1);

/// The longest life that is believed. Beyond it a token is fetched anew; keys get lost, and
/// operators mistake milliseconds for seconds.
const LONGEST_LIFE: Duration = Duration::from_hours(24);

/// What came of asking for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There is a token.
    Token {
        /// The token, visible ASCII only: it can stand in a header.
        value: Secret,
        /// How long it is good for, at least a second, from the end of the exchange on.
        ///
        /// A service may hand out a token a second time. How old it is then follows from
        /// `issued_at` and from the `Date` of the same answer, both by the service's clock: the
        /// filter's need not agree with it.
        expires_in: Duration,
    },
    /// The service will not give one. Asking again soon will not change its mind.
    Denied(Denial),
    /// The service could not say.
    Unavailable {
        /// What was wrong.
        why: TokenFault,
    },
}

/// What a token service will not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The proxy's own credential: it is wrong, or has ended.
    Credential,
    /// What is asked for: who asks may not have it, or nobody.
    Access,
}

/// What a token service answered.
#[derive(Clone, Copy, Debug, Default)]
pub struct ServiceReply<'a> {
    /// The status.
    pub status: u16,
    /// All values of `WWW-Authenticate`.
    pub challenges: &'a [&'a [u8]],
    /// `Location`, if there is one, and one alone.
    pub location: Option<&'a [u8]>,
    /// `Date`.
    pub date: Option<&'a [u8]>,
    /// `Retry-After` in seconds, if there is one.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: &'a [u8],
}

/// Why an answer of a token service is of no use; always the service's to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It has had too many requests; after so many seconds it takes the next, if it says so.
    Limited(Option<u32>),
    /// It is out of order, or answers as no token service should. A time-out or a refused
    /// connection is a 504 or 503 that Envoy makes.
    Status(u16),
    /// The answer has more than 256 KiB.
    TooLong,
    /// The answer is not a JSON object.
    NotJson,
    /// The answer has neither `token` nor `access_token`.
    NoToken,
    /// The token has over 32 KiB, or characters that cannot stand in a header.
    TokenUnusable,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limited(_) => formatter.write_str("the token service answered 429"),
            Self::Status(status) => write!(formatter, "the token service answered {status}"),
            Self::TooLong => formatter.write_str("the token service's answer is over 256 KiB"),
            Self::NotJson => formatter.write_str("the token service's answer is not JSON"),
            Self::NoToken => formatter.write_str("the token service's answer has no token"),
            Self::TokenUnusable => {
                formatter.write_str("the token service's token cannot stand in a header")
            }
        }
    }
}

/// Reads an answer to a request that had a credential of the proxy's, or none.
///
/// 400 and 422 are about what was asked (RFC 6749 section 5.2: `invalid_scope`), such as a name
/// that the registry cannot have: an answer, and no outage.
#[must_use]
pub fn read(reply: &ServiceReply<'_>, with_credential: bool) -> Outcome {
    match reply.status {
        200..=299 => read_token(reply).unwrap_or_else(|why| Outcome::Unavailable { why }),
        401 if with_credential => Outcome::Denied(Denial::Credential),
        400 | 401 | 403 | 404 | 422 => Outcome::Denied(Denial::Access),
        _ => Outcome::Unavailable { why: fault(reply) },
    }
}

/// What is wrong where an answer is neither a token nor a refusal.
pub(super) const fn fault(reply: &ServiceReply<'_>) -> TokenFault {
    match reply.status {
        429 => TokenFault::Limited(reply.retry_after),
        status => TokenFault::Status(status),
    }
}

fn read_token(reply: &ServiceReply<'_>) -> Result<Outcome, TokenFault> {
    if reply.body.len() > MAXIMUM_LENGTH {
        return Err(TokenFault::TooLong);
    }
    let answer: Map<String, Value> =
        serde_json::from_slice(reply.body).map_err(|_| TokenFault::NotJson)?;
    // "For compatibility with OAuth 2.0, we will also accept `token` under the name
    // `access_token`. At least one of these fields must be specified."
    let value = text(&answer, "token").or_else(|| text(&answer, "access_token"));
    let value = value.ok_or(TokenFault::NoToken)?;
    let is_usable =
        value.len() <= MAXIMUM_TOKEN && value.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_usable {
        return Err(TokenFault::TokenUnusable);
    }
    let value = Secret::new(value.to_owned());
    let life = life(answer.get("expires_in"));
    let age = text(&answer, "issued_at").zip(reply.date).and_then(|(then, now)| age(then, now));
    Ok(Outcome::Token { value, expires_in: rest(life, age) })
}

/// What is left of a life. Services that do not know when a token was issued write year 1, or the
/// time of another zone: an age beyond the life says nothing.
fn rest(life: Duration, age: Option<Duration>) -> Duration {
    let rest = age.and_then(|age| life.checked_sub(age));
    rest.filter(|rest| *rest >= Duration::from_secs(1)).unwrap_or(life)
}

fn text<'a>(answer: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    answer.get(key)?.as_str().filter(|text| !text.is_empty())
}

/// The life that an answer gives its token. The specification knows whole seconds, at least 60
/// of them; less is believed too. Some services write a fraction or a text. No life at all, or
/// a negative one, is what servers send that do not set it.
fn life(expires_in: Option<&Value>) -> Duration {
    let seconds = match expires_in {
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let life = seconds.filter(|seconds| *seconds >= 1.0).map(|seconds| {
        Duration::try_from_secs_f64(seconds.trunc()).unwrap_or(LONGEST_LIFE).min(LONGEST_LIFE)
    });
    life.unwrap_or(DEFAULT_LIFE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(value: &str, seconds: u64) -> Outcome {
        let expires_in = Duration::from_secs(seconds);
        Outcome::Token { value: Secret::new(value.to_owned()), expires_in }
    }

    fn read_body(body: &[u8]) -> Outcome {
        read(&ServiceReply { status: 200, body, ..ServiceReply::default() }, false)
    }

    const fn unavailable(why: TokenFault) -> Outcome {
        Outcome::Unavailable { why }
    }

    #[test]
    fn tokens() {
        let cases: &[(&str, Outcome, &str)] = &[
            (r#"{"token":"t.t"}"#, token("t.t", 60), "the least that services send"),
            (r#"{"access_token":"a","expires_in":300}"#, token("a", 300), "OAuth"),
            (r#"{"access_token":"a","token":"t"}"#, token("t", 60), "both"),
            (r#"{"token":"","access_token":"a"}"#, token("a", 60), "an empty one is none"),
            (r#"{"token":null,"access_token":"a"}"#, token("a", 60), "null is none"),
            (r#"{"token":"t","issued_at":"2009-11-10T23:00:00Z"}"#, token("t", 60), "more fields"),
            (r#"{"token":"t","expires_in":59}"#, token("t", 59), "less than is allowed"),
            (r#"{"token":"t","expires_in":1}"#, token("t", 1), "as short as it gets"),
            (r#"{"token":"t","expires_in":299.9}"#, token("t", 299), "a fraction"),
            (r#"{"token":"t","expires_in":"3600"}"#, token("t", 3600), "a text"),
            (r#"{"token":"t","expires_in":"soon"}"#, token("t", 60), "junk"),
            (r#"{"token":"t","expires_in":"NaN"}"#, token("t", 60), "not a number"),
            (r#"{"token":"t","expires_in":"inf"}"#, token("t", 86_400), "for ever is a day"),
            (r#"{"token":"t","expires_in":1e300}"#, token("t", 86_400), "so is very long"),
            (r#"{"token":"t","expires_in":86401}"#, token("t", 86_400), "a day and a second"),
            (r#"{"token":"t","expires_in":0}"#, token("t", 60), "not set"),
            (r#"{"token":"t","expires_in":-5}"#, token("t", 60), "negative"),
            (r#"{"token":"t","expires_in":null}"#, token("t", 60), "null"),
            (r#"{"expires_in":60}"#, unavailable(TokenFault::NoToken), "no token"),
            (r#"{"token":7}"#, unavailable(TokenFault::NoToken), "a number is no token"),
            (r#"{"token":"a b"}"#, unavailable(TokenFault::TokenUnusable), "a space"),
            (r#"{"token":"a\r\nx: y"}"#, unavailable(TokenFault::TokenUnusable), "a header more"),
            (r#"{"token":"é"}"#, unavailable(TokenFault::TokenUnusable), "not ASCII"),
            (r#"["t"]"#, unavailable(TokenFault::NotJson), "not an object"),
            ("<html>", unavailable(TokenFault::NotJson), "an error page with status 200"),
            (r#"{"token":"t""#, unavailable(TokenFault::NotJson), "cut off"),
            ("", unavailable(TokenFault::NotJson), "nothing"),
        ];
        for (body, expected, reason) in cases {
            let found = read_body(body.as_bytes());
            assert!(found == *expected, "{body}: {reason}: {found:?}");
        }
    }

    #[test]
    fn statuses() {
        use Denial::{Access, Credential};
        let found = |status, with_credential| {
            let body = br#"{"token":"t"}"#;
            read(&ServiceReply { status, body, ..ServiceReply::default() }, with_credential)
        };
        for status in [200, 201, 299] {
            assert_eq!(found(status, false), token("t", 60), "{status}");
        }
        for status in [400, 401, 403, 404, 422] {
            assert_eq!(found(status, false), Outcome::Denied(Access), "{status}");
        }
        for (status, denial) in [(400, Access), (401, Credential), (403, Access), (404, Access)] {
            assert_eq!(found(status, true), Outcome::Denied(denial), "{status}");
        }
        for status in [0, 100, 302, 405, 408, 500, 503, 504, 999] {
            let expected = unavailable(TokenFault::Status(status));
            assert_eq!(found(status, true), expected, "{status}");
        }
        for retry_after in [None, Some(0), Some(30)] {
            let reply = ServiceReply { status: 429, retry_after, ..ServiceReply::default() };
            assert_eq!(read(&reply, true), unavailable(TokenFault::Limited(retry_after)));
        }
    }

    #[test]
    fn tokens_that_were_handed_out_before() {
        const NOW: &[u8] = b"Wed, 21 Oct 2026 07:28:00 GMT";
        #[rustfmt::skip]
        let rows: &[(&str, Option<&[u8]>, u64, &str)] = &[
            (r#""expires_in":300,"issued_at":"2026-10-21T07:28:00Z""#, Some(NOW), 300, "new"),
            (r#""expires_in":300,"issued_at":"2026-10-21T07:24:00Z""#, Some(NOW), 60, "four minutes old"),
            (r#""issued_at":"2026-10-21T07:27:30Z""#, Some(NOW), 30, "half of what is left out"),
            (r#""expires_in":300,"issued_at":"2026-10-21T07:23:00Z""#, Some(NOW), 300, "over: refused and replaced if it is true"),
            (r#""expires_in":300,"issued_at":"0001-01-01T00:00:00Z""#, Some(NOW), 300, "what Go writes for no time"),
            (r#""expires_in":300,"issued_at":"2026-10-21T07:29:00Z""#, Some(NOW), 300, "of the future"),
            (r#""expires_in":300,"issued_at":"2026-10-21T07:24:00Z""#, None, 300, "no clock to compare with"),
            (r#""expires_in":300,"issued_at":"yesterday""#, Some(NOW), 300, "junk"),
            (r#""expires_in":300,"issued_at":7"#, Some(NOW), 300, "junk"),
        ];
        for (fields, date, seconds, reason) in rows {
            let body = format!(r#"{{"token":"t",{fields}}}"#);
            let body = body.as_bytes();
            let reply = ServiceReply { status: 200, date: *date, body, ..ServiceReply::default() };
            assert_eq!(read(&reply, false), token("t", *seconds), "{fields}: {reason}");
        }
    }

    #[test]
    fn bounds() {
        let answer = |length: usize| format!(r#"{{"token":"{}"}}"#, "t".repeat(length));
        let longest = MAXIMUM_TOKEN;
        assert_eq!(read_body(answer(longest).as_bytes()), token(&"t".repeat(longest), 60));
        let over = read_body(answer(longest + 1).as_bytes());
        assert_eq!(over, unavailable(TokenFault::TokenUnusable));
        let long = format!(r#"{{"token":"t"}}{}"#, " ".repeat(MAXIMUM_LENGTH));
        assert_eq!(read_body(long.as_bytes()), unavailable(TokenFault::TooLong));
    }

    #[test]
    fn faults_name_the_service() {
        assert_eq!(TokenFault::Limited(None).to_string(), "the token service answered 429");
        assert_eq!(TokenFault::Status(500).to_string(), "the token service answered 500");
    }

    proptest! {
        #[test]
        fn a_token_can_always_be_sent(body in r#"\{"token":"[ -~\\é]{0,8}","expires_in":[-0-9.e]{0,6}\}"#) {
            if let Outcome::Token { value, expires_in } = read_body(body.as_bytes()) {
                prop_assert!(!value.expose().is_empty());
                prop_assert!(value.expose().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(Duration::from_secs(1) <= expires_in && expires_in <= LONGEST_LIFE);
            }
        }
    }
}
