//! The URL of a backend: `scheme://host[:port][/base/path]`.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

/// How a backend is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scheme {
    /// Plain HTTP; for registries on the same host or in the same trusted network.
    Http,
    /// HTTP over TLS, the certificate always verified.
    Https,
}

impl Scheme {
    /// The port that a URL of this scheme means when it names none (RFC 9110 section 4.2).
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }

    /// The scheme of a URL that may be written in any case (RFC 3986 section 3.1); `None` for any
    /// but these two.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        [Self::Http, Self::Https].into_iter().find(|one| text.eq_ignore_ascii_case(one.as_str()))
    }

    /// The scheme as it stands in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// The URL of a backend, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BackendUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    authority: String,
    base_path: String,
}

/// Where a user name and a password belong that were written into the URL of a backend.
pub(crate) const WANTED_FOR_LOGIN: &str =
    "write them into a file of `credentials`, and its name as the backend's `credential`";

impl BackendUrl {
    /// Reads a URL; anything but scheme, host, port and a plain base path is refused.
    ///
    /// Credentials in a URL end up in logs and in configuration dumps, so they have no place
    /// here at all.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = match scheme {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, path),
            None => (rest, ""),
        };
        let (host, port) = split_authority(authority)?;
        let host = host.to_ascii_lowercase();
        let port = match port {
            Some(text) => parse_port(text)?,
            None => scheme.default_port(),
        };
        Some(Self {
            scheme,
            authority: print_authority(&host, port, scheme),
            host,
            port,
            base_path: parse_base_path(path)?,
        })
    }

    /// Plain or over TLS.
    #[must_use]
    pub const fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, lower case, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The TCP port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// `host[:port]` as it is sent upstream: the scheme's own port is left out.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// `scheme://host[:port]`, as a URL begins.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme.as_str(), self.authority)
    }

    /// The path before `/v2/`: empty, or segments each with a leading slash (`/mirror`).
    #[must_use]
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// Whether `host[:port]` of a URL with `scheme` means this backend, also in forms that a client
    /// may well read so and that nothing should be sent to.
    ///
    /// A registry behind a TLS terminator often writes its own host with the wrong scheme, so
    /// the two default ports count as one another.
    #[must_use]
    pub fn is_at(&self, scheme: Scheme, authority: &str) -> bool {
        let authority = without_empty_parts(authority);
        let Some((host, port)) = split_authority(&authority) else { return false };
        let Some(port) = port.map_or(Some(scheme.default_port()), parse_port) else { return false };
        let both_default = port == scheme.default_port() && self.port == self.scheme.default_port();
        host.eq_ignore_ascii_case(&self.host) && (port == self.port || both_default)
    }
}

/// `host[:port]` of a URL in the one form in which it is compared: lower case, without the scheme's
/// own port. `None` for what no request can be sent to, such as an authority with credentials in
/// it.
#[must_use]
pub fn canonical_authority(scheme: Scheme, authority: &str) -> Option<String> {
    let (host, port) = split_authority(authority)?;
    let port = port.map_or(Some(scheme.default_port()), parse_port)?;
    Some(print_authority(&host.to_ascii_lowercase(), port, scheme))
}

/// `host[:port]` of a URL as hosts are compared: who stands before an `@` is no part of it, a colon
/// without a port says nothing (RFC 3986 section 3.2.3), and a last dot only that the name is a
/// whole one.
fn without_empty_parts(authority: &str) -> Cow<'_, str> {
    let host = authority.rsplit('@').next().unwrap_or_default();
    let host = host.strip_suffix(':').unwrap_or(host);
    match host.rsplit_once(':') {
        Some((name, port)) if name.ends_with('.') => {
            Cow::Owned(format!("{}:{port}", name.strip_suffix('.').unwrap_or(name)))
        }
        _ => Cow::Borrowed(host.strip_suffix('.').unwrap_or(host)),
    }
}

/// Splits `host[:port]`; a bracketed IPv6 address loses its brackets.
fn split_authority(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port))),
            None if after.is_empty() => Some((host, None)),
            None => None,
        };
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    is_host_name(host).then_some((host, port))
}

/// A DNS name or an IPv4 address: labels of letters, digits and inner hyphens (RFC 1123
/// section 2.1); the underscore is allowed because container networks use it.
pub(crate) fn is_host_name(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    host.len() <= 253 && host.split('.').all(label)
}

/// Decimal digits only: `str::parse` would take a leading `+`.
pub(crate) fn parse_port(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse::<u16>().ok()?;
    (digits && port != 0).then_some(port)
}

fn print_authority(host: &str, port: u16, scheme: Scheme) -> String {
    let host = match host.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => format!("[{host}]"),
        _ => host.to_owned(),
    };
    if port == scheme.default_port() { host } else { format!("{host}:{port}") }
}

/// `a/b` or `a/b/` becomes `/a/b`; nothing stays nothing.
fn parse_base_path(path: &str) -> Option<String> {
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Some(String::new());
    }
    let plain = |segment: &str| {
        !segment.is_empty()
            && segment != "."
            && segment != ".."
            && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    };
    path.split('/').all(plain).then(|| format!("/{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_backend_may_be() {
        let rows = [
            ("https://ghcr.io", "ghcr.io", 443, "ghcr.io", ""),
            ("https://GHCR.io/", "ghcr.io", 443, "ghcr.io", ""),
            ("http://127.0.0.1:5001", "127.0.0.1", 5001, "127.0.0.1:5001", ""),
            ("http://registry:80", "registry", 80, "registry", ""),
            ("https://registry:80", "registry", 80, "registry:80", ""),
            ("https://[2001:db8::1]:5000/a", "2001:db8::1", 5000, "[2001:db8::1]:5000", "/a"),
            ("https://[::1]", "::1", 443, "[::1]", ""),
            ("https://example.com/mirror/v1/", "example.com", 443, "example.com", "/mirror/v1"),
            ("http://my_registry:5000", "my_registry", 5000, "my_registry:5000", ""),
        ];
        for (text, host, port, authority, base_path) in rows {
            let url = BackendUrl::parse(text).unwrap_or_else(|| panic!("{text} was refused"));
            let found = (url.host(), url.port(), url.authority(), url.base_path());
            assert_eq!(found, (host, port, authority, base_path), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        let rows = [
            ("ghcr.io", "no scheme"),
            ("ftp://ghcr.io", "another scheme"),
            ("HTTPS://ghcr.io", "write it in lower case"),
            ("https://", "no host"),
            ("https:///v2", "no host"),
            ("https://user:secret@ghcr.io", "credentials leak into logs"),
            ("https://ghcr.io:0", "no such port"),
            ("https://ghcr.io:+443", "digits only"),
            ("https://ghcr.io:65536", "no such port"),
            ("https://ghcr.io:", "an empty port"),
            ("https://ghcr.io?x=1", "a query"),
            ("https://ghcr.io/a?x=1", "a query"),
            ("https://ghcr.io/a#b", "a fragment"),
            ("https://ghcr.io/a//b", "an empty segment"),
            ("https://ghcr.io/../b", "dot segments"),
            ("https://ghcr.io/%2e", "escapes"),
            ("https://-ghcr.io", "a label cannot start with a hyphen"),
            ("https://gh cr.io", "a space"),
            ("https://[::1", "no closing bracket"),
            ("https://[zz]", "not an IPv6 address"),
            ("https://[::1]x", "junk after the bracket"),
        ];
        for (text, reason) in rows {
            assert_eq!(BackendUrl::parse(text), None, "{text}: {reason}");
        }
    }

    #[test]
    fn authorities_have_one_form() {
        use Scheme::{Http, Https};
        let rows = [
            (
                Https,
                "CDN.example:443",
                Some("cdn.example"),
                "case, and a port that goes without saying",
            ),
            (Http, "cdn.example:80", Some("cdn.example"), "the same of the other scheme"),
            (Http, "cdn.example:443", Some("cdn.example:443"), "a port that does not"),
            (Https, "[2001:DB8::1]:8443", Some("[2001:db8::1]:8443"), "an IPv6 address"),
            (Https, "", None, "nothing"),
            (Https, "user:secret@cdn.example", None, "credentials"),
            (Https, "cdn.example@evil", None, "a host that only looks like another"),
            (Https, "cdn.example:", None, "no port"),
            (Https, "cdn.example:0", None, "no such port"),
            (Https, "cdn.example.", None, "no host of a policy is written so"),
            (Https, "cdn%2eexample", None, "escapes"),
        ];
        for (scheme, authority, expected, reason) in rows {
            let found = canonical_authority(scheme, authority);
            assert_eq!(found.as_deref(), expected, "{authority}: {reason}");
        }
        let schemes = ["http", "HTTPS", "ftp", ""].map(Scheme::of);
        assert_eq!(schemes, [Some(Http), Some(Https), None, None]);
    }

    #[test]
    fn knows_its_own_authority() {
        let rows = [
            ("https://ghcr.io", Scheme::Https, "ghcr.io", true, "itself"),
            ("https://ghcr.io", Scheme::Https, "GHCR.IO:443", true, "case and port written out"),
            ("https://ghcr.io", Scheme::Http, "ghcr.io", true, "a wrong scheme, default ports"),
            ("https://ghcr.io", Scheme::Http, "ghcr.io:443", true, "a wrong scheme, same port"),
            ("https://ghcr.io", Scheme::Https, "ghcr.io:8443", false, "another port"),
            ("https://ghcr.io", Scheme::Https, "xghcr.io", false, "another host"),
            ("https://ghcr.io", Scheme::Https, "ghcr.io@evil", false, "a trick"),
            ("http://r:5000", Scheme::Https, "r:5000", true, "X-Forwarded-Proto leaked in"),
            ("http://r:5000", Scheme::Http, "r", false, "port 80 is not 5000"),
            ("https://[::1]:5000", Scheme::Https, "[::1]:5000", true, "IPv6"),
            (
                "https://ghcr.io",
                Scheme::Https,
                "user:p@ghcr.io",
                true,
                "it is the host that counts",
            ),
            ("https://ghcr.io", Scheme::Https, "evil@x@ghcr.io", true, "behind the last of them"),
            ("https://ghcr.io", Scheme::Https, "ghcr.io.", true, "a whole name"),
            ("http://r:5000", Scheme::Http, "r.:5000", true, "a whole name, with a port"),
            ("https://ghcr.io", Scheme::Https, "ghcr.io:", true, "no port is its own"),
            ("https://ghcr.io", Scheme::Https, "ghcr.io..", false, "no name"),
            ("https://ghcr.io", Scheme::Https, "", false, "nobody"),
        ];
        for (url, scheme, authority, expected, reason) in rows {
            let url = BackendUrl::parse(url).unwrap();
            assert_eq!(url.is_at(scheme, authority), expected, "{authority}: {reason}");
        }
    }
}
