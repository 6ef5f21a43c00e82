//! Tags.

use std::str;

/// How many bytes may follow the first one.
const MAXIMUM_REST: usize = 127;

/// A tag, `<reference>` in the OCI distribution spec 1.1 ("Pulling manifests"):
/// `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`. Case matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Tag<'a>(&'a str);

impl<'a> Tag<'a> {
    /// Reads a tag; `None` if the bytes are not one. Nothing is decoded.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first()?;
        let is_tag = is_first(*first)
            && rest.len() <= MAXIMUM_REST
            && rest.iter().all(|byte| is_first(*byte) || matches!(byte, b'.' | b'-'));
        is_tag.then(|| str::from_utf8(bytes).ok().map(Self)).flatten()
    }

    /// The tag as text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

const fn is_first(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::super::twin;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn tags() {
        let longest = "v".repeat(128);
        let too_long = "v".repeat(129);
        let cosign = format!("sha256-{}.sig", "a".repeat(64));
        let cases: &[(&str, bool, &str)] = &[
            ("latest", true, "letters"),
            ("1", true, "one digit"),
            ("_", true, "an underscore may come first"),
            ("V1.2.3-RC_1", true, "both cases, dots, dashes"),
            ("1..2--3", true, "separators may repeat"),
            ("v.", true, "a separator may come last"),
            (&cosign, true, "a cosign signature"),
            (&longest, true, "128 bytes"),
            (&too_long, false, "129 bytes"),
            ("", false, "empty"),
            (".a", false, "a dot may not come first"),
            ("-a", false, "a dash may not come first"),
            (".", false, "dot segment"),
            ("..", false, "dot segment"),
            ("a:b", false, "a digest is not a tag"),
            ("a+b", false, "semantic versions with build metadata are not tags"),
            ("a%2Eb", false, "nothing is decoded"),
            ("a b", false, "space"),
            ("a/b", false, "slash"),
            ("a\n", false, "anchored at the very end"),
            ("é", false, "not ASCII"),
        ];
        for (tag, valid, reason) in cases {
            let parsed = Tag::parse(tag.as_bytes());
            assert_eq!(parsed.is_some(), *valid, "{tag:?}: {reason}");
            assert!(parsed.is_none_or(|parsed| parsed.as_str() == *tag), "{tag:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_twin(text in "[aZ1._%:-]{0,130}") {
            prop_assert_eq!(Tag::parse(text.as_bytes()).is_some(), twin::is_tag(text.as_bytes()));
        }

        #[test]
        fn whatever_the_spec_generates_is_a_tag(text in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}") {
            prop_assert!(Tag::parse(text.as_bytes()).is_some());
        }
    }
}
