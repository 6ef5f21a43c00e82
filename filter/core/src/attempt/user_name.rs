//! The user name in a client's password (Basic authentication).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::client_credentials::{is_password, split};

/// The longest name that is told, in bytes.
const LONGEST: usize = 255;

/// The name in a value of `Authorization` that is a name and a password (RFC 7617:
/// `base64(user-id:password)`). `None` for every other value, and for a name that is not told: a
/// longer one than any that a registry gives out, or one with control characters, which RFC 7617
/// section 2 forbids.
#[must_use]
pub fn user_name(authorization: &[u8]) -> Option<String> {
    let (_, credentials) = split(authorization).filter(|_| is_password(authorization))?;
    let decoded = STANDARD.decode(credentials).ok()?;
    let name = decoded.split(|byte| *byte == b':').next()?;
    let is_whole = name.len() < decoded.len();
    let text = std::str::from_utf8(name).ok().filter(|_| is_whole)?;
    let is_told = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
    is_told.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(scheme: &str, user_and_password: &[u8]) -> Vec<u8> {
        format!("{scheme} {}", STANDARD.encode(user_and_password)).into_bytes()
    }

    #[test]
    fn names() {
        let long = [&[b'n'; 255], &b":p"[..]].concat();
        let too_long = [&[b'n'; 256], &b":p"[..]].concat();
        let at_most = "n".repeat(255);
        #[rustfmt::skip]
        let rows: [(&str, &[u8], Option<&str>, &str); 13] = [
            ("Basic", b"alice:secret", Some("alice"), "a name and a password"),
            ("basic", b"alice:secret", Some("alice"), "schemes have no case"),
            ("Basic", b"alice:se:cret", Some("alice"), "the password has a colon, a name has none"),
            ("Basic", b"alice:", Some("alice"), "no password"),
            ("Basic", "j\u{f6}rg:p".as_bytes(), Some("j\u{f6}rg"), "UTF-8"),
            ("Basic", b"j\xf6rg:p", None, "Latin-1, which RFC 7617 leaves open"),
            ("Basic", b":secret", None, "no name"),
            ("Basic", b"alice", None, "no colon: it may be a password"),
            ("Basic", b"al\nice:p", None, "a line of its own in a log"),
            ("Basic", &long, Some(&at_most), "as long as a name may be"),
            ("Basic", &too_long, None, "longer"),
            ("Bearer", b"alice:secret", None, "a token"),
            ("Digest", b"alice:secret", None, "another scheme"),
        ];
        for (scheme, credentials, expected, reason) in rows {
            let found = user_name(&sent(scheme, credentials));
            assert_eq!(found.as_deref(), expected, "{scheme} {credentials:?}: {reason}");
        }
        for odd in ["", "Basic", "Basic ", "Basic %%%", "Basic YTpi, Basic YTpi", "YTpi"] {
            assert_eq!(user_name(odd.as_bytes()), None, "{odd}");
        }
    }
}
