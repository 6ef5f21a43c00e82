//! Percent-encoding (RFC 3986, section 2.1).

use std::borrow::Cow;

/// Reads the two hexadecimal digits after a `%`: the octet and what follows them.
pub(super) fn octet(after_percent: &[u8]) -> Option<(u8, &[u8])> {
    let (digits, rest) = after_percent.split_first_chunk::<2>()?;
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    let value = high?.checked_mul(16)?.checked_add(low?)?;
    Some((u8::try_from(value).ok()?, rest))
}

/// Decodes every escape, once; `None` if one of them is not an escape. `+` stays a plus.
pub(crate) fn decode(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !bytes.contains(&b'%') {
        return Some(Cow::Borrowed(bytes));
    }
    let mut pieces = bytes.split(|byte| *byte == b'%');
    let mut decoded = pieces.next()?.to_vec();
    for piece in pieces {
        let (value, rest) = octet(piece)?;
        decoded.push(value);
        decoded.extend_from_slice(rest);
    }
    Some(Cow::Owned(decoded))
}

/// Appends the bytes, with every byte escaped that is not unreserved.
pub(crate) fn encode_into(encoded: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if is_unreserved(*byte) {
            encoded.push(*byte);
        } else {
            encoded.extend([b'%', upper_digit(byte >> 4), upper_digit(byte & 0x0f)]);
        }
    }
}

const fn upper_digit(value: u8) -> u8 {
    match value {
        0..=9 => b'0'.wrapping_add(value),
        _ => b'A'.wrapping_add(value.wrapping_sub(10)),
    }
}

/// Bytes that mean the same with and without an escape (RFC 3986, section 2.3).
pub(super) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decoding() {
        let cases: &[(&str, Option<&[u8]>, &str)] = &[
            ("", Some(b""), "nothing"),
            ("a+b", Some(b"a+b"), "a plus is a plus"),
            ("a%2Fb%2fc", Some(b"a/b/c"), "both cases of digits"),
            ("%41%00%ff", Some(b"A\0\xff"), "any octet"),
            ("%2541", Some(b"%41"), "once only"),
            ("%", None, "no digits"),
            ("%4", None, "one digit"),
            ("a%4", None, "one digit at the end"),
            ("%4g", None, "not a digit"),
            ("%%41", None, "an escape cannot start inside another"),
            ("%+1", None, "a sign is not a digit"),
        ];
        for (encoded, expected, reason) in cases {
            assert_eq!(decode(encoded.as_bytes()).as_deref(), *expected, "{encoded:?}: {reason}");
        }
    }

    #[test]
    fn encoding() {
        let mut encoded = b"x=".to_vec();
        encode_into(&mut encoded, b"aZ09-._~/:%\xff");
        assert_eq!(encoded, b"x=aZ09-._~%2F%3A%25%FF");
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..32)) {
            let mut encoded = Vec::new();
            encode_into(&mut encoded, &bytes);
            prop_assert_eq!(decode(&encoded).unwrap().into_owned(), bytes);
        }
    }
}
