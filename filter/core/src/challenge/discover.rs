//! The token service that the challenge of an upstream names.

use std::net::Ipv6Addr;

use super::parameters::Parameters;
use super::read::read;
use super::scheme::Challenge;

/// A token service, as an upstream's own challenge names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// Where tokens are asked for: an absolute URL, its scheme `http` or `https` in lower case,
    /// without credentials and fragment, perhaps with a query that every request needs.
    ///
    /// The upstream chose the host. Whether to talk to it is for the caller to decide.
    pub realm: String,
    /// What to send as `service`, if anything.
    pub service: Option<String>,
}

/// The token service that an upstream's answer to `GET /v2/` names: that of its first `Bearer`
/// challenge whose realm is an absolute URL without credentials. `None` if there is none, or if
/// any part of the header cannot be read.
#[must_use]
pub fn token_service(values: &[&[u8]]) -> Option<Discovered> {
    let challenges = read(values).ok()?;
    challenges.iter().find_map(|challenge| match challenge {
        Challenge::Bearer(parameters) => discovered(parameters),
        _ => None,
    })
}

fn discovered(parameters: &Parameters) -> Option<Discovered> {
    let realm = absolute_url(parameters.get("realm")?)?;
    let service = parameters.get("service").filter(|service| !service.is_empty());
    Some(Discovered { realm, service: service.map(str::to_owned) })
}

/// The URL without its fragment, which no server is sent (RFC 3986 section 3.5).
fn absolute_url(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = ["http", "https"].into_iter().find(|known| scheme.eq_ignore_ascii_case(known))?;
    let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, _) = rest.split_at_checked(end)?;
    let is_url = is_authority(authority) && rest.bytes().all(is_url_byte);
    is_url.then(|| format!("{scheme}://{rest}"))
}

/// `host [ ":" port ]` (RFC 3986 section 3.2). No `@`: what stands before one are credentials.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.bytes().all(is_host_byte),
    };
    is_host && port.is_none_or(is_port)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<u16>().is_ok_and(|port| port != 0)
}

/// Of a registered name without escapes, or an IPv4 address.
const fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_')
}

/// Visible ASCII without the characters that no URL has. Among them is the backslash, which
/// some readers take for a slash, so that `https://a.example\.b.example/` has two hosts.
const fn is_url_byte(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_services() {
        #[rustfmt::skip]
        let rows: &[(&[&str], Option<(&str, Option<&str>)>, &str)] = &[
            (&[r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io""#], Some(("https://auth.docker.io/token", Some("registry.docker.io"))), "Docker Hub"),
            (&[r#"Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull""#], Some(("https://ghcr.io/token", Some("ghcr.io"))), "GHCR: the placeholder is no part of it"),
            (&[r#"Bearer realm="https://gcr.io/v2/token",service=gcr.io"#], Some(("https://gcr.io/v2/token", Some("gcr.io"))), "unquoted"),
            (&[r#"Bearer realm="https://a.example/t""#], Some(("https://a.example/t", None)), "no service"),
            (&[r#"Bearer realm="https://a.example/t",service="""#], Some(("https://a.example/t", None)), "an empty one is none, as for the clients"),
            (&[r#"bearer REALM="HTTPS://A.example:8443""#], Some(("https://A.example:8443", None)), "case, a port, no path"),
            (&[r#"Bearer realm="http://[::1]:5001/auth?x=y&z=%20#part""#], Some(("http://[::1]:5001/auth?x=y&z=%20", None)), "the query stays, the fragment goes"),
            (&[r#"Bearer realm="https://a.example?x=y""#], Some(("https://a.example?x=y", None)), "a query after the host"),
            (&["Basic realm=\"https://b.example/\"", "Bearer realm=\"https://a.example/t\""], Some(("https://a.example/t", None)), "the second line"),
            (&[r#"Basic realm="x", Bearer realm="https://a.example/t""#], Some(("https://a.example/t", None)), "the second of a line"),
            (&[r#"Bearer realm="/token", Bearer realm="https://a.example/t""#], Some(("https://a.example/t", None)), "the first that will do"),
            (&[], None, "no header"),
            (&["Bearer"], None, "no realm"),
            (&[r#"Basic realm="https://a.example/t""#], None, "Basic has labels, no URLs"),
            (&[r#"Bearer realm="/token""#], None, "relative"),
            (&[r#"Bearer realm="//a.example/token""#], None, "scheme-relative"),
            (&[r#"Bearer realm="Registry Realm""#], None, "a label"),
            (&[r#"Bearer realm="ftp://a.example/t""#], None, "another scheme"),
            (&[r#"Bearer realm="https:///t""#], None, "no host"),
            (&[r#"Bearer realm="https://#a.example/t""#], None, "no host before the fragment"),
            (&[r#"Bearer realm="https://user:secret@a.example/t""#], None, "credentials"),
            (&[r#"Bearer realm="https://a.example\\@b.example/t""#], None, "a backslash: two readings of the host"),
            (&[r#"Bearer realm="https://a.example/\\..\\t""#], None, "a backslash in the path"),
            (&[r#"Bearer realm="https://a.example /t""#], None, "a space"),
            (&[r#"Bearer realm="https://:443/t""#], None, "a port without a host"),
            (&[r#"Bearer realm="https://a.example:0/t""#], None, "no port"),
            (&[r#"Bearer realm="https://a.example:+1/t""#], None, "no port"),
            (&[r#"Bearer realm="https://a.example:443:1/t""#], None, "two ports"),
            (&[r#"Bearer realm="https://[::1/t""#], None, "no closing bracket"),
            (&[r#"Bearer realm="https://[a.example]/t""#], None, "a name in brackets"),
            (&[r#"Bearer realm="https://[::1]a.example/t""#], None, "text after the brackets"),
            (&[r#"Bearer realm="https://%61.example/t""#], None, "an escape in the host"),
            (&[r#"Bearer realm="https://a.example/t"#], None, "no closing quote"),
            (&[r#"Bearer realm="https://a.example/t""#, "Basic realm=\""], None, "nothing of a header with an unreadable line"),
        ];
        for (values, wanted, reason) in rows {
            let bytes: Vec<&[u8]> = values.iter().map(|value| value.as_bytes()).collect();
            let found = token_service(&bytes);
            let found =
                found.as_ref().map(|found| (found.realm.as_str(), found.service.as_deref()));
            assert_eq!(found, *wanted, "{values:?}: {reason}");
        }
    }
}
