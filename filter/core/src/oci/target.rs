//! The syntax of a request target, before its meaning is read.

use super::percent;

/// The longest path, in bytes. The spec sets no limit; a name and a digest take 510 bytes, so
/// nearly all of this is room for the ids that registries give to upload sessions.
const MAXIMUM_PATH: usize = 8 * 1024;
/// The longest query, in bytes. The spec sets no limit; registries keep upload state here.
const MAXIMUM_QUERY: usize = 16 * 1024;

/// A target in origin form (RFC 9112, section 3.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// Starts with `/`; see [`is_path`].
    pub(super) path: &'a [u8],
    /// What follows the first `?`, if there is one.
    pub(super) query: Option<&'a [u8]>,
}

impl<'a> Target<'a> {
    /// Splits a target; `None` if its form is not acceptable.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let mut parts = bytes.splitn(2, |byte| *byte == b'?');
        let (path, query) = (parts.next()?, parts.next());
        (is_path(path) && query.is_none_or(is_query)).then_some(Self { path, query })
    }
}

pub(super) fn is_path(path: &[u8]) -> bool {
    path.len() <= MAXIMUM_PATH
        && path.iter().all(|byte| is_path_byte(*byte))
        && path.split(|byte| *byte == b'%').skip(1).all(starts_with_harmless_octet)
        && has_plain_segments(path)
}

/// `pchar` of RFC 3986, section 3.3, or a slash, less `;`: some servers cut a segment at a
/// semicolon, and read `/..;/` as `/../`.
const fn is_path_byte(byte: u8) -> bool {
    percent::is_unreserved(byte)
        || matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
        || matches!(byte, b':' | b'@' | b'%' | b'/')
}

fn starts_with_harmless_octet(after_percent: &[u8]) -> bool {
    percent::octet(after_percent).is_some_and(|(byte, _)| is_harmless_octet(byte))
}

/// Whether a byte may be written as an escape. Only punctuation needs to be. Refused are
///
/// * unreserved bytes, which are the same with and without an escape (RFC 3986, section 6.2.2.2):
///   `a/blobs/uploads/%6Danifests/x` is an upload of `a` here, but a manifest of
///   `a/blobs/uploads` behind a server that decodes first, and `%2E%2E` is `..`;
/// * `/` and `\`, which make segments; `%`, which makes escapes; `?`, `#` and `;`, which end paths
///   or segments;
/// * control bytes, space, and bytes beyond ASCII, among them overlong forms of all the above.
const fn is_harmless_octet(byte: u8) -> bool {
    byte.is_ascii_punctuation()
        && !percent::is_unreserved(byte)
        && !matches!(byte, b'/' | b'\\' | b'%' | b'?' | b'#' | b';')
}

/// A leading slash, no `.` or `..`, and nothing empty but the very last segment. Servers
/// disagree on what `//` and dots mean, so they are not collapsed.
fn has_plain_segments(path: &[u8]) -> bool {
    let mut segments = path.split(|byte| *byte == b'/');
    let (before_slash, last) = (segments.next(), segments.next_back());
    before_slash.is_some_and(<[u8]>::is_empty)
        && last.is_some_and(|segment| !is_dots(segment))
        && segments.all(|segment| !segment.is_empty() && !is_dots(segment))
}

const fn is_dots(segment: &[u8]) -> bool {
    matches!(segment, b"." | b"..")
}

/// Visible ASCII without `#`. It is opaque otherwise: registries keep signed state in it.
fn is_query(query: &[u8]) -> bool {
    let is_query_byte = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    query.len() <= MAXIMUM_QUERY && query.iter().all(is_query_byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_the_first_question_mark() {
        let cases: &[(&str, &str, Option<&str>)] = &[
            ("/", "/", None),
            ("/v2/", "/v2/", None),
            ("/v2/?", "/v2/", Some("")),
            ("/v2/?a=b", "/v2/", Some("a=b")),
            ("/v2/?a=b?c/../d//;%zz", "/v2/", Some("a=b?c/../d//;%zz")),
        ];
        for (target, path, query) in cases {
            let expected =
                Target { path: path.as_bytes(), query: query.map(|query: &str| query.as_bytes()) };
            assert_eq!(Target::read(target.as_bytes()), Some(expected), "{target}");
        }
    }

    #[test]
    fn every_byte_has_one_verdict() {
        const PLAIN: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\
            -._~!$&'()*+,=:@/?";
        const ESCAPED: &[u8] = b"!\"$&'()*+,:<=>@[]^`{|}";
        for byte in u8::MIN..=u8::MAX {
            let plain = [b"/x", &[byte][..], b"x"].concat();
            assert_eq!(Target::read(&plain).is_some(), PLAIN.contains(&byte), "{byte:#04x}");
            for escaped in [format!("/x%{byte:02x}"), format!("/x%{byte:02X}")] {
                let verdict = Target::read(escaped.as_bytes()).is_some();
                assert_eq!(verdict, ESCAPED.contains(&byte), "{escaped}");
            }
            let query = [b"/?", &[byte][..]].concat();
            let expected = (0x21..0x7f).contains(&byte) && byte != b'#';
            assert_eq!(Target::read(&query).is_some(), expected, "{byte:#04x} in a query");
        }
    }

    #[test]
    fn lengths() {
        let path = |length: usize| [b"/".to_vec(), vec![b'a'; length - 1]].concat();
        let query = |length: usize| [b"/?".to_vec(), vec![b'a'; length]].concat();
        assert!(Target::read(&path(8192)).is_some());
        assert!(Target::read(&path(8193)).is_none());
        assert!(Target::read(&query(16384)).is_some());
        assert!(Target::read(&query(16385)).is_none());
    }
}
