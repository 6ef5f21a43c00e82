//! Requests that the cache of a region may answer: what it is asked, and what the log and the
//! metrics say of it.

use portolan_core::contract::StateKey;
use portolan_core::contract::clusters::FILL;

use super::host::value;
use super::outcome::{End, for_client, forwarded, retried_at};
use super::policies::blob;
use super::simulator::World;

const CACHED: &str = r#"{
    "version": 1,
    "fronts": {"main": {"hosts": ["main.example"]}},
    "backends": {"near": {"url": "https://near.example"}, "far": {"url": "https://far.example"}},
    "caches": {"eu": {"nodes": ["http://10.0.0.7:8300"]}},
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["**"], "readers": "anyone",
               "chains": {"default": ["cache@eu", "near", "far"]}}]
}"#;

/// A request for a blob, of which a registry has said with this status whether its repository has
/// it.
fn asked(world: &mut World, status: &str, more: &[(&str, &str)]) -> u32 {
    let request = world.request_with("GET", "main.example", &blob("a"), more);
    assert_eq!(world.end(request), End::Waits, "to know whether the repository has it");
    world.pass(1);
    world.service(FILL, status, &[], "");
    request
}

fn world() -> World {
    World::new(CACHED)
}

#[test]
fn the_cache_is_asked_for_what_the_repository_has() {
    #[rustfmt::skip]
    let rows = [
        ("200", forwarded("cache@eu+near+far"), "skipped", "the repository has it; Envoy may yet know the cache to be down"),
        ("404", forwarded("near+far"), "bypass", "it has not"),
        ("503", forwarded("near+far"), "bypass", "nobody knows"),
    ];
    for (status, cluster, cache_use, reason) in rows {
        let mut world = world();
        let request = asked(&mut world, status, &[]);
        assert_eq!(world.end(request), cluster, "{reason}");
        assert_eq!(world.host.state(request, StateKey::Cache), "eu", "{reason}");
        assert_eq!(world.host.state(request, StateKey::CacheUse), cache_use, "{reason}");
    }
}

/// Of tags and of every other request that no cache may answer.
#[test]
fn nothing_is_said_of_a_cache_that_could_not_answer() {
    let mut world = world();
    let request = world.request("GET", "main.example", "/v2/a/manifests/v1");
    assert_eq!(world.host.state(request, StateKey::Cache), "");
    assert_eq!(world.host.state(request, StateKey::CacheUse), "");
}

#[test]
fn answers_of_a_cache_node() {
    #[rustfmt::skip]
    let rows = [
        (None, "200", Some("hit"), for_client("200"), "hit", "from its store"),
        (Some(("range", "bytes=1-2")), "206", Some("hit"), for_client("206"), "hit", "a part of it"),
        (Some(("if-none-match", "e")), "304", Some("hit"), for_client("304"), "hit", "the client has it"),
        (None, "206", Some("hit"), retried_at("near+far@last"), "failed", "a part that nobody asked for"),
        (None, "304", Some("hit"), retried_at("near+far@last"), "failed", "the client has nothing yet"),
        (None, "200", Some("miss"), for_client("200"), "miss", "fetched for this request"),
        (None, "200", None, for_client("200"), "miss", "a node that does not say"),
        (None, "404", None, retried_at("near+far@last"), "failed", "it says nothing of what there is"),
        (None, "502", Some("miss"), retried_at("near+far@last"), "failed", "it could not fetch it"),
    ];
    for (asks, status, said, expected, cache_use, reason) in rows {
        let mut world = world();
        let request = asked(&mut world, "200", asks.as_slice());
        let attempt = world.attempt(request, "cache@eu");
        let begun = world.host.state(request, StateKey::CacheUse);
        assert_eq!(begun, "failed", "until it has answered");
        let said = said.map(|said| ("x-portolan-cache", said));
        assert_eq!(world.answer(attempt, status, said.as_slice()), expected, "{reason}");
        assert_eq!(world.host.state(request, StateKey::CacheUse), cache_use, "{reason}");
    }
}

/// It was the node's business where it had it from, and no registry stands behind what it says.
#[test]
fn a_client_learns_nothing_of_the_node() {
    let mut world = world();
    let request = asked(&mut world, "200", &[]);
    let attempt = world.attempt(request, "cache@eu");
    let more = [("age", "7"), ("via", "1.1 node"), ("x-cache", "HIT"), ("etag", "x")];
    world.answer(attempt, "200", &more);
    let left: Vec<String> = world.response(attempt).into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, [":status", "etag"]);
}

/// A node keeps what is whole, and a range of all bytes is the whole.
#[test]
fn a_range_that_is_the_whole_is_asked_for_as_the_whole() {
    #[rustfmt::skip]
    let rows = [
        ("200", &["bytes=0-"][..], 0, "the whole"),
        ("200", &["bytes=5-"], 1, "a part"),
        ("200", &["bytes=0-", "bytes=5-"], 2, "nobody knows what it means"),
        ("404", &["bytes=0-"], 1, "a registry is asked, as the client asked"),
    ];
    for (status, ranges, expected, reason) in rows {
        let mut world = world();
        let more: Vec<(&str, &str)> = ranges.iter().map(|range| ("range", *range)).collect();
        asked(&mut world, status, &more);
        let headers = &world.host.requests[0].headers;
        let left = headers.iter().filter(|(name, _)| name == "range").count();
        assert_eq!(left, expected, "{reason}");
        assert!(value(headers, "range").is_some() == (expected > 0));
    }
}

/// A registry that is limited is no reason to pass the cache over.
#[test]
fn the_cache_is_asked_first_whoever_is_limited() {
    let mut world = world();
    let tag = world.request("GET", "main.example", "/v2/a/manifests/v1");
    let attempt = world.attempt(tag, "near");
    world.answer(attempt, "429", &[("retry-after", "60")]);
    let request = asked(&mut world, "200", &[]);
    assert_eq!(world.end(request), forwarded("cache@eu+near+far"));
    assert_eq!(world.host.state(request, StateKey::NextCluster), "");
}
