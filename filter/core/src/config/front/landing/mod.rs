//! Pages for people who open a front in a browser.

pub(crate) mod wire;

use std::collections::BTreeMap;

use crate::config::backend_url::BackendUrl;

/// The paths of a front, outside of the registry API, that lead to pages elsewhere. A closed list
/// of whole paths: what only begins like one of them is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Landing {
    pub(crate) pages: BTreeMap<String, PageUrl>,
}

impl Landing {
    /// The page of a path; the path is compared byte for byte.
    #[must_use]
    pub fn find(&self, path: &[u8]) -> Option<&PageUrl> {
        self.pages.get(std::str::from_utf8(path).ok()?)
    }
}

/// The URL of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageUrl(String);

/// What to write where the URL of a page is expected.
pub(crate) const WANTED_URL: &str = "the URL of a page, such as `https://example.com/about#registry`: scheme `http` or \
     `https`, no credentials";
/// What to write where the path of a page is expected.
pub(crate) const WANTED_PATH: &str = "the path is not valid; write one such as `/` or `/privacy`, outside of `/v2/` and `/portolan/`";

impl PageUrl {
    /// Reads an absolute URL.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let visible = |byte: u8| (0x21..=0x7e).contains(&byte) && !b"\"\\<>".contains(&byte);
        let (scheme, rest) = text.split_once("://")?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, _) = rest.split_at_checked(end)?;
        BackendUrl::parse(&format!("{scheme}://{authority}"))?;
        text.bytes().all(visible).then(|| Self(text.to_owned()))
    }

    /// The URL as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a path may have a page: none of the registry API, nor of the front's own.
pub(crate) fn is_path(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let is_own = |start: &str| {
        text.strip_prefix(start).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    text.starts_with('/') && text.bytes().all(plain) && !is_own("/v2") && !is_own("/portolan")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_paths_only() {
        let page = PageUrl::parse("https://example.com/a?b#c").unwrap();
        let landing = Landing { pages: [("/privacy".to_owned(), page)].into() };
        assert_eq!(
            landing.find(b"/privacy").map(PageUrl::as_str),
            Some("https://example.com/a?b#c")
        );
        for path in ["/", "/privacyx", "/privacy/", "/privacy/x", "/Privacy", "privacy", ""] {
            assert_eq!(landing.find(path.as_bytes()), None, "{path}");
        }
        assert_eq!(landing.find(b"/\xff"), None);
    }

    #[test]
    fn urls() {
        for good in ["https://example.com", "http://e.example:8080/x", "https://e.example#x"] {
            assert!(PageUrl::parse(good).is_some(), "{good}");
        }
        for bad in
            ["", "/x", "javascript:alert(1)", "https://u:p@e.example", "https://e.example/a b"]
        {
            assert!(PageUrl::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn paths() {
        for good in ["/", "/privacy", "/v2x", "/a/b.html", "/portolanx"] {
            assert!(is_path(good), "{good}");
        }
        for bad in ["", "x", "/v2", "/v2/", "/v2/x", "/portolan/token", "/a?b", "/%41", "/a b"] {
            assert!(!is_path(bad), "{bad}");
        }
    }
}
