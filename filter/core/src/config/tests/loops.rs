//! A policy must not name the proxy as its own backend.

use super::*;

/// Fronts at `main.example:5000`, with passwords at `locked.example`, with tokens at
/// `tokens.example`.
fn policy(backend: &str, store: &str, verifier: &str) -> String {
    format!(
        r#"{{"version": 1,
        "fronts": {{
            "main": {{"hosts": ["main.example:5000", "[::1]:5000"], "upstreams": {{"u": {{"hosts": ["u.main.example"]}}}}}},
            "locked": {{"hosts": ["locked.example"], "auth": {{"basic": {{"verifier": "{verifier}"}}}}}},
            "tokens": {{"hosts": ["tokens.example"], "auth": {{"upstream": {{"login": "t"}}}}}}
        }},
        "backends": {{"a": {backend}, "t": {{"url": "https://t.example", "auth": "token"}}}},
        "blob_stores": {{"s": {{"url": "{store}"}}}},
        "regions": {{"default": {{}}}},
        "rules": [{{"name": "r", "fronts": ["main", "locked"], "repositories": ["x/**"], "chains": {{"default": ["a"]}}}},
                  {{"name": "t", "fronts": ["tokens"], "repositories": ["t/**"], "chains": {{"default": ["t"]}}}}]}}"#
    )
}

#[test]
fn nothing_leads_back_to_a_front() {
    const STORE: &str = "https://s.example/{digest}";
    const VERIFIER: &str = "http://127.0.0.1:9080";
    const BACKEND: &str = "backends.a.url: `";
    const REALM: &str = "backends.a.auth.token.realm: the front `";
    const VERIFIED: &str = "fronts.locked.auth.basic.verifier: the front `locked`";
    const STORED: &str = "blob_stores.s.url: the front `main`";
    let url = |url: &str| format!(r#"{{"url": "{url}"}}"#);
    let realm = |url: &str| {
        format!(r#"{{"url": "https://a.example", "auth": {{"token": {{"realm": "{url}"}}}}}}"#)
    };
    let good = url("https://a.example");
    #[rustfmt::skip]
    let rows = [
        (good.clone(), STORE, VERIFIER, "", "everybody is somebody else"),
        (url("http://main.example:5000"), STORE, VERIFIER, BACKEND, "a front"),
        (url("https://MAIN.example:5000/mirror"), STORE, VERIFIER, BACKEND, "whatever the scheme, the case, the path"),
        (url("http://[::1]:5000"), STORE, VERIFIER, BACKEND, "an address"),
        (url("https://locked.example:443"), STORE, VERIFIER, BACKEND, "another front, its port written"),
        (url("http://locked.example"), STORE, VERIFIER, BACKEND, "ports 80 and 443 are one, as for clients"),
        (url("https://u.main.example"), STORE, VERIFIER, BACKEND, "a host that names an upstream"),
        (url("http://main.example:5001"), STORE, VERIFIER, "", "another port"),
        (url("https://main.example"), STORE, VERIFIER, "", "another port, the scheme's own"),
        (realm("https://tokens.example/portolan/token"), STORE, VERIFIER, REALM, "a front's token endpoint"),
        (realm("https://tokens.example/portolan/token/u?x=y"), STORE, VERIFIER, REALM, "with an upstream"),
        (realm("http://main.example:5000/v2/auth"), STORE, VERIFIER, REALM, "the registry API"),
        (realm("https://locked.example/service/token"), STORE, VERIFIER, "", "something beside the front at its host"),
        (realm("https://locked.example/portolanx"), STORE, VERIFIER, "", "only looks like it"),
        (good.clone(), STORE, "https://locked.example", VERIFIED, "who asks for passwords cannot be asked"),
        (good.clone(), STORE, "https://locked.example/v2", VERIFIED, "nor as a registry"),
        (good.clone(), STORE, "https://tokens.example/v2", "", "a front that asks a registry"),
        (good.clone(), "http://main.example:5000/v2/x/y/blobs/{digest}", VERIFIER, STORED, "blobs of a front"),
        (good, "http://main.example:5000/blobs/{digest}", VERIFIER, "", "something beside the front at its host"),
    ];
    for (backend, store, verifier, expected, reason) in rows {
        let found = mistakes(&policy(&backend, store, verifier));
        let as_wanted = match expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{reason}: {backend} {store} {verifier}\nfound: {found:#?}");
    }
}

#[test]
fn an_upstream_that_is_a_front_is_told_where_it_is_written() {
    let found = mistakes(
        r#"{"version": 1, "fronts": {"m": {"hosts": ["m.example"], "upstreams": {"quay.io": {"backend": "https://m.example"}}}},
            "regions": {"default": {}}}"#,
    );
    let start = "fronts.m.upstreams[\"quay.io\"].backend: `m.example` is a host of the front `m`";
    assert!(found.len() == 1 && found[0].starts_with(start), "{found:#?}");
}
