//! A host, with or without a port, at which a front is served.

use crate::config::advice;
use crate::config::backend_url::{is_host_name, parse_port};
use crate::config::wanted::Wanted;

/// `host[:port]` as clients send it, in the one form in which it is compared.
///
/// Host names are case-insensitive (RFC 3986 section 3.2.2), a trailing dot means the same host,
/// and the default ports of HTTP and HTTPS may be written or left out; a colon alone says no port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FrontHost(String);

/// What to write where one host is expected.
pub(crate) const WANTED: Wanted<'static> = Wanted::explained(
    "`host` or `host:port` as clients send it, such as `registry.example.com`",
    advice::host::why,
);
/// What to write where hosts are expected.
pub(crate) const WANTED_LIST: &str =
    "a list of hosts as clients send them, such as `registry.example.com`";

impl FrontHost {
    /// Reads a host of the policy.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let host = Self::of_authority(text.as_bytes()).filter(|_| !text.ends_with(':'))?;
        let (name, port) = host.split();
        let valid = name.starts_with('[') || is_host_name(name);
        let port_valid = port.is_none_or(|port| parse_port(port).is_some());
        (valid && port_valid).then_some(host)
    }

    /// The comparable form of a request's authority; `None` for what cannot be one.
    ///
    /// Nothing is checked beyond that: what is not declared is not found.
    #[must_use]
    pub fn of_authority(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| text.is_ascii())?;
        let mut host = Self(text.to_ascii_lowercase());
        let (name, port) = host.split();
        let bare = name.strip_suffix('.').unwrap_or(name);
        // Nearly every request has this form already, and keeps the one copy that is made of it.
        match port {
            None | Some("80" | "443" | "") => host.0.truncate(bare.len()),
            Some(port) if bare.len() < name.len() => host = Self(format!("{bare}:{port}")),
            Some(_) => {}
        }
        Some(host)
    }

    /// Whether an authority can be one at all: one host, and nobody before it. Envoy joins several
    /// `Host` lines with commas; a request with two is an error, whoever is asked (RFC 9112 section
    /// 3.2).
    #[must_use]
    pub fn can_be(authority: &[u8]) -> bool {
        !authority.iter().any(|byte| matches!(byte, b',' | b'@' | b' ' | b'\t'))
    }

    /// The host in its comparable form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host without its port, an IPv6 address with its brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        self.split().0
    }

    /// Host and port; the colons inside an IPv6 address's brackets are not a port's.
    fn split(&self) -> (&str, Option<&str>) {
        match self.0.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (host, Some(port)),
            _ => (&self.0, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_authorities_have_one_form() {
        let rows = [
            ("registry.example.com", "registry.example.com"),
            ("Registry.Example.COM", "registry.example.com"),
            ("registry.example.com:443", "registry.example.com"),
            ("registry.example.com:80", "registry.example.com"),
            ("registry.example.com.", "registry.example.com"),
            ("registry.example.com:", "registry.example.com"),
            ("registry.example.com.:", "registry.example.com"),
            ("registry.example.com.:8443", "registry.example.com:8443"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("[::1]:443", "[::1]"),
            ("[::1]", "[::1]"),
        ];
        for (authority, expected) in rows {
            let found = FrontHost::of_authority(authority.as_bytes()).unwrap();
            assert_eq!(found.as_str(), expected, "{authority}");
            assert!(FrontHost::can_be(authority.as_bytes()), "{authority}");
        }
    }

    #[test]
    fn a_policy_cannot_declare_what_no_client_sends() {
        for text in
            ["", "https://registry.example.com", "a b", "a/b", "a:", "a:0", "a:x", "é", "-a"]
        {
            assert_eq!(FrontHost::parse(text), None, "{text}");
        }
    }

    #[test]
    fn two_hosts_are_no_host() {
        let rows = ["a.example,b.example", "a.example, a.example", "user@a.example", "a b", "a\tb"];
        for authority in rows {
            assert!(!FrontHost::can_be(authority.as_bytes()), "{authority}");
        }
        assert!(FrontHost::can_be(b""), "HTTP/1.0 has none");
    }

    #[test]
    fn bytes_that_are_no_host_are_no_host() {
        assert_eq!(FrontHost::of_authority(b"\xff\xfe"), None);
    }
}
