//! A path outside of `/v2/` at which a backend continues uploads.

use crate::config::backend_url::BackendUrl;

/// What to write where such a path is expected.
pub(crate) const WANTED: &str = "a path that starts and ends with `/` and has no escapes, such as \
     `/artifacts-uploads/`";

/// A path at the backend's host, from the host on; what is below it belongs to uploads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPath(String);

impl UploadPath {
    /// Reads `/segment/` or `/segment/segment/`. Not `/`: that would be all of a host.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix('/')?.strip_suffix('/')?;
        let is_plain = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        inner.split('/').all(is_plain).then(|| Self(text.to_owned()))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a path is below this one.
    #[must_use]
    pub fn covers(&self, path: &[u8]) -> bool {
        path.strip_prefix(self.0.as_bytes()).is_some_and(|rest| !rest.is_empty())
    }

    /// Whether the API of a registry is at it, below it or above it: of this one, or of whoever
    /// else is at that host. What is served there has rules of its own.
    pub(crate) fn meets_the_api(&self, url: &BackendUrl) -> bool {
        let api = format!("{}/v2/", url.base_path());
        ["/v2/", &api].iter().any(|api| api.starts_with(&self.0) || self.0.starts_with(*api))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        #[rustfmt::skip]
        let rows = [
            ("/artifacts-uploads/", true, "Google's"),
            ("/u/a.b_c~d/", true, "two segments"),
            ("/", false, "all of the host"),
            ("", false, "nothing"),
            ("/artifacts-uploads", false, "another path may start so"),
            ("artifacts-uploads/", false, "no slash"),
            ("//evil.example/", false, "another host, to some"),
            ("/a/../b/", false, "dots"),
            ("/a/./b/", false, "a dot"),
            ("/a%2fb/", false, "an escape"),
            ("/a b/", false, "a space"),
            ("/a?b/", false, "a query"),
            ("https://a/b/", false, "a URL"),
        ];
        for (text, expected, reason) in rows {
            assert_eq!(UploadPath::parse(text).is_some(), expected, "{text}: {reason}");
        }
        let path = UploadPath::parse("/u/").unwrap();
        assert!(path.covers(b"/u/x") && !path.covers(b"/u/") && !path.covers(b"/ux/y"));
    }

    #[test]
    fn the_api_is_no_place_for_uploads() {
        #[rustfmt::skip]
        let rows = [
            ("https://b", "/v2/", true, "the API"),
            ("https://b", "/v2/uploads/", true, "in the API"),
            ("https://b/m", "/m/", true, "the API is below"),
            ("https://b/m", "/m/v2/x/", true, "in the API"),
            ("https://b/m", "/v2/", true, "somebody else's API"),
            ("https://b/m", "/m/uploads/", false, "beside it"),
            ("https://b", "/v2uploads/", false, "another word"),
        ];
        for (url, path, expected, reason) in rows {
            let url = BackendUrl::parse(url).unwrap();
            let found = UploadPath::parse(path).unwrap().meets_the_api(&url);
            assert_eq!(found, expected, "{path}: {reason}");
        }
    }
}
