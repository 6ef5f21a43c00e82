//! A name and a password as a credential file holds them: what stands behind `Basic` in a request
//! (RFC 7617).

use super::error::CredentialError;

/// How long a password may be, in bytes. The tokens that clouds give out as passwords have some
/// thousand.
pub(super) const PASSWORD_BYTES: usize = 16 * 1024;

/// The base64 of `username:password`, without a newline.
///
/// # Errors
///
/// A name or a password that cannot be sent so (RFC 7617 section 2), and an empty password: it
/// comes from a command that failed, and would take the place of one that is good.
pub(super) fn content(username: &str, password: &[u8]) -> Result<String, CredentialError> {
    if username.is_empty() || username.contains(':') || username.chars().any(char::is_control) {
        return Err(CredentialError::Username);
    }
    let password = without_newline(password);
    if password.is_empty() {
        return Err(CredentialError::PasswordEmpty);
    }
    if password.len() > PASSWORD_BYTES {
        return Err(CredentialError::PasswordLong(PASSWORD_BYTES));
    }
    if password.iter().any(u8::is_ascii_control) {
        return Err(CredentialError::PasswordControl);
    }
    Ok(base64(&[username.as_bytes(), b":", password].concat()))
}

/// Commands print a newline behind what they print, and editors write one.
fn without_newline(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Base64 with padding (RFC 4648 section 4).
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3).saturating_mul(4));
    for group in bytes.chunks(3) {
        let byte = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        text.push(letter(bits >> 18));
        text.push(letter(bits >> 12));
        text.push(if group.len() > 1 { letter(bits >> 6) } else { '=' });
        text.push(if group.len() > 2 { letter(bits) } else { '=' });
    }
    text
}

/// The letter of the lowest six bits (RFC 4648, table 1).
fn letter(bits: u32) -> char {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let index = usize::try_from(bits & 0x3f).unwrap_or(0);
    char::from(ALPHABET.get(index).copied().unwrap_or(b'A'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_the_specifications() {
        // RFC 4648 section 10.
        let rows = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (text, expected) in rows {
            assert_eq!(base64(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(base64(&[0xff, 0xfe, 0xfd, 0xfb]), "//79+w==", "all of the alphabet's end");
        // RFC 7617 section 2.
        let content = |name, password: &str| content(name, password.as_bytes()).unwrap();
        assert_eq!(content("Aladdin", "open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        // RFC 7617 section 2.1: UTF-8 as it is.
        assert_eq!(content("test", "123£"), "dGVzdDoxMjPCow==");
    }

    #[test]
    fn one_newline_at_the_end_is_not_the_passwords() {
        let expected = content("u", b"p").unwrap();
        for password in [&b"p\n"[..], b"p\r\n"] {
            assert_eq!(content("u", password).unwrap(), expected, "{password:?}");
        }
        assert_ne!(content("u", b"p ").unwrap(), expected, "a space may be the password's");
        assert_ne!(content("u", b":p").unwrap(), expected, "a colon may be the password's");
    }

    #[test]
    fn characters_that_a_password_cannot_have() {
        let long = vec![b'x'; PASSWORD_BYTES + 1];
        let rows: &[(&str, &[u8], &str)] = &[
            ("", b"p", "name must not be empty"),
            ("a:b", b"p", "no colon"),
            ("a\nb", b"p", "no control character"),
            ("u", b"", "is empty"),
            ("u", b"\n", "is empty"),
            ("u", b"\r\n", "is empty"),
            ("u", b"one\ntwo\n", "a newline that is not at its end"),
            ("u", b"p\n\n", "a newline that is not at its end"),
            ("u", b"p\0", "a control character"),
            ("u", &long, "longer than 16384 bytes"),
        ];
        for (name, password, expected) in rows {
            let said = content(name, password).unwrap_err().to_string();
            assert!(said.contains(expected), "{name:?} {password:?}: {said}");
        }
        assert!(content("u", &long[1..]).is_ok());
    }
}
