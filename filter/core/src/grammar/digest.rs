//! Digests.

use std::borrow::Cow;
use std::str;

/// The longest digest, in bytes. The spec sets no limit; sha512 takes 135 bytes, and a bound
/// keeps what is copied out of a request small.
const MAXIMUM_LENGTH: usize = 255;

/// A digest, `algorithm:encoded` (OCI image spec 1.1, "Digests"). The two registered algorithms
/// are checked in full: `sha256` has 64 and `sha512` 128 lower-case hexadecimal digits. Others
/// pass if they have the shape, since a registry may know algorithms that a proxy does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Digest<'a>(Cow<'a, str>);

impl<'a> Digest<'a> {
    /// Reads a digest; `None` if the bytes are not one. Nothing is decoded.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (algorithm, encoded) = split_once(bytes, b':')?;
        let text = is_digest(algorithm, encoded).then(|| str::from_utf8(bytes).ok()).flatten()?;
        Some(Self(Cow::Borrowed(text)))
    }

    /// Reads a digest in a path, where some clients escape the colon (crane prints `%3A`). Both
    /// spellings give the same digest, written with a colon. No other escape is decoded, and
    /// this one only once.
    #[must_use]
    pub fn parse_in_path(bytes: &'a [u8]) -> Option<Self> {
        Self::parse(bytes).or_else(|| Self::parse_escaped(bytes))
    }

    fn parse_escaped(bytes: &[u8]) -> Option<Self> {
        let (algorithm, rest) = split_once(bytes, b'%')?;
        let encoded = rest.strip_prefix(b"3A").or_else(|| rest.strip_prefix(b"3a"))?;
        if !is_digest(algorithm, encoded) {
            return None;
        }
        let text = [str::from_utf8(algorithm).ok()?, str::from_utf8(encoded).ok()?].join(":");
        Some(Self(Cow::Owned(text)))
    }

    /// The same digest, free of the bytes it was read from.
    #[must_use]
    pub fn into_owned(self) -> Digest<'static> {
        Digest(Cow::Owned(self.0.into_owned()))
    }

    /// The digest as text, with a plain colon.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The algorithm: what stands before the colon.
    #[must_use]
    pub fn algorithm(&self) -> &str {
        self.0.split_once(':').map_or("", |(algorithm, _)| algorithm)
    }

    /// The hash value as it is encoded: what stands after the colon.
    #[must_use]
    pub fn encoded(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, encoded)| encoded)
    }
}

fn split_once(bytes: &[u8], separator: u8) -> Option<(&[u8], &[u8])> {
    let position = bytes.iter().position(|byte| *byte == separator)?;
    let (before, from_separator) = bytes.split_at_checked(position)?;
    Some((before, from_separator.split_first()?.1))
}

fn is_digest(algorithm: &[u8], encoded: &[u8]) -> bool {
    let length = algorithm.len().saturating_add(1).saturating_add(encoded.len());
    length <= MAXIMUM_LENGTH && is_algorithm(algorithm) && is_encoded(algorithm, encoded)
}

/// `component ([+._-] component)*` where a component is `[a-z0-9]+`.
fn is_algorithm(algorithm: &[u8]) -> bool {
    let is_component = |component: &[u8]| {
        !component.is_empty()
            && component.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    };
    algorithm.split(|byte| matches!(byte, b'+' | b'.' | b'_' | b'-')).all(is_component)
}

/// `[a-zA-Z0-9=_-]+`, or what a registered algorithm says.
fn is_encoded(algorithm: &[u8], encoded: &[u8]) -> bool {
    match algorithm {
        b"sha256" => is_lower_hexadecimal(encoded, 64),
        b"sha512" => is_lower_hexadecimal(encoded, 128),
        _ => !encoded.is_empty() && encoded.iter().all(|byte| is_encoding_byte(*byte)),
    }
}

/// Whether that is so many hexadecimal digits, in lower case.
pub(super) fn is_lower_hexadecimal(encoded: &[u8], length: usize) -> bool {
    encoded.len() == length && encoded.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

const fn is_encoding_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'=' | b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::super::twin;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digests() {
        let hexadecimal =
            |count: usize| "0123456789abcdef".chars().cycle().take(count).collect::<String>();
        let longest = format!("a:{}", "b".repeat(253));
        let too_long = format!("a:{}", "b".repeat(254));
        let cases: &[(String, bool, &str)] = &[
            (format!("sha256:{}", hexadecimal(64)), true, "sha256"),
            (format!("sha512:{}", hexadecimal(128)), true, "sha512"),
            (format!("sha256:{}", hexadecimal(63)), false, "sha256, one digit short"),
            (format!("sha256:{}a", hexadecimal(64)), false, "sha256, one digit over"),
            (format!("sha512:{}", hexadecimal(64)), false, "sha512 with the length of sha256"),
            (format!("sha512:{}a", hexadecimal(128)), false, "sha512, one digit over"),
            (format!("sha256:{}", hexadecimal(64).to_uppercase()), false, "upper-case digits"),
            (format!("sha256:g{}", hexadecimal(63)), false, "not hexadecimal"),
            (format!("SHA256:{}", hexadecimal(64)), false, "upper-case algorithm"),
            ("sha256:totallywrong".into(), false, "what the conformance suite sends"),
            ("sha384:abc".into(), true, "an unknown algorithm passes"),
            ("blake3:AZaz09=_-".into(), true, "every byte an encoding may have"),
            ("sha256+b64u:LCa0a2j_xo".into(), true, "algorithm of two components"),
            ("a+b.c_d-e:x".into(), true, "every separator of components"),
            ("multihash+base58:Qm".into(), true, "the example of the image spec"),
            (longest, true, "255 bytes"),
            (too_long, false, "256 bytes"),
            (String::new(), false, "empty"),
            (":".into(), false, "both parts empty"),
            ("a:".into(), false, "no encoded part"),
            (":a".into(), false, "no algorithm"),
            ("a".into(), false, "no colon"),
            ("a:b:c".into(), false, "two colons"),
            ("a++b:c".into(), false, "empty component of the algorithm"),
            ("+a:b".into(), false, "algorithm starts with a separator"),
            ("a-:b".into(), false, "algorithm ends with a separator"),
            ("a:b.c".into(), false, "a dot is not an encoding byte"),
            ("a:b/c".into(), false, "nor is a slash"),
            ("a:b\n".into(), false, "anchored at the very end"),
            ("a:é".into(), false, "not ASCII"),
            ("a%3Ab".into(), false, "an escape is for paths only"),
        ];
        for (digest, valid, reason) in cases {
            let parsed = Digest::parse(digest.as_bytes());
            assert_eq!(parsed.is_some(), *valid, "{digest:?}: {reason}");
            assert!(parsed.is_none_or(|parsed| parsed.as_str() == digest), "{digest:?}");
        }
    }

    #[test]
    fn digests_in_paths() {
        let cases: &[(&str, Option<&str>, &str)] = &[
            ("a:b", Some("a:b"), "plain"),
            ("a%3Ab", Some("a:b"), "escaped colon"),
            ("a%3ab", Some("a:b"), "escaped colon, lower case"),
            ("a%3A", None, "no encoded part"),
            ("%3Ab", None, "no algorithm"),
            ("a%3A%3Ab", None, "two colons"),
            ("a%3A:b", None, "two colons"),
            ("a:%3Ab", None, "two colons"),
            ("a%253Ab", None, "escaped twice"),
            ("a%2Bb%3Ac", None, "no other escape"),
            ("a%3Ab%3D", None, "no other escape"),
            ("a%3", None, "truncated escape"),
            ("a%", None, "truncated escape"),
            ("sha256%3Aabc", None, "the algorithm's own length holds here too"),
        ];
        for (digest, expected, reason) in cases {
            let parsed = Digest::parse_in_path(digest.as_bytes());
            assert_eq!(parsed.as_ref().map(Digest::as_str), *expected, "{digest:?}: {reason}");
        }
        assert_eq!(Digest::parse_in_path(b"a%3Ab"), Digest::parse(b"a:b"), "same value");
    }

    #[test]
    fn parts() {
        let digest = Digest::parse(b"sha256+b64:x=").unwrap();
        assert_eq!((digest.algorithm(), digest.encoded()), ("sha256+b64", "x="));
    }

    #[test]
    fn borrows_unless_escaped() {
        assert!(matches!(Digest::parse_in_path(b"a:b"), Some(Digest(Cow::Borrowed(_)))));
    }

    proptest! {
        #[test]
        fn agrees_with_the_twin(text in "(sha256|sha512|[a1+._A-]{0,4})(:|%3A|%3a|%)[a1=_%:-]{0,5}") {
            let bytes = text.as_bytes();
            prop_assert_eq!(Digest::parse(bytes).is_some(), twin::is_digest(bytes));
            prop_assert_eq!(Digest::parse_in_path(bytes).is_some(), twin::is_digest_in_path(bytes));
        }

        #[test]
        fn registered_algorithms_agree_with_the_twin(
            text in "(sha256:[0-9a-f]{63,65}|sha512:[0-9a-f]{127,129}|sha256:[0-9a-g]{64})"
        ) {
            let bytes = text.as_bytes();
            prop_assert_eq!(Digest::parse(bytes).is_some(), twin::is_digest(bytes));
        }
    }
}
