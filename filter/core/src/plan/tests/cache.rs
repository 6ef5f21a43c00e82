//! Plans of requests that a cache may answer, and of requests that fill a cache.

use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::policy::CacheUse;

fn policy() -> Policy {
    Policy::new()
        .front("main", Front::at(["registry.example"]))
        .front("own", Front::at(["own.example"]).logins_of("near"))
        .backend("near", Backend::at("https://near.example/base").tokens().names("team/", "acme/"))
        .backend("far", Backend::at("https://far.example"))
        .network("office", ["192.0.2.0/24"])
        .region("asia", Region::continents(["AS"]))
        .with("caches", json!({"eu": {"nodes": ["http://10.0.0.7:8300"]}}))
        .rule(
            Rule::of("team")
                .readers("anyone")
                .replicas(["near", "far"])
                .chain(["cache@eu", "near", "far"])
                .chain_of("asia", ["far"]),
        )
        .rule(
            Rule::of("office")
                .with("readers", json!({"networks": ["office"]}))
                .chain(["cache@eu", "far"]),
        )
}

/// Where a request ends, what each member of its list is sent, and what becomes of it at the cache.
fn end(config: &Config, head: &RequestHead<'_>, in_repository: Option<Presence>) -> String {
    let Plan { action, .. } = plan(config, head, &Facts { in_repository, ..NONE });
    match action {
        Action::Reply(reply) => reply.status.to_string(),
        Action::Need(Need::Content(content)) => {
            format!("ask {}", content.target.replace(DIGEST, "D"))
        }
        Action::Forward(forwarding) => {
            let targets = forwarding.receipt.targets.iter();
            let targets =
                targets.map(|target| String::from_utf8_lossy(target).replace(DIGEST, "D"));
            let used = match forwarding.forward.cache {
                CacheUse::None => "",
                CacheUse::Asked(_) => "; asked",
                CacheUse::Bypassed(_) => "; bypass",
            };
            let targets = targets.collect::<Vec<_>>().join(" ");
            format!("{} {targets}{used}", forwarding.cluster)
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn only_content_that_is_known_to_be_in_the_repository_goes_to_a_cache() {
    use Presence::{Absent, Present, Unknown};
    let config = policy().read_by(Config::from_json);
    let (main, own) = ("registry.example", "own.example");
    let registries = "near+far /base/v2/acme/a/blobs/D /v2/team/a/blobs/D";
    let bypass = format!("{registries}; bypass");
    let cached = format!(
        "cache@eu+near+far /v2/team/a/blobs/D?front=main&region=default {}; asked",
        "/base/v2/acme/a/blobs/D /v2/team/a/blobs/D"
    );
    #[rustfmt::skip]
    let rows = [
        (main, "GET", "/v2/team/a/blobs/D", None, "ask /v2/team/a/blobs/D?front=main&region=default", "first it has to be known"),
        (main, "GET", "/v2/team/a/blobs/D", Some(Present), cached.as_str(), "the cache, and the registries behind it"),
        (main, "GET", "/v2/team/a/blobs/D", Some(Absent), &bypass, "today's answer"),
        (main, "GET", "/v2/team/a/blobs/D", Some(Unknown), &bypass, "nobody could say"),
        (main, "GET", "/v2/team/a/manifests/D", None, "ask /v2/team/a/manifests/D?front=main&region=default", "manifests by digest as well"),
        (main, "GET", "/v2/team/a/manifests/v1", Some(Present), "near+far /base/v2/acme/a/manifests/v1 /v2/team/a/manifests/v1", "a tag"),
        (main, "HEAD", "/v2/team/a/blobs/D", Some(Present), registries, "no content"),
        (main, "GET", "/v2/team/a/referrers/D", Some(Present), "near+far /base/v2/acme/a/referrers/D /v2/team/a/referrers/D", "they change"),
        (own, "GET", "/v2/team/a/blobs/D", Some(Present), &bypass, "the registries say what this client may read"),
        (main, "GET", "/v2/office/a/blobs/D", Some(Present), "403", "who may not read is told so before anything is asked"),
        (main, "GET", "/v2/office/a/blobs/D", None, "403", "who may not read is told so before anything is asked"),
    ];
    for (host, method, target, in_repository, expected, reason) in rows {
        let target = target.replace('D', DIGEST);
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            authority: host.as_bytes(),
            ..RequestHead::default()
        };
        assert_eq!(end(&config, &head, in_repository), expected, "{method} {target}: {reason}");
    }
}

#[test]
fn a_browser_that_asks_about_a_request_is_answered_by_a_registry() {
    let config = policy().read_by(Config::from_json);
    let target = format!("/v2/team/a/blobs/{DIGEST}");
    let head = RequestHead {
        method: b"OPTIONS",
        preflight: Some(b"GET"),
        target: target.as_bytes(),
        authority: b"registry.example",
        ..RequestHead::default()
    };
    let found = end(&config, &head, Some(Presence::Present));
    assert!(found.starts_with("near+far ") && found.ends_with("; bypass"), "{found}");
}

#[test]
fn fills_use_the_chain_of_the_region_without_its_cache() {
    let config = policy().with("fills_caches", true).read_by(Config::from_json);
    let registries = "near+far /base/v2/acme/a/blobs/D /v2/team/a/blobs/D";
    #[rustfmt::skip]
    let rows = [
        ("GET", "/v2/team/a/blobs/D?front=main&region=default", registries, "the region's chain without its cache"),
        ("HEAD", "/v2/team/a/blobs/D?front=main&region=default", registries, "the filter's question"),
        ("GET", "/v2/team/a/blobs/D?front=main&region=asia", "far /v2/team/a/blobs/D", "another region"),
        ("GET", "/v2/office/a/manifests/D?front=main&region=default", "far /v2/office/a/manifests/D", "who may read was settled before"),
        ("GET", "/v2/team/a/manifests/v1?front=main&region=default", "404", "a tag"),
        ("GET", "/v2/team/a/tags/list?front=main&region=default", "404", "tags"),
        ("GET", "/v2/team/a/referrers/D?front=main&region=default", "404", "referrers"),
        ("GET", "/v2/", "404", "no content"),
        ("GET", "/v2/team/a/blobs/D", "404", "through whose chain?"),
        ("GET", "/v2/team/a/blobs/D?front=main&region=mars", "404", "there is no such region"),
        ("GET", "/v2/other/a/blobs/D?front=main&region=default", "404", "there is no rule"),
        ("DELETE", "/v2/team/a/manifests/D?front=main&region=default", "404", "a write"),
        ("PUT", "/v2/team/a/manifests/v1?front=main&region=default", "404", "a write"),
    ];
    for (method, target, expected, reason) in rows {
        let target = target.replace('D', DIGEST);
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            authority: b"cache.internal",
            ..RequestHead::default()
        };
        assert_eq!(end(&config, &head, None), expected, "{method} {target}: {reason}");
    }
}
