//! A URI reference, as it stands in `Location` and `Link`.

use std::borrow::Cow;

/// The parts of a reference (RFC 3986 section 4.1), none of them decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriReference<'r> {
    /// What stands before the first colon, in any case.
    pub scheme: Option<&'r str>,
    /// `host[:port]`, and whatever else stands between `//` and the path.
    pub authority: Option<&'r str>,
    /// The path, and what follows it: `?query`, `#fragment` or both.
    pub path: &'r str,
}

/// A reference with spaces, tabs and what is not ASCII escaped: no URL has them, some servers write
/// them, and clients send them so. An authority that had such bytes names no host then. Control
/// bytes stay, and make it no reference.
#[must_use]
pub fn escaped(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_meant = |byte: &u8| matches!(byte, b' ' | b'\t' | 0x80..);
    if !bytes.iter().any(is_meant) {
        return Cow::Borrowed(bytes);
    }
    let mut escaped = Vec::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        if is_meant(byte) {
            escaped.extend_from_slice(format!("%{byte:02X}").as_bytes());
        } else {
            escaped.push(*byte);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a byte is visible ASCII; a URL has no other.
#[must_use]
pub fn is_visible(byte: &u8) -> bool {
    (0x21..=0x7e).contains(byte)
}

impl<'r> UriReference<'r> {
    /// Takes a reference apart. `None` for bytes that are none: nothing at all, or anything that is
    /// not visible ASCII.
    #[must_use]
    pub fn parse(bytes: &'r [u8]) -> Option<Self> {
        if bytes.is_empty() || !bytes.iter().all(is_visible) {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (scheme, rest) = match split_scheme(text) {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let Some(rest) = rest.strip_prefix("//") else {
            return Some(Self { scheme, authority: None, path: rest });
        };
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at_checked(end)?;
        Some(Self { scheme, authority: Some(authority), path })
    }

    /// The path with its query and fragment, from the slash on, where `base` is the target of the
    /// request that was answered (RFC 3986 section 5.2). What names its own path in full stays byte
    /// for byte: a signature may cover it.
    #[must_use]
    pub fn target(&self, base: &[u8]) -> Vec<u8> {
        if self.path.starts_with('/') {
            return self.path.as_bytes().to_vec();
        }
        if self.authority.is_some() {
            return [b"/", self.path.as_bytes()].concat();
        }
        let (base, _) = split_path(base);
        let (path, suffix) = split_path(self.path.as_bytes());
        if path.is_empty() {
            return [base, suffix].concat();
        }
        let directory = base.iter().rposition(|byte| *byte == b'/');
        let directory = directory.and_then(|slash| base.get(..=slash)).unwrap_or(b"/");
        let merged = [directory, path].concat();
        [remove_dot_segments(&merged).as_slice(), suffix].concat()
    }
}

/// The path, and what follows it: `?query`, `#fragment` or both.
#[must_use]
pub fn split_path(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| matches!(byte, b'?' | b'#'));
    bytes.split_at_checked(end.unwrap_or(bytes.len())).unwrap_or((bytes, b""))
}

/// `scheme:rest` (RFC 3986 section 3.1); a colon after a slash, question mark or hash is not a
/// scheme's.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let first = scheme.bytes().next()?.is_ascii_alphabetic();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    (first && scheme.bytes().all(known)).then_some((scheme, rest))
}

/// RFC 3986 section 5.2.4, for a path that starts with a slash.
fn remove_dot_segments(path: &[u8]) -> Vec<u8> {
    let mut kept: Vec<&[u8]> = Vec::new();
    let mut directory = false;
    for segment in path.split(|byte| *byte == b'/').skip(1) {
        directory = matches!(segment, b"." | b"..");
        match segment {
            b"." => {}
            b".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let mut resolved: Vec<u8> = kept.iter().flat_map(|segment| [b"/", *segment].concat()).collect();
    if directory || resolved.is_empty() {
        resolved.push(b'/');
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scheme and authority, `-` for none, and the target on `/v2/a/blobs/x?y`.
    fn read(reference: &[u8]) -> Option<(&str, &str, String)> {
        let found = UriReference::parse(reference)?;
        let target = String::from_utf8(found.target(b"/v2/a/blobs/x?y")).unwrap();
        Some((found.scheme.unwrap_or("-"), found.authority.unwrap_or("-"), target))
    }

    #[test]
    fn parts() {
        #[rustfmt::skip]
        let rows = [
            ("https://cdn.example/a?b=%2f#c", "https", "cdn.example", "/a?b=%2f#c", "absolute"),
            ("https://cdn.example", "https", "cdn.example", "/", "no path"),
            ("https://cdn.example?b", "https", "cdn.example", "/?b", "no path, a query"),
            ("https://a/b/../c/./d", "https", "a", "/b/../c/./d", "a signature may cover the dots"),
            ("//cdn.example:8443/a", "-", "cdn.example:8443", "/a", "scheme-relative"),
            ("//u:p@cdn.example/a", "-", "u:p@cdn.example", "/a", "whatever stands there"),
            ("///a", "-", "", "/a", "an authority that is empty"),
            ("/a//b?c", "-", "-", "/a//b?c", "path-absolute"),
            ("z", "-", "-", "/v2/a/blobs/z", "relative to the directory"),
            ("../z/..", "-", "-", "/v2/a/", "up"),
            ("../../../../z", "-", "-", "/z", "not above the root"),
            ("./z?q/../r", "-", "-", "/v2/a/blobs/z?q/../r", "dots in a query are none"),
            ("?z", "-", "-", "/v2/a/blobs/x?z", "another query"),
            ("#z", "-", "-", "/v2/a/blobs/x#z", "a fragment"),
            ("./a:b", "-", "-", "/v2/a/blobs/a:b", "a colon behind a slash"),
            ("1a:b", "-", "-", "/v2/a/blobs/1a:b", "no scheme starts with a digit"),
            ("mailto:x", "mailto", "-", "/v2/a/blobs/x", "no authority"),
        ];
        for (reference, scheme, authority, target, reason) in rows {
            let expected = Some((scheme, authority, target.to_owned()));
            assert_eq!(read(reference.as_bytes()), expected, "{reference}: {reason}");
        }
        assert_eq!(&*escaped(b"/a b\xc3\xa9?%20"), b"/a%20b%C3%A9?%20");
        assert_eq!(&*escaped(b"/\t\r\n"), b"/%09\r\n");
        assert!(matches!(escaped(b"/a%20b"), Cow::Borrowed(_)));
        for junk in [&b""[..], b"/a b", b"/a\x7f", b"/\xc3\xa9", b"https://a/\r\nx: y"] {
            assert_eq!(read(junk), None, "{junk:?}");
        }
    }
}
