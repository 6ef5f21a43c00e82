//! Where a redirect of a registry leads, on the bytes of its `Location`.
//!
//! Whatever is followed leads over TLS to a host that the policy names, with a path and nothing
//! that a server or a proxy could read as another host. This is the proxy's bound against SSRF by
//! redirects; the host is checked here by other means than there.

#![no_main]

use libfuzzer_sys::fuzz_target;
use portolan_core::attempt::{Bounds, RedirectStep};

fuzz_target!(|location: &[u8]| {
    for plain in [false, true] {
        let bounds = Bounds { plain, hosts: "cdn.example *.r2.example" };
        let redirect = RedirectStep {
            key: "ghcr",
            origin: "https://ghcr.example".into(),
            target: b"/v2/acme/app/blobs/sha256:0?x=1"[..].into(),
            bounds,
            steps: 0,
        };
        if let Ok(next) = redirect.follow(Some(location)) {
            check(&next, plain);
        }
    }
});

fn check(next: &RedirectStep<'_>, plain: bool) {
    let (scheme, host) = next.origin.split_once("://").expect("an origin");
    assert!(scheme == "https" || plain && scheme == "http", "{next:?}");
    let is_below = |host: &str| host.strip_suffix(".r2.example").is_some_and(|own| !own.is_empty());
    assert!(host == "cdn.example" || is_below(host), "{next:?}");
    assert!(
        host.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
    );

    assert!(next.target.starts_with(b"/"), "{next:?}");
    assert!(next.target.iter().all(|byte| byte.is_ascii_graphic() && *byte != b'#'), "{next:?}");
    assert_eq!((next.key, next.bounds.hosts), ("ghcr", "cdn.example *.r2.example"));

    let printed = next.print();
    assert_eq!(RedirectStep::parse(&printed).as_ref(), Some(next), "a step is read as it was written");
    assert_eq!(next.url(), [next.origin.as_bytes(), &next.target].concat());
}
