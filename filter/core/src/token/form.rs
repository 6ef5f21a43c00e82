//! `application/x-www-form-urlencoded`: the query of a GET and the body of a POST at a token
//! endpoint (URL standard, section 5; RFC 6749, appendix B).
//!
//! Unlike `oci::query`, which leaves every byte of a data request as it is, this decodes
//! all of a form and prints it anew. What two readers could take apart in different ways (`;`, a
//! stray `%`) does not survive that.

use std::fmt;

use crate::oci::{percent, query};

/// The longest form that is read, in bytes. A scope of the longest name is under 300.
pub const MAXIMUM_LENGTH: usize = 64 * 1024;

/// The most pairs that are read. Docker and containerd send fewer than ten.
const MAXIMUM_PAIRS: usize = 200;

/// One pair of a form, decoded. `Debug` shows the key only: the value may be a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// What stands before the first `=`.
    pub key: String,
    /// What stands after it; empty if there is no `=`.
    pub value: String,
}

impl fmt::Debug for Pair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?}=(hidden)", self.key)
    }
}

/// Why bytes are not a form. Nothing of them is kept, so nothing of them can be echoed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// More than 64 KiB.
    TooLong,
    /// More than 200 pairs.
    TooManyPairs,
    /// A `%` without two hexadecimal digits after it.
    EscapeInvalid,
    /// Not UTF-8, which RFC 6749, appendix B, asks for.
    NotUtf8,
}

impl fmt::Display for FormError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TooLong => "the parameters are too long; send at most 64 KiB",
            Self::TooManyPairs => "there are too many parameters; send at most 200",
            Self::EscapeInvalid => {
                "a % in the parameters has no two hexadecimal digits after it; write %25 for a %"
            }
            Self::NotUtf8 => "the parameters are not UTF-8; encode them as UTF-8",
        })
    }
}

/// Every pair, in order, repeats included. Empty ones (`a=b&&c=d`) are left out. `;` does not
/// split, as in the URL standard.
///
/// # Errors
///
/// [`FormError`] if any pair cannot be read: half of a form is another form.
pub fn parse(bytes: &[u8]) -> Result<Vec<Pair>, FormError> {
    if bytes.len() > MAXIMUM_LENGTH {
        return Err(FormError::TooLong);
    }
    if query::parameters(bytes).count() > MAXIMUM_PAIRS {
        return Err(FormError::TooManyPairs);
    }
    query::parameters(bytes)
        .map(|parameter| Ok(Pair { key: decode(parameter.key)?, value: decode(parameter.value)? }))
        .collect()
}

/// The form of the pairs, in order. Every byte is escaped that is not unreserved (RFC 3986), a
/// space as `%20`, which means a space in a query and in a body alike.
pub fn print<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut printed = Vec::new();
    for (key, value) in pairs {
        if !printed.is_empty() {
            printed.push(b'&');
        }
        percent::encode_into(&mut printed, key.as_bytes());
        printed.push(b'=');
        percent::encode_into(&mut printed, value.as_bytes());
    }
    printed.into_iter().map(char::from).collect()
}

/// A plus is a space; an escaped one (`%2B`) is a plus.
fn decode(bytes: &[u8]) -> Result<String, FormError> {
    let spaced: Vec<u8> =
        bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded = percent::decode(&spaced).ok_or(FormError::EscapeInvalid)?;
    String::from_utf8(decoded.into_owned()).map_err(|_| FormError::NotUtf8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pair((key, value): &(&str, &str)) -> Pair {
        Pair { key: (*key).to_owned(), value: (*value).to_owned() }
    }

    #[test]
    fn parsing() {
        use FormError::{EscapeInvalid, NotUtf8};
        type Case<'a> = (&'a [u8], Result<&'a [(&'a str, &'a str)], FormError>, &'a str);
        let cases: &[Case] = &[
            (b"", Ok(&[]), "nothing"),
            (b"a=b", Ok(&[("a", "b")]), "one"),
            (b"a=b&a=c&a=b", Ok(&[("a", "b"), ("a", "c"), ("a", "b")]), "order and repeats stay"),
            (b"&&a=b&", Ok(&[("a", "b")]), "empty pairs are none"),
            (b"a&b=", Ok(&[("a", ""), ("b", "")]), "no value"),
            (b"=b", Ok(&[("", "b")]), "no key"),
            (b"a=b=c==", Ok(&[("a", "b=c==")]), "only the first equals sign splits"),
            (b"a=b;c=d", Ok(&[("a", "b;c=d")]), "a semicolon does not split"),
            (b"a+b=c+d", Ok(&[("a b", "c d")]), "a plus is a space"),
            (b"a=%2B%20", Ok(&[("a", "+ ")]), "an escaped plus is a plus"),
            (b"a=%2526", Ok(&[("a", "%26")]), "decoded once"),
            (b"a=b%26c%3Dd", Ok(&[("a", "b&c=d")]), "an escaped separator does not split"),
            (b"%61=%c3%A9", Ok(&[("a", "\u{e9}")]), "escaped UTF-8"),
            ("a=\u{e9}".as_bytes(), Ok(&[("a", "\u{e9}")]), "plain UTF-8"),
            (b"a=%00%0d%0A", Ok(&[("a", "\0\r\n")]), "any character; printing escapes it again"),
            (b"a=%", Err(EscapeInvalid), "no digits"),
            (b"a=b&c=%4", Err(EscapeInvalid), "one digit"),
            (b"a=%+1", Err(EscapeInvalid), "a plus is no digit"),
            (b"%zz=a", Err(EscapeInvalid), "in a key"),
            (b"a=%ff", Err(NotUtf8), "no UTF-8, escaped"),
            (b"a=\xc3", Err(NotUtf8), "no UTF-8, plain"),
        ];
        for (bytes, expected, reason) in cases {
            let expected = expected.map(|pairs| pairs.iter().map(pair).collect());
            assert_eq!(parse(bytes), expected, "{}: {reason}", bytes.escape_ascii());
        }
    }

    #[test]
    fn bounds() {
        let longest = format!("a={}", "b".repeat(MAXIMUM_LENGTH - 2));
        assert!(parse(longest.as_bytes()).is_ok());
        assert_eq!(parse(format!("{longest}b").as_bytes()), Err(FormError::TooLong));
        assert_eq!(parse(b"a=b&".repeat(200).as_slice()).unwrap().len(), 200);
        assert_eq!(parse(b"a=b&".repeat(201).as_slice()), Err(FormError::TooManyPairs));
    }

    #[test]
    fn printing() {
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[], ""),
            (&[("a", "b")], "a=b"),
            (&[("scope", "repository:a/b:pull,push")], "scope=repository%3Aa%2Fb%3Apull%2Cpush"),
            (&[("a", ""), ("a b", "+&=\u{e9}\r\n~")], "a=&a%20b=%2B%26%3D%C3%A9%0D%0A~"),
        ];
        for (pairs, expected) in cases {
            assert_eq!(print(pairs.iter().copied()), *expected);
        }
    }

    #[test]
    fn debug_hides_values() {
        assert_eq!(format!("{:?}", pair(&("password", "hunter2"))), "\"password\"=(hidden)");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(pairs in proptest::collection::vec((".{0,6}", ".{0,6}"), 0..6)) {
            let printed = print(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            let expected: Vec<Pair> =
                pairs.into_iter().map(|(key, value)| Pair { key, value }).collect();
            prop_assert!(printed.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(parse(printed.as_bytes()), Ok(expected));
        }
    }
}
