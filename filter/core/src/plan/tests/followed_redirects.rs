//! Followed redirects in the requests that are prepared for each backend.

use portolan_policy_builder::{Backend, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::attempt::{Redirection, all};

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

/// For each backend that may be asked: `name words`, and whether any of them is followed.
fn told(country: &str, method: &str, path: &str) -> (Vec<String>, bool) {
    let config = policy().read_by(Config::from_json);
    let target = format!("/v2/a/{path}").replace("DIGEST", DIGEST);
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: b"registry.example.com",
        client: ClientFacts { country: Some(country.as_bytes()), ..ClientFacts::default() },
        ..RequestHead::default()
    };
    let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else { panic!("{path}") };
    let prepared = forwarding.prepared.unwrap();
    let words = all(&prepared).map(|one| match one.redirection {
        Redirection::Unwatched => format!("{} unwatched", one.backend),
        Redirection::Passed { .. } => one.backend.to_owned(),
        Redirection::Followed { origin, bounds, .. } => {
            let plain = if bounds.plain { " without TLS" } else { "" };
            format!("{} from {origin} to {}{plain}", one.backend, bounds.hosts)
        }
    });
    (words.collect(), forwarding.receipt.follows)
}

#[test]
fn only_content_and_only_where_the_region_says_so() {
    let near = "near from http://registry:5000 to minio:9000 without TLS";
    let ghcr = "ghcr from https://ghcr.io to cdn.example *.r2.example";
    let quay = "quay from http://quay.io to cdn01.quay.io";
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, &[&str], bool)] = &[
        ("CN", "GET", "blobs/DIGEST", &[near, ghcr, quay, "hub"], true),
        ("CN", "GET", "manifests/DIGEST", &[near, ghcr, quay, "hub"], true),
        ("DE", "GET", "blobs/DIGEST", &[near, "ghcr", "quay", "hub"], true),
        ("CN", "GET", "manifests/v1", &[near], true),
        ("CN", "HEAD", "blobs/DIGEST", &["hub"], false),
        ("CN", "GET", "tags/list", &["near"], false),
        ("CN", "POST", "blobs/uploads/", &["hub"], false),
    ];
    for (country, method, path, expected, follows) in rows {
        let found = told(country, method, path);
        let expected: Vec<String> = expected.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(found, (expected, *follows), "{country} {method} {path}");
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
        let target = format!("/v2/a/{path}").replace("DIGEST", DIGEST);
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            authority: b"registry.example.com",
            ..RequestHead::default()
        };
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
        method: b"GET",
        target: target.as_bytes(),
        authority: b"registry.example.com",
        authorization: Some(b"Basic x"),
        ..RequestHead::default()
    };
    let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else {
        panic!("it is read")
    };
    let prepared = forwarding.prepared.unwrap();
    assert!(all(&prepared).all(|one| one.redirection == Redirection::Unwatched));
    assert!(!forwarding.receipt.follows);
}
