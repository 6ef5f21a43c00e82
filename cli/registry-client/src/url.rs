//! Where redirects lead.

use ureq::http::Uri;

/// What a URL must share with another so that credentials for the one may be sent to the other
/// (RFC 6454 section 4): scheme, host and port. Another port of the host is another server.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin {
    scheme: String,
    host: String,
    port: u16,
}

/// The origin of an absolute URL of scheme `http` or `https`; `None` of anything else.
pub(super) fn origin(url: &Uri) -> Option<Origin> {
    let scheme = url.scheme_str()?.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    let port = url.port_u16().unwrap_or(default_port);
    Some(Origin { scheme, host: url.host()?.to_ascii_lowercase(), port })
}

/// The host of a URL and its port, as they stand there.
pub fn authority(url: &Uri) -> &str {
    url.authority().map_or("", |authority| authority.as_str())
}

/// The host of a URL, an IPv6 address without its brackets.
pub fn host(url: &Uri) -> String {
    url.host().unwrap_or_default().trim_matches(['[', ']']).to_owned()
}

/// Reads an absolute URL of scheme `http` or `https`; `None` if it is none, or has credentials,
/// which would end up in the list of processes and in reports.
#[must_use]
pub fn absolute(text: &str) -> Option<Uri> {
    let url: Uri = text.parse().ok()?;
    let is_plain = origin(&url).is_some() && !authority(&url).contains('@');
    is_plain.then_some(url)
}

/// Where a `Location` leads, from the URL that was asked (RFC 9110 section 10.2.2; RFC 3986
/// section 5.2). `None` for what cannot be followed.
///
/// A path of its own replaces the old one without being tidied: no registry writes `..` there.
pub(super) fn resolve(from: &Uri, location: &str) -> Option<Uri> {
    let (scheme, host) = (from.scheme_str()?, authority(from));
    if let Some(rest) = location.strip_prefix("//") {
        return absolute(&format!("{scheme}://{rest}"));
    }
    if location.starts_with('/') {
        return absolute(&format!("{scheme}://{host}{location}"));
    }
    if let Some(query) = location.strip_prefix('?') {
        return absolute(&format!("{scheme}://{host}{}?{query}", from.path()));
    }
    if has_scheme(location) {
        return absolute(location);
    }
    let (directory, _) = from.path().rsplit_once('/')?;
    absolute(&format!("{scheme}://{host}{directory}/{location}"))
}

/// `ALPHA *( ALPHA / DIGIT / "+" / "-" / "." ) ":"` (RFC 3986 section 3.1)
fn has_scheme(reference: &str) -> bool {
    let scheme = reference.split_once(':').map(|(scheme, _)| scheme);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    scheme.is_some_and(|scheme| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && scheme.bytes().all(is_part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        let from: Uri = "https://r.example:5000/v2/a/blobs/sha256:00?x=1".parse().unwrap();
        #[rustfmt::skip]
        let rows = [
            ("https://cdn.example/b?sig=a%2Fb&e=1", Some("https://cdn.example/b?sig=a%2Fb&e=1"), "a signed URL, byte for byte"),
            ("http://cdn.example/b", Some("http://cdn.example/b"), "clients follow to plain HTTP: the digest is checked"),
            ("HTTPS://CDN.example/b", Some("https://CDN.example/b"), "case"),
            ("//cdn.example/b", Some("https://cdn.example/b"), "another host, the same scheme"),
            ("/v2/a/b", Some("https://r.example:5000/v2/a/b"), "another path"),
            ("other", Some("https://r.example:5000/v2/a/blobs/other"), "a sibling"),
            ("?y=2", Some("https://r.example:5000/v2/a/blobs/sha256:00?y=2"), "another query"),
            ("ftp://cdn.example/b", None, "another protocol"),
            ("data:,x", None, "no server at all"),
            ("https://user:pass@cdn.example/b", None, "credentials"),
            ("https:///b", None, "no host"),
            ("https://cdn.example/ b", None, "a space"),
        ];
        for (location, wanted, reason) in rows {
            let found = resolve(&from, location).map(|url| url.to_string());
            assert_eq!(found.as_deref(), wanted, "{location}: {reason}");
        }
    }

    #[test]
    fn origins() {
        let rows = [
            ("https://a.example/x", "https://A.example:443/y", true, "the same, written out"),
            ("https://a.example", "http://a.example", false, "in the clear"),
            ("http://a.example", "http://a.example:8080", false, "another port: another server"),
            ("http://a.example", "http://b.example", false, "another host"),
            ("http://a.example", "http://a.example.b.example", false, "a longer name"),
        ];
        for (left, right, wanted, reason) in rows {
            let of = |text: &str| origin(&text.parse().unwrap()).unwrap();
            assert_eq!(of(left) == of(right), wanted, "{reason}");
        }
    }
}
