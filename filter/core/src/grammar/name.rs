//! Repository names.

use std::str;

/// The longest name, in bytes. The spec's note under "Pulling manifests": many clients limit
/// the length of registry host and name to 255 characters.
const MAXIMUM_LENGTH: usize = 255;

/// The name of a repository, `<name>` in the OCI distribution spec 1.1 ("Pulling manifests"):
/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, of at most 255
/// bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RepositoryName<'a>(&'a str);

impl<'a> RepositoryName<'a> {
    /// Reads a name; `None` if the bytes are not one. Nothing is decoded.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let is_name =
            bytes.len() <= MAXIMUM_LENGTH && bytes.split(|byte| *byte == b'/').all(is_component);
        is_name.then(|| str::from_utf8(bytes).ok().map(Self)).flatten()
    }

    /// The name as text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

/// Whether a text may stand before a repository name: empty, or whole components each with its
/// slash (`drycc/`), short enough that a name can follow.
///
/// A prefix without the final slash (`drycc`) is not one: it would also cover `dryccx/tool`.
#[must_use]
pub fn is_repository_prefix(text: &str) -> bool {
    let has_room = text.len() < MAXIMUM_LENGTH;
    let components = text.strip_suffix('/');
    text.is_empty()
        || has_room
            && components.is_some_and(|name| RepositoryName::parse(name.as_bytes()).is_some())
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
///
/// The component is cut into runs of letters and digits and runs of anything else. It is one
/// if both ends are letters or digits and every other run is a separator.
fn is_component(component: &[u8]) -> bool {
    let ends_are_alphanumeric = component.first().is_some_and(|byte| is_alphanumeric(*byte))
        && component.last().is_some_and(|byte| is_alphanumeric(*byte));
    let mut runs =
        component.chunk_by(|left, right| is_alphanumeric(*left) == is_alphanumeric(*right));
    ends_are_alphanumeric
        && runs.all(|run| run.iter().copied().all(is_alphanumeric) || is_separator(run))
}

/// `\.|_|__|-+`; the run is never empty.
fn is_separator(run: &[u8]) -> bool {
    matches!(run, b"." | b"_" | b"__") || run.iter().all(|byte| *byte == b'-')
}

const fn is_alphanumeric(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'0'..=b'9')
}

#[cfg(test)]
mod tests {
    use super::super::twin;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        let longest = "a".repeat(255);
        let too_long = "a".repeat(256);
        let longest_path = format!("{}/{}", "a".repeat(127), "b".repeat(127));
        let cases: &[(&str, bool, &str)] = &[
            ("a", true, "one letter"),
            ("7", true, "one digit"),
            ("library/nginx", true, "two components"),
            ("a/b/c/d/e/f/g/h", true, "many components"),
            ("a.b", true, "one dot"),
            ("a_b", true, "one underscore"),
            ("a__b", true, "two underscores"),
            ("a-b", true, "one dash"),
            ("a----b", true, "any number of dashes"),
            ("a.b_c__d-e", true, "several separators, each between alphanumerics"),
            ("docker.io/library/nginx", true, "a host name is a component"),
            ("manifests/blobs/tags/list", true, "words of the API are ordinary components"),
            (&longest, true, "255 bytes"),
            (&longest_path, true, "255 bytes with a slash"),
            (&too_long, false, "256 bytes"),
            ("", false, "no component"),
            ("/", false, "two empty components"),
            ("/a", false, "empty first component"),
            ("a/", false, "empty last component"),
            ("a//b", false, "empty component between"),
            ("A", false, "upper case"),
            ("nginX", false, "upper case at the end"),
            (".a", false, "starts with a separator"),
            ("_a", false, "starts with a separator: extensions do"),
            ("-a", false, "starts with a separator"),
            ("a.", false, "ends with a separator"),
            ("a_", false, "ends with a separator"),
            ("a-", false, "ends with a separator"),
            ("a/-b", false, "second component starts with a separator"),
            ("a./b", false, "first component ends with a separator"),
            ("a..b", false, "two dots"),
            ("a___b", false, "three underscores"),
            ("a._b", false, "mixed separators"),
            ("a-.b", false, "mixed separators"),
            ("a-_b", false, "mixed separators"),
            (".", false, "dot segment"),
            ("..", false, "dot segment"),
            ("a/../b", false, "dot segment between"),
            ("a b", false, "space"),
            ("a:b", false, "a port or a tag"),
            ("a@b", false, "a digest reference"),
            ("a%2fb", false, "nothing is decoded"),
            ("a\\b", false, "backslash"),
            ("a\0", false, "control byte"),
            ("a\n", false, "line end: anchored at the very end"),
            ("ä", false, "not ASCII"),
        ];
        for (name, valid, reason) in cases {
            let parsed = RepositoryName::parse(name.as_bytes());
            assert_eq!(parsed.is_some(), *valid, "{name:?}: {reason}");
            assert!(parsed.is_none_or(|parsed| parsed.as_str() == *name), "{name:?}");
        }
        assert!(RepositoryName::parse(b"a\xff").is_none(), "not UTF-8");
    }

    #[test]
    fn prefixes() {
        let longest = format!("{}/", "a".repeat(253));
        let too_long = format!("{}/", "a".repeat(254));
        let cases: &[(&str, bool, &str)] = &[
            ("", true, "no prefix"),
            ("drycc/", true, "one component"),
            ("docker.io/library/", true, "two components"),
            (&longest, true, "254 bytes: a name of one byte fits behind it"),
            (&too_long, false, "255 bytes: no name fits behind it"),
            ("drycc", false, "no slash: it would cover `dryccx` too"),
            ("/", false, "empty component"),
            ("/drycc/", false, "empty first component"),
            ("drycc//", false, "empty last component"),
            ("Drycc/", false, "upper case"),
            ("drycc-/", false, "ends with a separator"),
            ("../", false, "dot segment"),
        ];
        for (prefix, valid, reason) in cases {
            assert_eq!(is_repository_prefix(prefix), *valid, "{prefix:?}: {reason}");
        }
    }

    proptest! {
        #[test]
        fn whatever_the_spec_generates_is_a_name(
            name in "[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}(/[a-z0-9]{1,4}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,3}){0,4}"
        ) {
            prop_assert!(RepositoryName::parse(name.as_bytes()).is_some());
        }

        #[test]
        fn agrees_with_the_twin(text in "[a1._/A%-]{0,12}") {
            let parsed = RepositoryName::parse(text.as_bytes()).is_some();
            prop_assert_eq!(parsed, twin::is_name(text.as_bytes()));
        }

        #[test]
        fn agrees_with_the_twin_on_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..8)) {
            prop_assert_eq!(RepositoryName::parse(&bytes).is_some(), twin::is_name(&bytes));
        }
    }
}
