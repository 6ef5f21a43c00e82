//! Redirects of token services.

use crate::config::Realm;

/// The most redirects of one request for a token: from `http` habits to a slash at the end, and one
/// more.
pub const MAXIMUM_REDIRECTS: u8 = 3;

/// Where a token service redirects a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redirected {
    /// To this path and query of its own host.
    To(String),
    /// To another host, or to where nobody can tell. A service that could would steer the proxy,
    /// with its credentials, to any address: the same rule as for what a backend says of its
    /// tokens.
    Elsewhere,
}

/// Reads the answer of the service at `authority` (`host[:port]`); `None` if it is no redirect of
/// this method. A form is sent again only where the redirect says so (RFC 9110 section 15.4: 307
/// and 308).
#[must_use]
pub fn redirected(
    status: u16,
    location: Option<&[u8]>,
    authority: &str,
    is_get: bool,
) -> Option<Redirected> {
    let is_redirect = match status {
        301..=303 => is_get,
        307 | 308 => true,
        _ => false,
    };
    let target = || {
        let location = std::str::from_utf8(location?).ok()?;
        let absolute = if location.starts_with('/') && !location.starts_with("//") {
            format!("https://{authority}{location}")
        } else {
            location.to_owned()
        };
        let url = Realm::parse(&absolute)?;
        (url.origin().authority() == authority).then(|| url.target().to_owned())
    };
    is_redirect.then(|| target().map_or(Redirected::Elsewhere, Redirected::To))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_host_counts() {
        let to = |target: &str| Some(Redirected::To(target.to_owned()));
        let elsewhere = || Some(Redirected::Elsewhere);
        #[rustfmt::skip]
        let rows: &[(u16, Option<&str>, Option<Redirected>, &str)] = &[
            (301, Some("/token/?service=s"), to("/token/?service=s"), "a slash"),
            (302, Some("https://ghcr.io/v2/token?scope=a%2Fb"), to("/v2/token?scope=a%2Fb"), "absolute"),
            (303, Some("https://GHCR.io:443/token"), to("/token"), "case and port"),
            (307, Some("/token"), to("/token"), "temporary"),
            (308, Some("/token"), to("/token"), "for ever"),
            (307, Some("https://evil.example/token"), elsewhere(), "another host"),
            (307, Some("//evil.example/token"), elsewhere(), "another host, without a scheme"),
            (307, Some("https://ghcr.io:8443/token"), elsewhere(), "another port"),
            (307, Some("https://ghcr.io@evil.example/token"), elsewhere(), "credentials in a URL"),
            (307, Some("https://x@ghcr.io/token"), elsewhere(), "credentials in a URL"),
            (307, Some("/\\evil.example/token"), elsewhere(), "a backslash"),
            (307, Some("token"), elsewhere(), "relative to what?"),
            (307, Some("/to ken"), elsewhere(), "a space"),
            (307, Some("/token\r\nx: y"), elsewhere(), "a line of its own"),
            (307, Some("ftp://ghcr.io/token"), elsewhere(), "another scheme"),
            (307, Some(""), elsewhere(), "nothing"),
            (307, None, elsewhere(), "nothing"),
            (300, Some("/token"), None, "a choice"),
            (304, Some("/token"), None, "nothing new"),
            (200, Some("/token"), None, "an answer"),
            (401, Some("/token"), None, "a refusal"),
        ];
        for (status, location, expected, reason) in rows {
            let found = redirected(*status, location.map(str::as_bytes), "ghcr.io", true);
            assert_eq!(found, *expected, "{status} {location:?}: {reason}");
            let form = redirected(*status, location.map(str::as_bytes), "ghcr.io", false);
            let kept = matches!(status, 307 | 308).then_some(found).flatten();
            assert_eq!(form, kept, "{status} {location:?}: a form");
        }
        assert_eq!(redirected(307, Some(b"/\xff"), "ghcr.io", true), elsewhere());
    }
}
