//! What becomes of a backend's redirects to where its blobs are.

use super::ids::RegionId;

/// Who fetches what a backend redirects to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Redirect {
    /// The client; it is given the URL untouched.
    #[default]
    Pass,
    /// The proxy; the bytes come through the front.
    Follow,
}

/// A backend's redirects, for each region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redirects {
    /// One per region, found by its id.
    pub(crate) by_region: Vec<Redirect>,
    pub(crate) hosts: Vec<RedirectHost>,
    pub(crate) private_addresses: bool,
}

impl Redirects {
    /// What becomes of a redirect for clients of a region.
    #[must_use]
    pub fn of(&self, region: RegionId) -> Redirect {
        self.by_region.get(region.index()).copied().unwrap_or_default()
    }

    /// Whether any region has redirects followed.
    #[must_use]
    pub fn any_followed(&self) -> bool {
        self.by_region.contains(&Redirect::Follow)
    }

    /// The hosts that the proxy may follow to, and no others.
    #[must_use]
    pub fn hosts(&self) -> &[RedirectHost] {
        &self.hosts
    }

    /// Whether such a host may have an address of a private network.
    #[must_use]
    pub const fn private_addresses(&self) -> bool {
        self.private_addresses
    }
}

/// A host that redirects may be followed to: `cdn.example.com`, with a port where it has its own,
/// or all hosts below one: `*.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RedirectHost(String);

/// What to write where such a host is expected.
pub(crate) const WANTED_HOST: &str =
    "`host`, `host:port` or `*.host`, such as `cdn01.quay.io` or `*.r2.cloudflarestorage.com`";

impl RedirectHost {
    /// Reads a host. A `*` stands for one component or more, and needs two behind it: a policy
    /// that follows to all of `.com` follows to anybody.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let host = text.strip_prefix("*.").unwrap_or(text);
        let is_pattern = host.len() < text.len();
        let known = super::front_host::FrontHost::parse(host)?;
        let plain = known.as_str() == host || format!("{}:443", known.as_str()) == host;
        (plain && (!is_pattern || host.contains('.'))).then(|| Self(text.to_owned()))
    }

    /// The host as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a request's authority is this host, with or without the port of `https`.
    #[must_use]
    pub fn matches(&self, authority: &str) -> bool {
        let authority = authority.to_ascii_lowercase();
        let bare = |text: &str| text.strip_suffix(":443").unwrap_or(text).to_owned();
        let (own, asked) = (bare(&self.0), bare(&authority));
        match own.strip_prefix('*') {
            Some(suffix) => asked.len() > suffix.len() && asked.ends_with(suffix),
            None => asked == own,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for good in ["cdn01.quay.io", "cdn.example:8443", "*.r2.example.com", "*.s3.example:9000"] {
            assert!(RedirectHost::parse(good).is_some(), "{good}");
        }
        for bad in ["", "*", "*.com", "https://a", "a/b", "CDN.example", "a.*.b", "**.a.b", "x y"] {
            assert!(RedirectHost::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn matching() {
        #[rustfmt::skip]
        let rows = [
            ("cdn.example", "cdn.example", true, "itself"),
            ("cdn.example", "CDN.example:443", true, "case and port"),
            ("cdn.example", "cdn.example:80", false, "another port"),
            ("cdn.example", "x.cdn.example", false, "below it"),
            ("*.cdn.example", "a.cdn.example", true, "below it"),
            ("*.cdn.example", "a.b.cdn.example:443", true, "further below"),
            ("*.cdn.example", "cdn.example", false, "not below"),
            ("*.cdn.example", "evilcdn.example", false, "not a component"),
            ("cdn.example:9000", "cdn.example:9000", true, "its own port"),
            ("cdn.example:9000", "cdn.example", false, "no port"),
        ];
        for (host, authority, expected, reason) in rows {
            let found = RedirectHost::parse(host).unwrap().matches(authority);
            assert_eq!(found, expected, "{host} {authority}: {reason}");
        }
    }
}
