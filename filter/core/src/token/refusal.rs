//! The meaning of a registry's refusal for the token that it was sent.

use crate::challenge::{self, Challenge};

/// What becomes of a token that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not good, or no longer: another one is fetched.
    Renew,
    /// It is good, and for less than was wanted. Another one would be for no more, unless somebody
    /// has been given more rights since.
    Narrow,
    /// The token is not what is wrong.
    Keep,
}

/// Reads a refusal: its status, and all values of `WWW-Authenticate`.
///
/// RFC 6750 section 3.1 has `invalid_token` with 401 and `insufficient_scope` with 403. Registries
/// answer the latter with 401 as well, or 401 without a word, or 403 for what should have been 401.
#[must_use]
pub fn refusal(status: u16, challenges: &[&[u8]]) -> Refusal {
    let challenges = challenge::read(challenges).unwrap_or_default();
    let errors = challenges.iter().filter_map(|challenge| match challenge {
        Challenge::Bearer(parameters) => parameters.get("error"),
        Challenge::Basic(_) | Challenge::Other(_) => None,
    });
    let errors: Vec<&str> = errors.collect();
    match status {
        401 if errors.contains(&"insufficient_scope") => Refusal::Narrow,
        401 => Refusal::Renew,
        403 if errors.contains(&"invalid_token") => Refusal::Renew,
        _ => Refusal::Keep,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals() {
        use Refusal::{Keep, Narrow, Renew};
        #[rustfmt::skip]
        let rows: &[(u16, &[&str], Refusal, &str)] = &[
            (401, &[], Renew, "without a word"),
            (401, &[r#"Bearer realm="R""#], Renew, "asks for a token"),
            (401, &[r#"Bearer realm="R",error="invalid_token""#], Renew, "RFC 6750"),
            (401, &[r#"Bearer realm="R",error="insufficient_scope""#], Narrow, "docker-registry"),
            (401, &[r#"Basic realm="harbor""#], Renew, "Harbor"),
            (401, &["Bearer realm=\""], Renew, "cannot be read"),
            (401, &["Negotiate", r#"Bearer error="insufficient_scope""#], Narrow, "the second line"),
            (403, &[], Keep, "not for this proxy"),
            (403, &[r#"Bearer realm="R""#], Keep, "not for this proxy"),
            (403, &[r#"Bearer error="insufficient_scope""#], Keep, "RFC 6750"),
            (403, &[r#"Bearer realm="R",error="invalid_token""#], Renew, "what should have been 401"),
            (404, &[r#"Bearer error="invalid_token""#], Keep, "a miss"),
            (500, &[], Keep, "trouble"),
        ];
        for (status, values, expected, reason) in rows {
            let values: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            assert_eq!(refusal(*status, &values), *expected, "{status} {values:?}: {reason}");
        }
    }
}
