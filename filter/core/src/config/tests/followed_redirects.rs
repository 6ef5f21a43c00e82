//! Followed redirects: backends and hosts.

use super::*;

/// A backend whose redirects are followed to these hosts, in a policy with a front at
/// `registry.example.com` and one at any host.
fn mistakes_of(follow: &str) -> Vec<String> {
    let backend = format!(
        r#"{{"url": "https://ghcr.io", "redirect_handling": "follow", "followed_redirects": {follow}}}"#
    );
    mistakes(&with("/backends/ghcr", &backend))
}

#[test]
fn what_is_impossible_is_refused() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#"{"hosts": ["pkg-containers.githubusercontent.com", "*.r2.example.com:8443"]}"#, ""),
        (r#"{"hosts": ["10.0.0.1:9000"], "private_addresses": true, "ca_file": "/ca.pem"}"#, ""),
        (r#"{"hosts": ["registry.example.com:8443"]}"#, ""),
        (r#"{"hosts": ["10.0.0.1:9000"]}"#, "backends.ghcr.followed_redirects.hosts[0]: `10.0.0.1:9000` is an address; write the host's name, or `private_addresses: true`"),
        (r#"{"hosts": ["cdn.example", "[fd00::1]"]}"#, "backends.ghcr.followed_redirects.hosts[1]: `[fd00::1]` is an address"),
        (r#"{"hosts": ["*.example.com"]}"#, "backends.ghcr.followed_redirects.hosts[0]: `*.example.com` covers `registry.example.com`, which is a front"),
        (r#"{"hosts": ["registry.example.com"]}"#, "backends.ghcr.followed_redirects.hosts[0]: `registry.example.com` covers `registry.example.com`"),
        (r#"{"hosts": ["*.com"]}"#, "backends.ghcr.followed_redirects.hosts[0]: `*.com` means every host below `com`"),
        (r#"{"hosts": ["https://cdn.example"]}"#, "backends.ghcr.followed_redirects.hosts[0]: `https://cdn.example` is a URL; write its host: `cdn.example`"),
        (r#"{"hosts": []}"#, "backends.ghcr.redirect_handling: says nowhere to"),
        (r#"{"hosts": ["cdn.example"], "https": false}"#, "backends.ghcr.followed_redirects"),
    ];
    for (follow, expected) in rows {
        let found = mistakes_of(follow);
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.iter().any(|mistake| mistake.starts_with(start)),
        };
        assert!(as_wanted, "{follow}\nwanted: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn the_cluster_name_of_another_backends_redirects_is_refused() {
    let backend = r#"{"url": "https://quay.io", "cluster": "ghcr@redirects"}"#;
    let follow = r#"{"url": "https://ghcr.io", "redirect_handling": "follow", "followed_redirects": {"hosts": ["a.b"]}}"#;
    let mut policy: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    policy["backends"]["ghcr"] = serde_json::from_str(follow).unwrap();
    policy["backends"]["quay"] = serde_json::from_str(backend).unwrap();
    let found = mistakes(&policy.to_string());
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("the cluster `ghcr@redirects` already belongs to `ghcr`"),
        "{found:?}"
    );
}

#[test]
fn a_host_of_redirects_is_no_front() {
    let follow = r#"{"url": "https://ghcr.io", "redirect_handling": {"cn": "follow"},
        "followed_redirects": {"hosts": ["cdn.example", "*.r2.example:9000"]}}"#;
    let config = Config::from_json(with("/backends/ghcr", follow).as_bytes()).unwrap();
    let rows: [(&[u8], bool, &str); 9] = [
        (b"registry.example.com", true, "a front"),
        (b"other.example", true, "any other host: one front is the default"),
        (b"\xff", true, "even what is no host"),
        (b"cdn.example", false, "where redirects lead"),
        (b"CDN.Example:443", false, "the same"),
        (b"cdn.example.", false, "the same"),
        (b"a.r2.example:9000", false, "below such a host"),
        (b"a.r2.example", true, "another port"),
        (b"r2.example:9000", true, "not below"),
    ];
    for (authority, is_front, reason) in rows {
        let found = config.fronts().find(authority);
        assert_eq!(found.is_some(), is_front, "{}: {reason}", authority.escape_ascii());
    }
}

/// Chains, classes, stores and redirects: whatever has a value per region.
#[test]
fn clients_of_a_drained_region_are_served_as_those_of_the_default_in_everything() {
    let policy = |drained: bool| {
        format!(
            r#"{{"version": 1, "fronts": {{"m": {{"hosts": ["r.example"]}}}},
            "backends": {{
                "near": {{"url": "https://n.example", "redirect_handling": {{"cn": "follow", "default": "pass"}},
                          "followed_redirects": {{"hosts": ["cdn.example"]}}}},
                "far": {{"url": "https://f.example"}}
            }},
            "blob_stores": {{"s": {{"url": "https://s.example/{{digest}}"}}}},
            "regions": {{"cn": {{"drained": {drained}}}, "default": {{}}}},
            "rules": [{{"name": "r", "repositories": ["x/**"], "chains": {{"cn": ["near"], "default": ["far"]}},
                        "client_redirects": {{"classes": {{"cn": ["blobs"], "default": []}}, "stores": {{"cn": "s", "default": "none"}}}}}}]}}"#
        )
    };
    for drained in [false, true] {
        let config = Config::from_json(policy(drained).as_bytes()).unwrap();
        let region = ids::RegionId::new(0);
        let rule = &config.rules().all()[0];
        let list = config.list(rule.chain(region).unwrap().whole.digests).unwrap();
        let client_redirects = rule.client_redirects().unwrap();
        let name = config.backend(*list.backends().first().unwrap()).map(Backend::name);
        let follows =
            config.backends()[0].followed_redirects().of(region) == RedirectHandling::Follow;
        let sends = client_redirects.sends_away(region, RedirectClass::Blobs);
        let store = client_redirects.store(region, None).is_some();
        let expected = if drained { Some("far") } else { Some("near") };
        assert_eq!((name, follows, sends, store), (expected, !drained, !drained, !drained));
    }
}
