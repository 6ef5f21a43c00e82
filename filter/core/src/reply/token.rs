//! Answers of the front's token endpoint.

use super::body::Body;
use super::parts::{NO_STORE, Reply, WAIT_AFTER_OUTAGE, headers};
use crate::challenge::{self, FrontChallenge};
use crate::token::tag_answer;

/// A token service's answer, as far as clients get to see it.
#[derive(Clone, Copy, Debug)]
pub struct ServiceAnswer<'a> {
    /// The status.
    pub status: u16,
    /// `Retry-After`, as it came.
    pub retry_after: Option<&'a [u8]>,
    /// The body.
    pub body: &'a [u8],
}

/// The longest answer that is passed on, in bytes.
const MAXIMUM_BODY: usize = 256 * 1024;

/// The answer for the client: status and body of the service's, and of its headers only when to
/// come again. Cookies, redirects and challenges of a service are not a client's business, and no
/// cache may keep a token. `tag` marks tokens with whose they are; `front` is how to log in.
#[must_use]
pub fn token_answer(
    answer: ServiceAnswer<'_>,
    tag: Option<&str>,
    front: &FrontChallenge<'_>,
) -> Reply {
    let ServiceAnswer { status, retry_after, body } = answer;
    let too_long = body.len() > MAXIMUM_BODY;
    let text = std::str::from_utf8(body).ok().filter(|_| !too_long);
    let is_json =
        text.is_some_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
    match status {
        200..=299 if is_json => {
            let marked = match tag {
                Some(tag) => tag_answer(body, tag).and_then(|body| String::from_utf8(body).ok()),
                None => text.map(str::to_owned),
            };
            marked.map_or_else(unusable, |body| with_body(200, "token", body.into()))
        }
        400..=499 if status != 407 => {
            let own = || Body::error("DENIED", "the token service refuses this");
            let body = text.filter(|_| is_json).map_or_else(own, |text| text.to_owned().into());
            let mut reply = with_body(status, "token_refused", body);
            reply.headers.extend(wait(retry_after).map(|value| ("retry-after", value)));
            reply.headers.extend((status == 401).then(|| log_in(front)).flatten());
            reply
        }
        500..=599 => unavailable(wait(retry_after)),
        _ => unusable(),
    }
}

/// The answer where the token service could not be asked.
#[must_use]
pub fn token_unavailable() -> Reply {
    unavailable(None)
}

/// The answer where a backend, or its token service, refused the proxy's own credential. Which one
/// is for the operator's log: nothing of it is a client's business.
#[must_use]
pub fn credential_refused() -> Reply {
    let message = "the proxy's own credential was refused by a registry that may serve this; its operator \
                   finds which one in Envoy's log, and logging in here does not help";
    with_body(403, "credential_refused", Body::error("DENIED", message))
}

fn unavailable(wait: Option<String>) -> Reply {
    let message = "the token service of this registry cannot be reached; try again";
    let mut reply = with_body(503, "UNAVAILABLE", Body::error("UNAVAILABLE", message));
    let wait = wait.unwrap_or_else(|| WAIT_AFTER_OUTAGE.to_string());
    reply.headers.push(("retry-after", wait));
    reply
}

fn unusable() -> Reply {
    let message = "the token service of this registry answered what no client could use";
    with_body(502, "UNKNOWN", Body::error("UNKNOWN", message))
}

fn with_body(status: u16, code: &'static str, body: Body) -> Reply {
    Reply { status, code, headers: headers(&[NO_STORE]), body }
}

/// A password was wrong; how to give another (RFC 7617).
fn log_in(front: &FrontChallenge<'_>) -> Option<(&'static str, String)> {
    let accepts = challenge::Accepts::Basic;
    let value = challenge::bare(&FrontChallenge { accepts, ..*front })?;
    Some(("www-authenticate", String::from_utf8(value).ok()?))
}

/// Seconds, or a date: letters, digits and little else, so that nothing else can hide in it.
fn wait(value: Option<&[u8]>) -> Option<String> {
    let text = std::str::from_utf8(value?).ok()?;
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b" ,:".contains(&byte);
    (text.len() <= 64 && text.bytes().all(known)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRONT: FrontChallenge<'_> = FrontChallenge {
        realm: "https://r.example/portolan/token",
        service: "r.example",
        label: "r.example",
        accepts: challenge::Accepts::Bearer,
    };

    #[test]
    fn answers() {
        #[rustfmt::skip]
        let rows: &[(u16, &str, Option<&str>, u16, &str, &str)] = &[
            (200, r#"{"token":"t","expires_in":60}"#, None, 200, r#"{"token":"t","expires_in":60}"#, "as it came"),
            (201, r#"{"token":"t"}"#, None, 200, r#"{"token":"t"}"#, "one kind of success"),
            (200, r#"{"token":"t","x":1}"#, Some("hub"), 200, r#"{"token":"portolan~hub~t","x":1}"#, "marked"),
            (200, r#"{"x":1}"#, Some("hub"), 502, "could use", "nothing to mark"),
            (200, "<html>", None, 502, "could use", "no JSON"),
            (302, "", None, 502, "could use", "steered elsewhere"),
            (401, r#"{"errors":[]}"#, None, 401, r#"{"errors":[]}"#, "a wrong password"),
            (403, "<html>", None, 403, "refuses", "no JSON"),
            (407, "", None, 502, "could use", "somebody else's proxy"),
            (429, r#"{"errors":[]}"#, None, 429, r#"{"errors":[]}"#, "limited"),
            (500, "", None, 503, "reached", "trouble"),
        ];
        for (status, body, tag, expected, text, reason) in rows {
            let answer =
                ServiceAnswer { status: *status, retry_after: Some(b"7"), body: body.as_bytes() };
            let reply = token_answer(answer, *tag, &FRONT);
            assert_eq!(reply.status, *expected, "{status} {body}: {reason}");
            assert!(reply.body.text().contains(text), "{status} {body}: {:?}", reply.body);
            let has = |name| reply.headers.iter().any(|(found, _)| *found == name);
            assert!(has("cache-control"), "{reason}");
            assert_eq!(has("www-authenticate"), *status == 401, "{reason}");
            assert_eq!(has("retry-after"), matches!(status, 401 | 403 | 429 | 500), "{reason}");
        }
    }

    #[test]
    fn nothing_hides_in_the_wait() {
        for odd in ["7\r\nx: y", "7;", "<b>", &"7".repeat(65)] {
            assert_eq!(wait(Some(odd.as_bytes())), None, "{odd:?}");
        }
        assert!(wait(Some(b"Wed, 21 Oct 2026 07:28:00 GMT")).is_some());
    }
}
