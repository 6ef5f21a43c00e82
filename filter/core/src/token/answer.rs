//! The answer of a token service to the proxy's own request ("Token Authentication
//! Specification" of the distribution project, "Token Response Fields").

use std::fmt;
use std::time::Duration;

use serde_json::{Map, Value};

use super::secret::Secret;

/// The longest answer that is read, in bytes: two copies of the longest token, and room.
const MAXIMUM_LENGTH: usize = 256 * 1024;

/// The longest token that is kept. It must fit into a header of a request.
const MAXIMUM_TOKEN: usize = 64 * 1024;

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
        /// `issued_at` is not used: the filter's clock and the service's need not agree, and a
        /// token that ends early is refused, dropped and replaced.
        expires_in: Duration,
    },
    /// The service will not give one. Asking again soon will not change its mind.
    Denied,
    /// The service could not say.
    Unavailable {
        /// What was wrong.
        why: TokenFault,
    },
}

/// Why an answer of a token service is of no use; always the service's to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFault {
    /// It has had too many requests, is out of order, or answers as no token service should. A
    /// time-out or a refused connection is a 504 or 503 that Envoy makes.
    Status(u16),
    /// The answer has more than 256 KiB.
    TooLong,
    /// The answer is not a JSON object.
    NotJson,
    /// The answer has neither `token` nor `access_token`.
    NoToken,
    /// The token has over 64 KiB, or characters that cannot stand in a header.
    TokenUnusable,
}

impl fmt::Display for TokenFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
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

/// Reads an answer.
#[must_use]
pub fn read(status: u16, body: &[u8]) -> Outcome {
    match status {
        200..=299 => read_token(body).unwrap_or_else(|why| Outcome::Unavailable { why }),
        401 | 403 | 404 => Outcome::Denied,
        _ => Outcome::Unavailable { why: TokenFault::Status(status) },
    }
}

fn read_token(body: &[u8]) -> Result<Outcome, TokenFault> {
    if body.len() > MAXIMUM_LENGTH {
        return Err(TokenFault::TooLong);
    }
    let answer: Map<String, Value> =
        serde_json::from_slice(body).map_err(|_| TokenFault::NotJson)?;
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
    Ok(Outcome::Token { value, expires_in: life(answer.get("expires_in")) })
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
            let found = read(200, body.as_bytes());
            assert!(found == *expected, "{body}: {reason}: {found:?}");
        }
    }

    #[test]
    fn statuses() {
        let body = br#"{"token":"t"}"#;
        for status in [200, 201, 299] {
            assert_eq!(read(status, body), token("t", 60), "{status}");
        }
        for status in [401, 403, 404] {
            assert_eq!(read(status, body), Outcome::Denied, "{status}");
        }
        for status in [0, 100, 302, 400, 405, 429, 500, 503, 504, 999] {
            assert_eq!(read(status, body), unavailable(TokenFault::Status(status)), "{status}");
        }
    }

    #[test]
    fn bounds() {
        let answer = |length: usize| format!(r#"{{"token":"{}"}}"#, "t".repeat(length));
        assert_eq!(read(200, answer(65_536).as_bytes()), token(&"t".repeat(65_536), 60));
        let over = read(200, answer(65_537).as_bytes());
        assert_eq!(over, unavailable(TokenFault::TokenUnusable));
        let long = format!(r#"{{"token":"t"}}{}"#, " ".repeat(MAXIMUM_LENGTH));
        assert_eq!(read(200, long.as_bytes()), unavailable(TokenFault::TooLong));
    }

    #[test]
    fn faults_name_the_service() {
        assert_eq!(TokenFault::Status(429).to_string(), "the token service answered 429");
    }

    proptest! {
        #[test]
        fn a_token_can_always_be_sent(body in r#"\{"token":"[ -~\\é]{0,8}","expires_in":[-0-9.e]{0,6}\}"#) {
            if let Outcome::Token { value, expires_in } = read(200, body.as_bytes()) {
                prop_assert!(!value.expose().is_empty());
                prop_assert!(value.expose().bytes().all(|byte| byte.is_ascii_graphic()));
                prop_assert!(Duration::from_secs(1) <= expires_in && expires_in <= LONGEST_LIFE);
            }
        }
    }
}
