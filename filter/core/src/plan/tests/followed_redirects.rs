//! Followed redirects in the requests that are prepared for each backend.

use portolan_policy_builder::{Backend, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::attempt::{Bounds, Redirection, all};

/// A registry without TLS in a network of its own, one that is followed for China, one that passes.
fn policy() -> Policy {
    Policy::new()
        .backend(
            "near",
            Backend::at("http://registry:5000").with("redirect_handling", "follow").with(
                "followed_redirects",
                json!({"hosts": ["minio:9000"], "private_addresses": true}),
            ),
        )
        .backend(
            "ghcr",
            Backend::at("https://ghcr.io/base")
                .with("redirect_handling", json!({"cn": "follow", "default": "pass"}))
                .with("followed_redirects", json!({"hosts": ["cdn.example:443", "*.r2.example"]})),
        )
        .backend(
            "quay",
            Backend::at("http://quay.io")
                .with("redirect_handling", json!({"cn": "follow"}))
                .with("followed_redirects", json!({"hosts": ["cdn01.quay.io"]})),
        )
        .backend("hub", Backend::at("https://registry-1.docker.io"))
        .region("cn", Region::countries(["CN"]))
        .geo_database()
        .rule(Rule::all().owner("hub").chain(["near", "ghcr", "quay", "hub"]))
}

/// A redirect that the proxy follows: from a backend, to some hosts.
fn followed<'p>(key: &'p str, origin: &'p str, hosts: &'p str) -> Redirection<'p> {
    Redirection::Followed { key, origin: origin.into(), bounds: Bounds { plain: false, hosts } }
}

fn passed(authority: &str) -> Redirection<'_> {
    Redirection::Passed { authority: authority.into() }
}

#[test]
fn redirects_are_followed_only_for_content_and_only_where_the_region_says_so() {
    let near = || {
        let bounds = Bounds { plain: true, hosts: "minio:9000" };
        let origin = "http://registry:5000".into();
        ("near", Redirection::Followed { key: "near", origin, bounds })
    };
    let ghcr = ("ghcr", followed("ghcr", "https://ghcr.io", "cdn.example *.r2.example"));
    let quay = ("quay", followed("quay", "http://quay.io", "cdn01.quay.io"));
    let hub = || ("hub", passed("registry-1.docker.io"));
    let everywhere = vec![near(), ghcr, quay, hub()];
    let in_germany = vec![near(), ("ghcr", passed("ghcr.io")), ("quay", passed("quay.io")), hub()];
    let at_near = vec![("near", passed("registry:5000"))];
    let config = policy().read_by(Config::from_json);
    // The last column: whether the redirect of any of them may be followed.
    #[rustfmt::skip]
    let rows = [
        ("CN", "GET", "blobs/DIGEST", everywhere.clone(), true),
        ("CN", "GET", "manifests/DIGEST", everywhere, true),
        ("DE", "GET", "blobs/DIGEST", in_germany, true),
        ("CN", "GET", "manifests/v1", vec![near()], true),
        ("CN", "HEAD", "blobs/DIGEST", vec![hub()], false),
        ("CN", "GET", "tags/list", at_near, false),
        ("CN", "POST", "blobs/uploads/", vec![hub()], false),
    ];
    for (country, method, path, expected, follows) in rows {
        let target = with_digest(&format!("/v2/a/{path}"));
        let head = RequestHead {
            client: in_country(country),
            ..request(method, "registry.example.com", &target)
        };
        let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else {
            panic!("{path}")
        };
        let prepared = forwarding.prepared.unwrap();
        let found: Vec<_> = all(&prepared).map(|one| (one.backend, one.redirection)).collect();
        assert_eq!(found, expected, "{country} {method} {path}");
        assert_eq!(forwarding.receipt.follows, follows, "{country} {method} {path}");
    }
}

#[test]
fn an_owner_is_followed_for_content_and_for_nothing_else() {
    let config = policy().set("/rules/0/owner", "near").read_by(Config::from_json);
    let rows = [
        ("HEAD", "blobs/DIGEST", true),
        ("GET", "manifests/v1", true),
        ("GET", "tags/list", false),
        ("GET", "referrers/DIGEST", false),
        ("GET", "blobs/uploads/1", false),
        ("POST", "blobs/uploads/", false),
        ("PUT", "manifests/v1", false),
        ("DELETE", "manifests/DIGEST", false),
    ];
    for (method, path, follows) in rows {
        let target = with_digest(&format!("/v2/a/{path}"));
        let head = request(method, "registry.example.com", &target);
        let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else {
            panic!("{path}")
        };
        assert_eq!(forwarding.receipt.follows, follows, "{method} {path}");
    }
}

#[test]
fn without_followed_redirects_requests_say_nothing_of_redirects() {
    let config = super::policy().read_by(Config::from_json);
    let target = format!("/v2/public/drycc/blobs/{DIGEST}");
    let head = RequestHead {
        authorization: Some(b"Basic x"),
        ..request("GET", "registry.example.com", &target)
    };
    let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else {
        panic!("it is read")
    };
    let prepared = forwarding.prepared.unwrap();
    assert!(all(&prepared).all(|one| one.redirection == Redirection::Unwatched));
    assert!(!forwarding.receipt.follows);
}
