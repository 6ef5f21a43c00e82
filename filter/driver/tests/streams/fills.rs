//! What caches are filled with: whether its body is checked, and what is said of other content.

use portolan_core::content::Verdict;
use portolan_core::contract::{StateKey, headers};

use super::host::{headers as header_list, value as value_of};
use super::outcome::{replied, unchanged};
use super::simulator::World;

/// As the renderer writes it for the listener that fills.
const FILLS: &str = r#"{
    "version": 1,
    "fills_caches": true,
    "fronts": {"main": {"hosts": ["main.example"]}},
    "backends": {
        "near": {"url": "https://near.example", "redirects": "follow", "follow": {"hosts": ["cdn.example"]}},
        "far": {"url": "https://far.example/base"}
    },
    "caches": {"eu": {"nodes": ["http://10.0.0.7:8300", "http://10.0.0.8:8300"]}},
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["near", "far"]}}]
}"#;
/// Of `abc`.
const ABC: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn target() -> String {
    format!("/v2/a/blobs/{ABC}?front=main&region=default")
}

/// A fill that its first backend has answered so.
fn answered(method: &str, status: &str, length: Option<&str>) -> (World, u32) {
    let mut world = World::new(FILLS);
    let asks = if status == "206" { ("range", "bytes=0-0") } else { ("accept", "*/*") };
    let more = [("accept-encoding", "gzip"), asks];
    let request = world.request_with(method, "main.example", &target(), &more);
    let attempt = world.attempt(request, "near");
    assert_eq!(world.send(attempt).header("accept-encoding").is_none(), method == "GET");
    let length = length.map(|length| ("content-length", length));
    world.answer(attempt, status, length.as_slice());
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), unchanged(status));
    (world, request)
}

#[test]
fn a_whole_answer_is_checked_and_nothing_else() {
    #[rustfmt::skip]
    let rows = [
        ("GET", "200", Some("3"), true, "the whole"),
        ("GET", "200", None, true, "without a length"),
        ("GET", "200", Some("many"), true, "a length that is none"),
        ("GET", "206", Some("1"), false, "a part, which no node keeps"),
        ("HEAD", "200", Some("3"), false, "no body"),
    ];
    for (method, status, length, expected, reason) in rows {
        let (world, request) = answered(method, status, length);
        assert_eq!(world.host.streams[&request].check.is_some(), expected, "{reason}");
    }
}

/// Whichever registry sent it, and whatever that says of its own.
#[test]
fn whole_content_is_kept_with_its_digest_and_for_ever() {
    let etag = format!("\"{ABC}\"");
    let whole = [
        ("docker-content-digest", Some(ABC)),
        ("etag", Some(etag.as_str())),
        ("cache-control", Some("max-age=31536000, immutable")),
    ];
    let nothing = whole.map(|(name, _)| (name, None));
    for (method, status, expected) in
        [("GET", "200", whole), ("GET", "206", nothing), ("HEAD", "200", nothing)]
    {
        let (world, request) = answered(method, status, Some("3"));
        let response = &world.host.streams[&request].response;
        for (name, value) in expected {
            let found = value_of(response, name);
            assert_eq!(found.as_deref(), value.map(str::as_bytes), "{method} {status} {name}");
        }
    }
}

/// Names become labels of metrics: only those of the policy.
#[test]
fn the_name_of_a_node_is_in_the_metrics_alone() {
    #[rustfmt::skip]
    let rows = [
        ("eu-1", "eu", "eu-1", ""),
        ("eu-2", "eu", "eu-2", ""),
        ("eu-3", "", "", "there are two"),
        ("us-1", "", "", "no cache of the policy"),
        ("eu", "", "", "no node"),
    ];
    for (said, cache, node, reason) in rows {
        let mut world = World::new(FILLS);
        let name = headers::CACHE_NODE;
        let request = world.request_with("GET", "main.example", &target(), &[(name, said)]);
        assert_eq!(world.host.state(request, StateKey::Cache), cache, "{said}: {reason}");
        assert_eq!(world.host.state(request, StateKey::CacheNode), node, "{said}: {reason}");
        let attempt = world.attempt(request, "near");
        assert!(world.send(attempt).header(name).is_none(), "{said}");
    }
}

#[test]
fn other_content_ends_the_request_and_is_told_with_its_backend() {
    let (mut world, request) = answered("GET", "200", Some("3"));
    let check = world.host.streams.get_mut(&request).unwrap().check.as_mut().unwrap();
    check.take(b"abd");
    assert_eq!(check.verdict(false), Verdict::Wrong);
    world.body_is_wrong(request);
    assert_eq!(world.end(request), replied("502", "portolan_failed:wrong_content"));
    assert_eq!(
        world.host.state(request, StateKey::Reason),
        "fill; nearest; wrong content",
        "for the access log"
    );
    assert_eq!(
        world.host.warnings,
        [format!(
            "portolan: backend near has sent other content than {ABC}; a cache was not filled with it"
        )]
    );
}

/// The path of a further pass is that of another host.
#[test]
fn content_from_a_redirect_target_is_checked_by_the_requested_digest() {
    let mut world = World::new(FILLS);
    let request = world.request("GET", "main.example", &target());
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "307", &[("location", "https://cdn.example/x?sig=1")]);
    for (name, value) in &mut world.host.requests[0].headers {
        if name == ":path" {
            *value = b"/x?sig=1".to_vec();
        }
    }
    let pass = world.further_pass(request);
    assert_eq!(world.respond(pass, header_list(&[(":status", "200")])), unchanged("200"));
    let check = world.host.streams.get_mut(&pass).unwrap().check.as_mut().unwrap();
    check.take(b"abc");
    assert_eq!(check.verdict(true), Verdict::Passes);
}

/// Clients look themselves, and a front is not to cost what a check costs.
#[test]
fn answers_to_clients_are_not_checked() {
    let mut world = World::new(&FILLS.replace(r#""fills_caches": true,"#, ""));
    let request = world.request("GET", "main.example", &format!("/v2/a/blobs/{ABC}"));
    world.respond(request, header_list(&[(":status", "200")]));
    assert!(world.host.streams[&request].check.is_none());
}
