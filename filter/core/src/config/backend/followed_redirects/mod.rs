//! Followed redirects: whether the proxy follows the redirects of a backend, and to which hosts.

pub(crate) mod compile;
pub(crate) mod wire;

use crate::config::advice;
use crate::config::backend_url::Scheme;
use crate::config::front::host::FrontHost;
use crate::config::ids::RegionId;
use crate::config::wanted::Wanted;
use crate::contract::clusters;

/// Who fetches what a backend redirects to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectHandling {
    /// The client; it is given the URL untouched.
    #[default]
    Pass,
    /// The proxy; the bytes come through the front.
    Follow,
}

/// A backend's redirects, for each region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowedRedirects {
    /// One per region, found by its id.
    pub(crate) by_region: Vec<RedirectHandling>,
    pub(crate) hosts: Vec<RedirectHost>,
    /// The hosts once more, a space between two.
    pub(crate) allowed: String,
    pub(crate) private_addresses: bool,
    pub(crate) ca_file: Option<String>,
}

impl FollowedRedirects {
    /// What becomes of a redirect for clients of a region.
    #[must_use]
    pub fn of(&self, region: RegionId) -> RedirectHandling {
        self.by_region.get(region.index()).copied().unwrap_or_default()
    }

    /// Whether any region has redirects followed.
    #[must_use]
    pub fn any_followed(&self) -> bool {
        self.by_region.contains(&RedirectHandling::Follow)
    }

    /// The hosts that the proxy may follow to, and no others.
    #[must_use]
    pub fn hosts(&self) -> &[RedirectHost] {
        &self.hosts
    }

    /// The same hosts as one text, a space between two.
    #[must_use]
    pub fn allowed(&self) -> &str {
        &self.allowed
    }

    /// Whether such a host may have an address of a private network.
    #[must_use]
    pub const fn private_addresses(&self) -> bool {
        self.private_addresses
    }

    /// A PEM file of the CA certificates that these hosts are verified by; the system's own if
    /// there is none.
    #[must_use]
    pub fn ca_file(&self) -> Option<&str> {
        self.ca_file.as_deref()
    }
}

/// The Envoy cluster that reaches whatever a backend redirects to; there is one more for what is
/// not over TLS. `key` is [`Backend::key`](super::Backend::key).
#[must_use]
pub fn redirects_cluster(key: &str, scheme: Scheme) -> String {
    match scheme {
        Scheme::Https => clusters::redirect_targets(key),
        Scheme::Http => clusters::plain_redirect_targets(key),
    }
}

/// A host that redirects may be followed to: `cdn.example.com`, with a port where it has its own,
/// or all hosts below one: `*.example.com`.
///
/// Without a port it is the scheme's own: 443.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedirectHost(String);

/// What to write where such a host is expected.
pub(crate) const WANTED_HOST: Wanted<'static> = Wanted::explained(
    "`host`, `host:port` or `*.host`, such as `cdn01.quay.io` or `*.r2.cloudflarestorage.com`",
    advice::host::of_redirects,
);

impl RedirectHost {
    /// Reads a host. A `*` stands for one component or more, and needs two behind it: a policy
    /// that follows to all of `.com` follows to anybody.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let host = text.strip_prefix("*.").unwrap_or(text);
        let is_pattern = host.len() < text.len();
        let known = FrontHost::parse(host)?;
        let bare = host.strip_suffix(":443").unwrap_or(host);
        // `*.0.0.1` would be every network's host number one.
        let has_suffix = || known.name().contains('.') && !ends_in_a_number(known.name());
        let plain = known.as_str() == bare && (!is_pattern || has_suffix());
        plain.then(|| Self(text.strip_suffix(":443").unwrap_or(text).to_owned()))
    }

    /// The host as it is compared: without the port 443.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is an address, which no name server is asked about.
    #[must_use]
    pub fn is_address(&self) -> bool {
        let host = FrontHost::parse(&self.0);
        host.is_some_and(|host| host.name().starts_with('[') || ends_in_a_number(host.name()))
    }

    /// Whether an authority in its one form ([`canonical_authority`](super::canonical_authority))
    /// is this host.
    #[must_use]
    pub fn covers(&self, authority: &str) -> bool {
        covers(&self.0, authority)
    }
}

/// Whether the text of a host, as [`RedirectHost::as_str`] gives it, covers an authority.
#[must_use]
pub(crate) fn covers(host: &str, authority: &str) -> bool {
    match host.strip_prefix('*') {
        Some(suffix) => authority.len() > suffix.len() && authority.ends_with(suffix),
        None => authority == host,
    }
}

/// No top-level domain is a number (RFC 3696 section 2), and whatever ends in one may be read as an
/// IPv4 address.
fn ends_in_a_number(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        #[rustfmt::skip]
        let rows = [
            ("cdn01.quay.io", Some("cdn01.quay.io"), "a name"),
            ("cdn01.quay.io:443", Some("cdn01.quay.io"), "a port that goes without saying"),
            ("cdn.example:8443", Some("cdn.example:8443"), "a port of its own"),
            ("*.r2.example.com", Some("*.r2.example.com"), "all below it"),
            ("*.s3.example:9000", Some("*.s3.example:9000"), "all below it, at a port"),
            ("127.0.0.1:9000", Some("127.0.0.1:9000"), "an address"),
            ("[::1]:9000", Some("[::1]:9000"), "an address"),
            ("minio", Some("minio"), "a name of the local network"),
            ("", None, "nothing"),
            ("*", None, "everybody"),
            ("*.com", None, "nearly everybody"),
            ("*.0.0.1", None, "every network's first host"),
            ("*.[::1]", None, "nothing is below an address"),
            ("https://a", None, "a URL"),
            ("a/b", None, "a path"),
            ("CDN.example", None, "in upper case"),
            ("cdn.example.", None, "a dot at the end"),
            ("cdn.example:80", None, "a port that goes without saying for `http`, and means that"),
            ("a.*.b", None, "a star elsewhere"),
            ("**.a.b", None, "two stars"),
            ("x y", None, "a space"),
        ];
        for (text, expected, reason) in rows {
            let found = RedirectHost::parse(text);
            assert_eq!(found.as_ref().map(RedirectHost::as_str), expected, "{text}: {reason}");
        }
        let is_address = |text| RedirectHost::parse(text).unwrap().is_address();
        assert!(is_address("127.0.0.1:9000") && is_address("[::1]:9000") && is_address("10.1"));
        assert!(!is_address("cdn01.quay.io") && !is_address("1.example:9000"));
    }

    #[test]
    fn covering() {
        #[rustfmt::skip]
        let rows = [
            ("cdn.example", "cdn.example", true, "itself"),
            ("cdn.example", "cdn.example:80", false, "another port"),
            ("cdn.example", "x.cdn.example", false, "below it"),
            ("*.cdn.example", "a.cdn.example", true, "below it"),
            ("*.cdn.example", "a.b.cdn.example", true, "further below"),
            ("*.cdn.example", "a.cdn.example:8443", false, "another port"),
            ("*.cdn.example", "cdn.example", false, "not below"),
            ("*.cdn.example", ".cdn.example", false, "nothing is below"),
            ("*.cdn.example", "evilcdn.example", false, "not a component"),
            ("cdn.example:9000", "cdn.example:9000", true, "its own port"),
            ("cdn.example:9000", "cdn.example", false, "no port"),
        ];
        for (host, authority, expected, reason) in rows {
            let found = RedirectHost::parse(host).unwrap().covers(authority);
            assert_eq!(found, expected, "{host} {authority}: {reason}");
        }
    }
}
