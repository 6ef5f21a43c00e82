//! Plans of requests that a cache may answer, and of requests that fill a cache.

use portolan_policy_builder::{Backend, Front, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::contract::clusters::STALE;
use crate::grammar::Digest;
use crate::policy::CacheUse;
use AtCache::{Asked, Bypassed, NotInvolved};

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

/// What a forwarded request has to do with the cache of its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AtCache {
    /// Nothing.
    NotInvolved,
    /// The cache is asked.
    Asked,
    /// A cache of the chain is left out, because the request is none for it.
    Bypassed,
}

fn planned(
    config: &Config,
    head: &RequestHead<'_>,
    in_repository: Option<Presence>,
) -> (Outcome, AtCache) {
    let action = plan(config, head, &Facts { in_repository, ..NONE }).action;
    let at_cache = match &action {
        Action::Forward(forwarding) => match forwarding.forward.cache {
            CacheUse::None => NotInvolved,
            CacheUse::Asked(_) => Asked,
            CacheUse::Bypassed(_) => Bypassed,
        },
        _ => NotInvolved,
    };
    (Outcome::of(config, action), at_cache)
}

#[test]
fn only_content_that_is_known_to_be_in_the_repository_goes_to_a_cache() {
    use Presence::{Absent, Present, Unknown};
    let config = policy().read_by(Config::from_json);
    let (main, own) = ("registry.example", "own.example");
    let registries =
        || forwarded("near+far", ["/base/v2/acme/a/blobs/DIGEST", "/v2/team/a/blobs/DIGEST"]);
    let through = |class: &str| {
        let node = format!("/v2/team/a/{class}/DIGEST?front=main&region=default");
        let [near, far] =
            ["/base/v2/acme", "/v2/team"].map(|path| format!("{path}/a/{class}/DIGEST"));
        forwarded("cache@eu+near+far", [&*node, &near, &far])
    };
    let content = |class: &str| Outcome::NeedsContent {
        target: format!("/v2/team/a/{class}/DIGEST?front=main&region=default"),
    };
    let tag = forwarded("near+far", ["/base/v2/acme/a/manifests/v1", "/v2/team/a/manifests/v1"]);
    let referrers =
        forwarded("near+far", ["/base/v2/acme/a/referrers/DIGEST", "/v2/team/a/referrers/DIGEST"]);
    let denied = || replied(403, "DENIED");
    #[rustfmt::skip]
    let rows = [
        (main, "GET", "/v2/team/a/blobs/DIGEST", None, content("blobs"), NotInvolved, "first it has to be known"),
        (main, "GET", "/v2/team/a/blobs/DIGEST", Some(Present), through("blobs"), Asked, "the cache, and the registries behind it"),
        (main, "GET", "/v2/team/a/blobs/DIGEST", Some(Absent), registries(), Bypassed, "today's answer"),
        (main, "GET", "/v2/team/a/blobs/DIGEST", Some(Unknown), registries(), Bypassed, "nobody could say"),
        (main, "GET", "/v2/team/a/manifests/DIGEST", None, content("manifests"), NotInvolved, "manifests by digest as well"),
        (main, "GET", "/v2/team/a/manifests/v1", Some(Present), tag, NotInvolved, "a tag"),
        (main, "HEAD", "/v2/team/a/blobs/DIGEST", Some(Present), registries(), NotInvolved, "no content"),
        (main, "GET", "/v2/team/a/referrers/DIGEST", Some(Present), referrers, NotInvolved, "they change"),
        (own, "GET", "/v2/team/a/blobs/DIGEST", Some(Present), registries(), Bypassed, "the registries say what this client may read"),
        (main, "GET", "/v2/office/a/blobs/DIGEST", Some(Present), denied(), NotInvolved, "who may not read is told so before anything is asked"),
        (main, "GET", "/v2/office/a/blobs/DIGEST", None, denied(), NotInvolved, "who may not read is told so before anything is asked"),
    ];
    for (host, method, target, in_repository, expected, at_cache, reason) in rows {
        let target = with_digest(target);
        let found = planned(&config, &request(method, host, &target), in_repository);
        assert_eq!(found, (expected, at_cache), "{method} {target}: {reason}");
    }
}

#[test]
fn a_browser_that_asks_about_a_request_is_answered_by_a_registry() {
    let config = policy().read_by(Config::from_json);
    let target = format!("/v2/team/a/blobs/{DIGEST}");
    let head =
        RequestHead { preflight: Some(b"GET"), ..request("OPTIONS", "registry.example", &target) };
    let found = planned(&config, &head, Some(Presence::Present));
    let registries = ["/base/v2/acme/a/blobs/DIGEST", "/v2/team/a/blobs/DIGEST"];
    assert_eq!(found, (forwarded("near+far", registries), Bypassed));
}

#[test]
fn fills_use_the_chain_of_the_region_without_its_cache() {
    let config = policy().with("fills_caches", true).read_by(Config::from_json);
    let registries =
        || forwarded("near+far", ["/base/v2/acme/a/blobs/DIGEST", "/v2/team/a/blobs/DIGEST"]);
    let none = || replied(404, "UNSUPPORTED");
    let unknown = || replied(404, "NAME_UNKNOWN");
    #[rustfmt::skip]
    let rows = [
        ("GET", "/v2/team/a/blobs/DIGEST?front=main&region=default", registries(), "the region's chain without its cache"),
        ("HEAD", "/v2/team/a/blobs/DIGEST?front=main&region=default", registries(), "the filter's question"),
        ("GET", "/v2/team/a/blobs/DIGEST?front=main&region=asia", forwarded("far", ["/v2/team/a/blobs/DIGEST"]), "another region"),
        ("GET", "/v2/office/a/manifests/DIGEST?front=main&region=default", forwarded("far", ["/v2/office/a/manifests/DIGEST"]), "who may read was settled before"),
        ("GET", "/v2/team/a/manifests/v1?front=main&region=default", none(), "a tag"),
        ("GET", "/v2/team/a/tags/list?front=main&region=default", none(), "tags"),
        ("GET", "/v2/team/a/referrers/DIGEST?front=main&region=default", none(), "referrers"),
        ("GET", "/v2/", none(), "no content"),
        ("GET", "/v2/team/a/blobs/DIGEST", unknown(), "through whose chain?"),
        ("GET", "/v2/team/a/blobs/DIGEST?front=main&region=mars", unknown(), "there is no such region"),
        ("GET", "/v2/other/a/blobs/DIGEST?front=main&region=default", unknown(), "there is no rule"),
        ("DELETE", "/v2/team/a/manifests/DIGEST?front=main&region=default", none(), "a write"),
        ("PUT", "/v2/team/a/manifests/v1?front=main&region=default", none(), "a write"),
    ];
    for (method, target, expected, reason) in rows {
        let target = with_digest(target);
        let (found, _) = planned(&config, &request(method, "cache.internal", &target), None);
        assert_eq!(found, expected, "{method} {target}: {reason}");
    }
}

/// What is sent in the end for a tag that nobody can be asked for, and how often Envoy goes on.
#[test]
fn a_tag_that_may_be_stale_has_the_cache_behind_its_registries() {
    let config = policy().set("/rules/0/stale_tags", "1h").read_by(Config::from_json);
    let digest = Digest::parse(DIGEST.as_bytes()).unwrap();
    let (main, own) = ("registry.example", "own.example");
    let tag = "/v2/team/a/manifests/v1";
    let key = "far+near team/a:v1".to_owned();
    let planned = |host, method: &str, target: &str, tag_was| {
        let target = with_digest(target);
        let facts = Facts { tag_was, in_repository: Some(Presence::Absent), ..NONE };
        plan(&config, &request(method, host, &target), &facts).action
    };
    for method in ["GET", "HEAD"] {
        let found = Outcome::of(&config, planned(main, method, tag, None));
        assert_eq!(found, Outcome::NeedsTag { key: key.clone() }, "{method}");
    }
    #[rustfmt::skip]
    let rows = [
        (main, "GET", tag, Some(&digest), Some(2), true, "the registries, and the cache"),
        (main, "HEAD", tag, Some(&digest), Some(2), true, "the registries, and the cache"),
        (main, "GET", tag, None, Some(1), false, "nothing is known"),
        (own, "GET", tag, Some(&digest), Some(1), false, "the registries say what this client may read"),
        (main, "GET", "/v2/team/a/tags/list", Some(&digest), Some(1), false, "no tag"),
        (main, "GET", "/v2/team/a/manifests/DIGEST", Some(&digest), Some(1), false, "a digest does not change"),
        (main, "GET", "/v2/office/a/manifests/v1", Some(&digest), None, false, "who may not read it"),
    ];
    for (host, method, target, tag_was, retries, may_be_stale, reason) in rows {
        let Action::Forward(forwarding) = planned(host, method, target, Some(tag_was)) else {
            assert_eq!(retries, None, "{reason}");
            continue;
        };
        assert_eq!(forwarding.retry.map(|retry| retry.further_attempts), retries, "{reason}");
        assert_eq!(forwarding.receipt.may_be_stale, may_be_stale, "{reason}");
        assert_eq!(forwarding.receipt.targets.len(), 2, "it is no registry: {reason}");
        let prepared = forwarding.prepared.unwrap_or_default();
        let last = attempt::select(&prepared, STALE.as_bytes());
        let path = last.map(|last| String::from_utf8(last.target.to_vec()).unwrap());
        let node = format!("/v2/team/a/manifests/{DIGEST}?front=main&region=default&through=eu");
        assert_eq!(path, may_be_stale.then_some(node), "{reason}");
    }
}

/// In a rule that keeps tags, and only there.
#[test]
fn a_tag_that_is_written_is_to_be_forgotten() {
    let policy = policy().set("/rules/0/stale_tags", "1h").set("/rules/0/owner", "far");
    let config = policy.set("/rules/1/owner", "far").read_by(Config::from_json);
    let digest = Digest::parse(DIGEST.as_bytes()).unwrap();
    let slot = |method: &str, target: &str| {
        let target = with_digest(target);
        let facts = Facts { tag_was: Some(Some(&digest)), ..NONE };
        let head = RequestHead {
            client: from_the_office(),
            ..request(method, "registry.example", &target)
        };
        match plan(&config, &head, &facts).action {
            Action::Forward(forwarding) => {
                let read = forwarding.forward.stale_tag.map(|tag| tag.question.slot);
                (forwarding.written_tag, read)
            }
            action => panic!("{method} {target}: {action:?}"),
        }
    };
    let (_, read) = slot("GET", "/v2/team/a/manifests/v1");
    assert!(read.is_some());
    assert_eq!(slot("PUT", "/v2/team/a/manifests/v1"), (read, None));
    assert_eq!(slot("DELETE", "/v2/team/a/manifests/v1"), (read, None));
    assert_ne!(slot("PUT", "/v2/team/a/manifests/v2").0, read);
    assert_eq!(slot("PUT", "/v2/team/a/manifests/DIGEST"), (None, None));
    assert_eq!(slot("PUT", "/v2/office/a/manifests/v1"), (None, None));
}

fn from_the_office() -> ClientFacts<'static> {
    ClientFacts { address: Some(b"192.0.2.7:1"), ..Default::default() }
}

#[test]
fn what_this_envoy_wants_from_a_cache_goes_there_first() {
    let stale = policy().set("/rules/0/stale_tags", "1h");
    let config = stale.with("fills_caches", true).read_by(Config::from_json);
    let node = "/v2/team/a/manifests/DIGEST?front=main&region=default";
    let [near, far] = ["/base/v2/acme/a/manifests/DIGEST", "/v2/team/a/manifests/DIGEST"];
    #[rustfmt::skip]
    let rows = [
        ("/v2/team/a/manifests/DIGEST?front=main&region=default&through=eu", forwarded("cache@eu+near+far", [node, near, far]), "the cache, and who fills it"),
        (node, forwarded("near+far", [near, far]), "a node that is filled"),
        ("/v2/team/a/manifests/DIGEST?front=main&region=default&through=us", replied(404, "NAME_UNKNOWN"), "there is no such cache"),
        ("/v2/team/a/manifests/DIGEST?front=main&region=asia&through=eu", replied(404, "NAME_UNKNOWN"), "not in this region"),
        ("/v2/office/a/manifests/DIGEST?front=main&region=default&through=eu", replied(404, "NAME_UNKNOWN"), "no tags of this rule are stale"),
        ("/v2/team/a/manifests/v1?front=main&region=default&through=eu", replied(404, "UNSUPPORTED"), "a tag"),
    ];
    for (target, expected, reason) in rows {
        let target = with_digest(target);
        let action = plan(&config, &request("GET", "cache.internal", &target), &NONE).action;
        assert_eq!(Outcome::of(&config, action), expected, "{reason}");
    }
}
