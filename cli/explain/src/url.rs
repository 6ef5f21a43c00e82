//! Splits the URL that a person typed.
//!
//! No URL library: it would take out dot segments and escape bytes, and the request that is
//! explained would no longer be the one that was asked about.

/// The authority and the target that a request to a URL has, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// `host[:port]`, if the URL names one.
    pub(super) authority: Option<Vec<u8>>,
    /// Path and query, starting with a slash.
    pub(super) target: Vec<u8>,
}

/// Splits `http://host/path`, `https://host/path`, `//host/path` or `/path`; `None` for anything
/// else.
pub(super) fn split(url: &[u8]) -> Option<Url> {
    let with_host = [&b"https://"[..], b"http://", b"//"];
    let Some(rest) = with_host.iter().find_map(|start| url.strip_prefix(*start)) else {
        return url.starts_with(b"/").then(|| Url { authority: None, target: url.to_vec() });
    };
    let ends = |byte: &u8| matches!(byte, b'/' | b'?' | b'#');
    let end = rest.iter().position(ends).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end)?;
    // A request for `https://host?x` asks for `/?x` (RFC 9112, section 3.2.1).
    let slash: &[u8] = if target.starts_with(b"/") { b"" } else { b"/" };
    (!authority.is_empty())
        .then(|| Url { authority: Some(authority.to_vec()), target: [slash, target].concat() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_behind_the_host_is_kept() {
        let rows = [
            ("https://h/v2/", Some("h"), "/v2/"),
            ("http://h:5000/v2/a?n=1", Some("h:5000"), "/v2/a?n=1"),
            ("//h/v2/", Some("h"), "/v2/"),
            ("/v2/../%2e%2E//a b?c#d", None, "/v2/../%2e%2E//a b?c#d"),
            ("https://h//v2/", Some("h"), "//v2/"),
            ("https://h", Some("h"), "/"),
            ("https://h?x=/y", Some("h"), "/?x=/y"),
            ("https://[::1]:5000/v2/", Some("[::1]:5000"), "/v2/"),
            ("https://u@h/v2/", Some("u@h"), "/v2/"),
        ];
        for (url, authority, target) in rows {
            let found = split(url.as_bytes()).unwrap();
            assert_eq!(found.authority.as_deref(), authority.map(str::as_bytes), "{url}");
            assert_eq!(found.target, target.as_bytes(), "{url}");
        }
        let found = split(b"https://h\xff/\xfe").unwrap();
        assert_eq!((found.authority.unwrap(), found.target), (b"h\xff".into(), b"/\xfe".into()));
    }

    #[test]
    fn texts_that_are_no_url() {
        for url in ["", "h/v2/", "ftp://h/v2/", "https:/v2/", "https://", "https:///v2/", "//"] {
            assert_eq!(split(url.as_bytes()), None, "{url}");
        }
    }
}
