//! Redirects that registries and content delivery networks send, and where each leads.

use proptest::prelude::*;

use super::*;

const HOSTS: &str = "cdn.example *.r2.example cdn.example:8443 minio 10.0.0.1:9000";

fn asked(plain: bool) -> RedirectStep<'static> {
    RedirectStep {
        key: "ghcr",
        origin: "https://ghcr.io".into(),
        target: b"/v2/acme/a/blobs/x?y=z"[..].into(),
        bounds: Bounds { plain, hosts: HOSTS },
        steps: 0,
    }
}

fn led(from: &RedirectStep<'_>, location: &[u8]) -> Result<String, RedirectDenied> {
    from.follow(Some(location)).map(|next| String::from_utf8(next.url()).unwrap())
}

#[test]
fn targets_of_redirects() {
    let elsewhere = |host: &str| Err(RedirectDenied::Host(host.to_owned()));
    let there = |url: &str| Ok(url.to_owned());
    #[rustfmt::skip]
    let rows = [
        ("https://cdn.example/b?X-Sig=a%2f%2Fb+c~&&e=", there("https://cdn.example/b?X-Sig=a%2f%2Fb+c~&&e="), "no byte of what is signed changes"),
        ("https://cdn.example/a/../b//c", there("https://cdn.example/a/../b//c"), "nor of the path"),
        ("HTTPS://CDN.Example:443/b", there("https://cdn.example/b"), "case and port"),
        ("//cdn.example/b", there("https://cdn.example/b"), "the scheme of who was asked"),
        ("https://cdn.example?b", there("https://cdn.example/?b"), "no path"),
        ("https://cdn.example/b?c#d", there("https://cdn.example/b?c"), "a fragment is not asked for"),
        ("https://cdn.example/#/b", there("https://cdn.example/"), "a fragment is not asked for"),
        ("https://a.b.r2.example/x", there("https://a.b.r2.example/x"), "below an allowed host"),
        ("https://cdn.example:8443/b", there("https://cdn.example:8443/b"), "an allowed port"),
        ("https://minio/b", there("https://minio/b"), "an allowed host of one label"),
        ("https://10.0.0.1:9000/b", there("https://10.0.0.1:9000/b"), "an allowed address"),

        ("https://cdn2.example/b", elsewhere("cdn2.example"), "another host"),
        ("https://cdn.example:8444/b", elsewhere("cdn.example:8444"), "another port"),
        ("https://cdn.example.evil/b", elsewhere("cdn.example.evil"), "a host that starts alike"),
        ("https://evilr2.example/b", elsewhere("evilr2.example"), "a host that ends alike"),
        ("https://r2.example/b", elsewhere("r2.example"), "not below"),
        ("https://169.254.169.254/latest/meta-data/", elsewhere("169.254.169.254"), "the cloud's own secrets"),
        ("https://[::1]/b", elsewhere("[::1]"), "oneself"),
        ("/artifacts-downloads/b", elsewhere("ghcr.io"), "the backend's own host is a host like any"),
        ("b", elsewhere("ghcr.io"), "relative"),
        ("?b", elsewhere("ghcr.io"), "relative"),

        ("http://cdn.example/b", Err(RedirectDenied::Unencrypted), "no TLS"),
        ("ftp://cdn.example/b", Err(RedirectDenied::Unencrypted), "another scheme"),
        ("javascript:alert(1)", Err(RedirectDenied::Unencrypted), "another scheme"),
        ("https:/cdn.example/b", Err(RedirectDenied::Unreadable), "a slash is missing"),
        ("https:b", Err(RedirectDenied::Unreadable), "two slashes are missing"),
        ("https:///b", Err(RedirectDenied::Unreadable), "no host"),
        ("https://user:secret@cdn.example/b", Err(RedirectDenied::Unreadable), "credentials"),
        ("https://cdn.example@evil.example/b", Err(RedirectDenied::Unreadable), "a trick"),
        ("https://evil.example\\@cdn.example/b", Err(RedirectDenied::Unreadable), "a trick on those who read a backslash as a slash"),
        ("https://cdn.example:/b", Err(RedirectDenied::Unreadable), "no port"),
        ("https://cdn.example:99999/b", Err(RedirectDenied::Unreadable), "no such port"),
        ("https://cdn%2eexample/b", Err(RedirectDenied::Unreadable), "an escape in the host"),
        ("https://cdn.example,https://cdn.example/b", Err(RedirectDenied::Unreadable), "two, of which Envoy made one"),
        ("https://cdn.example/b c?d=\u{e9} f", there("https://cdn.example/b%20c?d=%C3%A9%20f"), "raw bytes, as clients send them"),
        ("https://cdn.example /b", Err(RedirectDenied::Unreadable), "a space in the host"),
        ("https://cdn.example\u{e9}/b", Err(RedirectDenied::Unreadable), "no ASCII in the host"),
        (" https://cdn.example/b", elsewhere("ghcr.io"), "a space makes it a path of the backend's own"),
        ("https://cdn.example/b\tc", there("https://cdn.example/b%09c"), "a tab"),
        ("https://cdn.example/b\r\nx-evil: 1", Err(RedirectDenied::Unreadable), "another header"),
        ("", Err(RedirectDenied::Unreadable), "nothing"),
    ];
    for (location, expected, reason) in rows {
        assert_eq!(led(&asked(false), location.as_bytes()), expected, "{location}: {reason}");
    }
    assert_eq!(asked(false).follow(None), Err(RedirectDenied::Unreadable), "no header at all");
    assert_eq!(led(&asked(false), b"https://cdn.example/\xff"), there("https://cdn.example/%FF"));
}

#[test]
fn without_tls_only_where_that_is_allowed() {
    let from = RedirectStep { origin: "http://registry:5000".into(), ..asked(true) };
    #[rustfmt::skip]
    let rows = [
        ("http://minio/b", Ok(("http://minio/b", "ghcr@redirects-http")), "the scheme's own port"),
        ("http://minio:80/b", Ok(("http://minio/b", "ghcr@redirects-http")), "the same, written out"),
        ("//minio/b", Ok(("http://minio/b", "ghcr@redirects-http")), "the scheme of who was asked"),
        ("https://minio/b", Ok(("https://minio/b", "ghcr@redirects")), "better than was needed"),
        ("http://minio:443/b", Err(RedirectDenied::Host("minio:443".to_owned())), "the other scheme's port"),
        ("http://10.0.0.1:9000/b", Ok(("http://10.0.0.1:9000/b", "ghcr@redirects-http")), "an address"),
        ("/b", Err(RedirectDenied::Host("registry:5000".to_owned())), "not allowed"),
    ];
    for (location, expected, reason) in rows {
        let found = from.follow(Some(location.as_bytes()));
        let found = found.map(|next| (String::from_utf8(next.url()).unwrap(), next.cluster()));
        let expected = expected.map(|(url, cluster)| (url.to_owned(), cluster.to_owned()));
        assert_eq!(found, expected, "{location}: {reason}");
    }
}

#[test]
fn a_chain_goes_on_from_where_it_is() {
    let first = asked(false).follow(Some(b"https://cdn.example/a/b?c=%2F")).unwrap();
    let property = first.print();
    let read = RedirectStep::parse(&property).unwrap();
    assert_eq!(read, first);
    assert_eq!(led(&read, b"../d?e"), Ok("https://cdn.example/d?e".to_owned()));
    assert_eq!(led(&read, b"//x.r2.example/f"), Ok("https://x.r2.example/f".to_owned()));
    assert_eq!(
        led(&read, b"https://evil.example/"),
        Err(RedirectDenied::Host("evil.example".to_owned()))
    );
}

#[test]
fn a_chain_has_an_end() {
    let mut property = asked(false).print();
    for step in 1..=MOST_STEPS {
        let from = RedirectStep::parse(&property).unwrap();
        let next = from.follow(Some(b"https://cdn.example/on")).unwrap();
        assert_eq!(next.steps, step);
        property = next.print();
    }
    let last = RedirectStep::parse(&property).unwrap();
    assert_eq!(led(&last, b"https://cdn.example/on"), Err(RedirectDenied::TooMany));
    let mut full = asked(false);
    full.steps = u8::MAX;
    assert_eq!(led(&full, b"https://cdn.example/on"), Err(RedirectDenied::TooMany));
}

#[test]
fn junk_is_no_step() {
    let whole = asked(false).print();
    assert_eq!(RedirectStep::parse(&whole), Some(asked(false)));
    for end in 0..whole.len() {
        assert_eq!(RedirectStep::parse(&whole[..end]), None, "{end} bytes");
    }
    let rows: [&[&[u8]]; 4] = [
        &[b"ghcr", b"https://ghcr.io", b"/x", b"https", b"a.b"],
        &[b"ghcr", b"https://ghcr.io", b"/x", b"ftp", b"a.b", b"\x01"],
        &[b"ghcr", b"https://ghcr.io", b"/x", b"https", b"a.b", b"12"],
        &[b"\xff", b"https://ghcr.io", b"/x", b"https", b"a.b", b"\x01"],
    ];
    for fields in rows {
        let mut property = Vec::new();
        encoding::write(&mut property, Kind::Step, fields.iter().copied());
        assert_eq!(RedirectStep::parse(&property), None, "{fields:?}");
    }
}

#[test]
fn the_policy_as_fields() {
    let rows: [(Redirection<'_>, &[&str]); 4] = [
        (Redirection::Unwatched, &[""]),
        (Redirection::Passed { authority: "quay.io".into() }, &["pass", "quay.io"]),
        (
            Redirection::Followed {
                key: "pass",
                origin: "http://r:5000".into(),
                bounds: Bounds { plain: true, hosts: "a.b *.c.d" },
            },
            &["follow", "pass", "http://r:5000", "http", "a.b *.c.d"],
        ),
        (
            Redirection::Followed {
                key: "ghcr~1",
                origin: "https://ghcr.io".into(),
                bounds: Bounds { plain: false, hosts: "a.b" },
            },
            &["follow", "ghcr~1", "https://ghcr.io", "https", "a.b"],
        ),
    ];
    let read = |property: &[u8]| {
        let (_, mut fields) = encoding::records(property).next().unwrap();
        Redirection::read(&mut fields).map(|found| format!("{found:?}"))
    };
    for (redirection, words) in rows {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert!(redirection.fields().eq(words.iter().copied()), "{redirection:?}");
        let mut property = Vec::new();
        encoding::write(&mut property, Kind::Request, words.into_iter());
        assert_eq!(read(&property), Some(format!("{redirection:?}")));
    }
    for junk in
        [&[][..], &["passed"], &["pass"], &["follow", "a"], &["follow", "a", "b", "ftp", "c"]]
    {
        let mut property = Vec::new();
        let fields = junk.iter().map(|word: &&str| word.as_bytes());
        encoding::write(&mut property, Kind::Request, fields);
        assert_eq!(read(&property), None, "{junk:?}");
    }
}

#[test]
fn statuses() {
    for status in 100..600 {
        assert_eq!(is_redirect(status), [301, 302, 303, 307, 308].contains(&status), "{status}");
        let content = [200, 203, 206, 304, 416].contains(&status);
        assert_eq!(is_delivered(status), content, "{status}");
    }
}

#[test]
fn clients_get_only_content_headers_of_a_redirect_target() {
    let kept = "content-length content-type content-range content-encoding content-disposition etag age date \
                last-modified cache-control accept-ranges docker-content-digest :status repr-digest";
    for name in kept.split_whitespace() {
        assert!(is_about_content(name.as_bytes()), "{name}");
    }
    let left = "www-authenticate proxy-authenticate location link set-cookie access-control-allow-origin via \
                x-cache server-timing x-amz-request-id oci-namespace oci-subject authentication-info warning \
                timing-allow-origin service-worker-allowed sourcemap proxy-status retry-after docker-upload-uuid";
    for name in left.split_whitespace() {
        assert!(!is_about_content(name.as_bytes()), "{name}");
    }
}

#[test]
fn redirect_targets_get_only_headers_about_the_bytes() {
    for kept in
        [":path", ":authority", "range", "if-none-match", "if-range", "accept", "user-agent"]
    {
        assert!(is_for_delivery(kept.as_bytes()), "{kept}");
    }
    let left = [
        "authorization",
        "cookie",
        "proxy-authorization",
        "x-api-key",
        "referer",
        "x-forwarded-for",
        "x-envoy-original-url",
        "x-geo-country",
        "cf-ipcountry",
        "x-portolan-credential",
        "origin",
        "",
    ];
    for name in left {
        assert!(!is_for_delivery(name.as_bytes()), "{name}");
    }
}

/// What evil or broken servers are made of.
fn any_location() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        "(https?|ftp)?:?/{0,3}",
        "(cdn\\.example|evil|ghcr\\.io|x\\.r2\\.example|minio|10\\.0\\.0\\.1)",
        "[@:#?/\\\\%. ,a-z0-9\\[\\]*-]{0,6}",
        ":(443|80|8443|9000)?",
    ];
    let text = prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat().into_bytes());
    prop_oneof![text, prop::collection::vec(any::<u8>(), 0..24)]
}

proptest! {
    /// Whatever a `Location` says, the URL is at an allowed host, and has but that one reading.
    #[test]
    fn no_redirect_leaves_the_hosts_of_the_policy(location in any_location(), plain in any::<bool>()) {
        let Ok(next) = asked(plain).follow(Some(&location)) else { return Ok(()) };
        let url = String::from_utf8(next.url()).unwrap();
        let (scheme, rest) = url.split_once("://").unwrap();
        prop_assert!(scheme == "https" || (plain && scheme == "http"), "{}", url);
        let authority = rest.split('/').next().unwrap();
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, ""));
        let allowed = match port {
            "" => host == "cdn.example" || host == "minio" || host.ends_with(".r2.example"),
            "8443" => host == "cdn.example",
            "9000" => host == "10.0.0.1",
            _ => false,
        };
        prop_assert!(allowed, "{}", url);
        prop_assert!(!authority.contains(['@', '\\', '%', '?', '#', ' ', ',']), "{}", url);
        prop_assert!(url.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{}", url);
        prop_assert!(!url.contains('#'), "{}", url);
        let property = next.print();
        prop_assert_eq!(RedirectStep::parse(&property), Some(next));
    }
}
