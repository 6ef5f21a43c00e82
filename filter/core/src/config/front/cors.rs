//! Web pages that may use a front from a browser.

use crate::config::backend_url::BackendUrl;

/// What the front lets web pages of other origins do (Fetch standard, "HTTP-CORS protocol").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cors {
    pub(crate) origins: Vec<Origin>,
    pub(crate) credentials: bool,
}

impl Cors {
    /// The origins of the pages; at least one.
    #[must_use]
    pub fn origins(&self) -> &[Origin] {
        &self.origins
    }

    /// Whether a page may have the browser send what it keeps for the front's host.
    #[must_use]
    pub const fn credentials(&self) -> bool {
        self.credentials
    }
}

/// The origin of a web page as browsers write it (RFC 6454 section 6.1): a scheme, a host, and a
/// port if it is not the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(String);

/// What to write where origins are expected.
pub(crate) const WANTED: &str =
    "a list of origins of web pages, such as `https://ui.example.com`, at least one";
/// What to write where one origin is expected.
pub(crate) const WANTED_ORIGIN: &str = "an origin as browsers write it, such as `https://ui.example.com` or \
     `http://localhost:8081`: lower case, no path, no `:443` or `:80`";

impl Origin {
    /// Reads an origin in the one form in which browsers write it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let url = BackendUrl::parse(text)?;
        let port = if scheme == "https" { ":443" } else { ":80" };
        let is_one = url.base_path().is_empty()
            && url.origin() == text
            && !authority.ends_with(port)
            && !text.bytes().any(|byte| byte.is_ascii_uppercase());
        is_one.then(|| Self(text.to_owned()))
    }

    /// The origin.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins() {
        let rows = [
            ("https://ui.example.com", true, "a host"),
            ("http://localhost:8081", true, "a port"),
            ("http://[::1]:8081", true, "an IPv6 address"),
            ("https://ui.example.com:443", false, "browsers leave this port out"),
            ("http://ui.example.com:80", false, "browsers leave this port out"),
            ("https://ui.example.com/", false, "a path"),
            ("https://ui.example.com/x", false, "a path"),
            ("https://UI.example.com", false, "browsers write lower case"),
            ("ui.example.com", false, "no scheme"),
            ("*", false, "every page of the world"),
            ("null", false, "what any sandboxed page sends"),
            ("https://*.example.com", false, "a pattern"),
            ("https://user@ui.example.com", false, "user information"),
        ];
        for (text, is_valid, reason) in rows {
            assert_eq!(Origin::parse(text).is_some(), is_valid, "{text}: {reason}");
        }
    }
}
