//! What a mistake's author is told: one line for one cause, nothing that opens more than was meant,
//! no password that was written in the wrong place.

use super::*;

#[test]
fn one_cause_is_one_line() {
    #[rustfmt::skip]
    let rows = [
        ("/rules/0/repositories", r#"["team/**x"]"#, "rules[0].repositories[0]: `team/**x` has `**` inside", "the list is not empty"),
        ("/rules/0/repositories", r#"["Team/**", "/team/**"]"#, "rules[0].repositories[0]", "each item, and no more"),
        ("/rules/0/repositories", "[]", "rules[0].repositories: is empty; write the repositories", "an empty one"),
        ("/fronts/main/hosts", r#"["https://x"]"#, "fronts.main.hosts[0]", "the list is not empty"),
        ("/backends/ghcr", r#"{"url": "https://ghcr.io", "redirect_handling": "follow", "followed_redirects": {"hosts": ["*.com"]}}"#, "backends.ghcr.followed_redirects.hosts[0]", "it says where to, wrongly"),
        ("/clients/trusted_proxies", r#"["10.1.2.3/8"]"#, "clients.trusted_proxies[0]", "the proxies are written"),
        ("/clients/geo/headers", r#"{"country": "CF-IPCountry"}"#, "clients.geo.headers.country", "a header is named"),
        ("/backends", "[]", "backends: is a list", "no name of a backend is wrong"),
        ("/backends", "{}", "backends: there is no backend", "nor where there is none"),
        ("/regions", r#"{"cn": {}}"#, "regions: there is no region `default`", "nor a chain's region"),
        ("/rules/1/name", "\"drycc\"", "rules[1].name: the name `drycc` already belongs to `rules[0]`", "which of two"),
    ];
    for (pointer, value, expected, reason) in rows {
        let found = mistakes(&with(pointer, value));
        let items = value.matches("am/**\"").count().max(1);
        assert_eq!(found.len(), items, "{pointer} = {value}: {reason}: {found:#?}");
        assert!(found[0].starts_with(expected), "{reason}\nwanted: {expected}\nfound: {found:#?}");
    }
}

/// The word that lets everybody in is never what is left to write.
#[test]
fn no_advice_opens_more_than_was_meant() {
    let policy = |auth: &str, rule: &str| {
        format!(
            r#"{{"version": 1, "fronts": {{"main": {{"hosts": ["r.example"], "auth": {auth}}}}},
            "credentials": {{"c": {{"file": "/c"}}}}, "networks": {{"office": ["10.0.0.0/8"]}},
            "backends": {{"a": {{"url": "https://a.example", "auth": "token", "credential": "c"}},
                          "open": {{"url": "https://open.example"}}}},
            "blob_stores": {{"s": {{"url": "https://s.example/{{digest}}"}}}},
            "regions": {{"default": {{}}}}, "rules": [{{"name": "r", "repositories": ["x/**"], {rule}}}]}}"#
        )
    };
    let basic = r#"{"basic": {"verifier": "http://127.0.0.1:9080"}}"#;
    let both = r#""chains": {"default": ["open"]}, "client_redirects": {"stores": "s"}"#;
    let limited = format!(r#"{both}, "readers": "authenticated""#);
    #[rustfmt::skip]
    let rows = [
        (basic, r#""chains": {"default": ["a"]}"#, "write `readers: authenticated`, `readers: {networks: [LABEL]}` or, if all that", "the narrowest first"),
        (basic, r#""chains": {"default": ["a"]}, "readers": "everyone""#, "write `authenticated`, `{networks: [LABEL]}` or, for everybody, `anyone`", "a word that is none"),
        (r#""managed""#, r#""chains": {"default": ["a"]}, "readers": "authenticated""#, "or write `readers: {networks: [LABEL]}`", "not just any others"),
        (basic, both, "leave `client_redirects` out, or write `readers: anyone` if", "what keeps it shut first"),
        (basic, &limited, "lets only some in; leave `client_redirects` out", "not the readers"),
        (r#""managed""#, r#""chains": {"default": ["open"]}, "owner": "open", "writers": "authenticated""#, "`open` takes pushes from everybody", "without `writers` anybody could push"),
        (basic, r#""chains": {"default": ["open"]}, "owner": "open", "writers": "authenticated""#, "have to prove who they are without this; leave `writers` out", "a front with passwords asks"),
        (basic, r#""chains": {"default": ["open"]}, "writers": "authenticated""#, "nobody can push", "no owner"),
        (basic, r#""fronts": [], "chains": {"default": ["open"]}"#, "write the fronts whose clients may see", "not to leave it out"),
    ];
    for (auth, rule, expected, reason) in rows {
        let found = mistakes(&policy(auth, rule));
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{reason}\nwanted: {expected}\nfound: {found:#?}"
        );
    }
}

/// Wherever a URL, or what could be one, may stand.
#[test]
fn a_password_in_a_url_is_told_and_never_shown() {
    let bad = "https://bob:secret@h.example";
    let upstreams =
        format!(r#"{{"hosts": ["r.example"], "upstreams": {{"u": {{"backend": "{bad}"}}}}}}"#);
    let verifier =
        format!(r#"{{"hosts": ["r.example"], "auth": {{"basic": {{"verifier": "{bad}"}}}}}}"#);
    let page = format!(r#"{{"hosts": ["r.example"], "landing": {{"/": "{bad}/x"}}}}"#);
    let named = format!(r#"{{"hosts": ["r.example"], "upstreams": {{"{bad}": {{}}}}}}"#);
    let realm =
        format!(r#"{{"url": "https://h", "auth": {{"token": {{"realm": "{bad}/token"}}}}}}"#);
    let credential =
        "write them into a file of `credentials`, and its name as the backend's `credential`";
    #[rustfmt::skip]
    let rows = [
        ("/backends/ghcr/url", format!("\"{bad}\""), credential, "a backend"),
        ("/backends/ghcr/url", r#""ftp://bob:secret@h""#.to_owned(), credential, "of a scheme that is none"),
        ("/backends/ghcr/url", r#""bob:secret@h:5000""#.to_owned(), credential, "without a scheme"),
        ("/backends/ghcr/url", r#""https://bob:se/secret@h""#.to_owned(), "`https://…@h` is not valid", "a password that ends the host"),
        ("/backends/hub", realm, "the service is asked with the backend's `credential`", "a realm"),
        ("/fronts/main", verifier, "the service is asked with the passwords of clients", "a verifier"),
        ("/fronts/main", upstreams, "write the registry as one of `backends`, with a `credential`", "an upstream"),
        ("/fronts/main", page, "everybody is sent there", "a page"),
        ("/fronts/main", named, "fronts.main.upstreams[\"https://…@h.example\"]: the name is not valid", "a name"),
        ("/fronts/main/hosts/0", format!("\"{bad}\""), "`https://…@h.example` is not valid", "a host"),
        ("/rules/0/owner", format!("\"{bad}\""), "there is no backend `https://…@h.example`", "a reference"),
        ("/rules/0/repositories/0", format!("\"{}{bad}\"", "x".repeat(40)), "…@h.example` is not valid", "a long value is cut behind it"),
        ("/clients/geo", format!(r#"{{"headers": {{"country": "{bad}"}}}}"#), "`https://…@h.example` is not valid", "anything else"),
    ];
    for (pointer, value, expected, reason) in rows {
        let found = mistakes(&with(pointer, &value));
        assert!(found.iter().any(|told| told.contains(expected)), "{reason}: {found:#?}");
        assert!(!found.iter().any(|told| told.contains("secret")), "{reason}: {found:#?}");
    }
    let mut policy: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    policy["blob_stores"] = serde_json::json!({"s": {"url": format!("{bad}/{{digest}}")}});
    let found = mistakes(&policy.to_string());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("blob_stores.s.url: has a user name or a password"), "{found:?}");
    assert!(!found[0].contains("secret"), "{found:?}");
}
