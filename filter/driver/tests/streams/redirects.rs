//! Redirects of backends that do not lead where they should: what the client gets, and what the log
//! says.

use portolan_core::contract::StateKey;

use super::host::{headers, value};
use super::outcome::{followed, for_client, forwarded, replied, retried_at, unchanged};
use super::policies::{FOLLOWED, blob};
use super::simulator::World;

/// The first backend of the list alone.
fn alone() -> World {
    World::new(&FOLLOWED.replace(r#"["near", "far"]"#, r#"["near"]"#))
}

fn location(world: &World, stream: u32) -> String {
    let value = value(&world.host.streams[&stream].response, "location");
    String::from_utf8(value.unwrap_or_default()).unwrap()
}

/// Envoy follows a redirect unless it cannot, as after too many: the answer then comes to the first
/// pass.
#[test]
fn a_redirect_that_envoy_could_not_follow() {
    let mut world = alone();
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    let answered = world.answer(attempt, "307", &[("location", "https://cdn.example/x")]);
    assert_eq!(answered, followed("https://cdn.example/x", "near@redirects"));
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), replied("502", "portolan_failed:UNAVAILABLE"));
    let reason = world.host.state(request, StateKey::Reason);
    assert_eq!(reason, "default; nearest; its redirect could not be followed");
}

#[test]
fn a_redirect_that_the_policy_does_not_let_the_proxy_follow() {
    let mut world = alone();
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "307", &[("location", "https://evil.example/x")]);
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), replied("502", "portolan_failed:UNAVAILABLE"));
    let reason = world.host.state(request, StateKey::Reason);
    assert_eq!(reason, "default; nearest; its redirect leads where the policy does not");
}

/// A status that is no redirect says nothing of one.
#[test]
fn an_answer_that_is_no_redirect_is_none_of_this() {
    for status in ["200", "404", "503"] {
        let mut world = alone();
        let request = world.request("GET", "main.example", &blob("a"));
        let response = headers(&[(":status", status)]);
        assert_eq!(world.respond(request, response), unchanged(status));
        assert_eq!(world.host.state(request, StateKey::Reason), "default; nearest");
    }
}

/// In a list the redirect may be one of a backend whose redirects are the client's.
#[test]
fn a_redirect_of_a_later_backend_is_the_clients() {
    let mut world = World::new(FOLLOWED);
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "503", &[]);
    let attempt = world.attempt(request, "far");
    world.answer(attempt, "307", &[("location", "https://elsewhere.example/x")]);
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), unchanged("307"));
    assert_eq!(location(&world, request), "https://elsewhere.example/x");
}

/// Where all redirects are denied, or some backends fail, only the first is for the operator to
/// mend.
#[test]
fn the_log_says_which_trouble_the_operator_can_mend() {
    let why = "its redirect leads where the policy does not";
    let away = [("location", "https://evil.example/x")];
    let unavailable = || replied("503", "portolan_failed:UNAVAILABLE");
    #[rustfmt::skip]
    let rows = [
        ("307", "404", replied("502", "portolan_failed:UNAVAILABLE"), true, "it would be there"),
        ("503", "404", unavailable(), false, "the first may have it"),
        ("307", "503", unavailable(), false, "the second may have it"),
    ];
    for (first, second, expected, says, reason) in rows {
        let mut world = World::new(FOLLOWED);
        let request = world.request("GET", "main.example", &blob("a"));
        let attempt = world.attempt(request, "near");
        assert_eq!(world.answer(attempt, first, &away), retried_at("far@last"), "{reason}");
        let attempt = world.attempt(request, "far");
        world.answer(attempt, second, &[]);
        let response = world.response(attempt);
        assert_eq!(world.respond(request, response), expected, "{reason}");
        assert_eq!(world.host.state(request, StateKey::Reason).contains(why), says, "{reason}");
    }
}

/// The backends to go on with are noted for the pass that follows a redirect, where there are any.
#[test]
fn a_redirect_of_the_only_backend_has_no_fallback() {
    let mut world = alone();
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "307", &[("location", "https://cdn.example/x")]);
    world.further_pass(request);
    let retries = value(&world.host.requests[0].headers, "x-envoy-max-retries");
    assert_eq!(retries, None);
}

/// Nothing is followed after a write, and its refusal is the client's: the proxy has shown nothing
/// of its own.
#[test]
fn the_refusal_of_a_write_is_the_clients() {
    let policy = FOLLOWED.replace(r#""chains""#, r#""owner": "far", "chains""#);
    let mut world = World::new(&policy);
    let push = world.request("PUT", "main.example", "/v2/a/manifests/v1");
    assert_eq!(world.end(push), forwarded("far@owner"));
    let attempt = world.attempt(push, "far");
    assert_eq!(world.answer(attempt, "403", &[]), for_client("403"));
    let response = world.response(attempt);
    assert_eq!(world.respond(push, response), unchanged("403"));
}

/// The next backend of the list may lead to the content.
#[test]
fn a_chain_of_redirects_without_end_is_left_for_the_next_backend() {
    let on = [("location", "https://cdn.example/on")];
    let mut world = World::new(FOLLOWED);
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    let follows = followed("https://cdn.example/on", "near@redirects");
    assert_eq!(world.answer(attempt, "307", &on), follows);
    for _ in 1..5 {
        let pass = world.further_pass(request);
        let target = world.target(pass);
        assert_eq!(world.answer(target, "307", &on), follows);
    }
    let pass = world.further_pass(request);
    let target = world.target(pass);
    assert_eq!(world.answer(target, "307", &on), retried_at("far@last"));
}

/// What a tag means is a registry's to say, and what else a delivery network tells is about itself.
#[test]
fn headers_of_content_from_a_redirect_target() {
    let told = [
        ("docker-content-digest", "sha256:9"),
        ("etag", "e"),
        ("www-authenticate", "Basic"),
        ("location", "https://evil.example/"),
        ("access-control-allow-origin", "*"),
    ];
    for (from_the_cdn, digest) in [(true, "sha256:1"), (false, "sha256:9")] {
        let mut world = World::new(FOLLOWED);
        let request = world.request("GET", "main.example", &blob("a"));
        let attempt = world.attempt(request, "near");
        let location =
            [("location", "https://cdn.example/x"), ("docker-content-digest", "sha256:1")];
        world.answer(attempt, "307", &location);
        let pass = world.further_pass(request);
        let mut answered = world.target(pass);
        if !from_the_cdn {
            assert_eq!(world.answer(answered, "403", &[]), retried_at("far@last"));
            answered = world.attempt(pass, "far");
        }
        assert_eq!(world.answer(answered, "200", &told), for_client("200"));
        let response = world.response(answered);
        assert_eq!(world.respond(pass, response), unchanged("200"));
        let found = &world.host.streams[&pass].response;
        let got = |name| value(found, name).map(|value| String::from_utf8(value).unwrap());
        assert_eq!(got("docker-content-digest").as_deref(), Some(digest));
        assert_eq!(got("etag").as_deref(), Some("e"));
        for (name, _) in &told[2..] {
            assert_eq!(got(name), None, "{name}");
        }
    }
}

/// What a delivery network answers that nobody asked for is not what was asked for.
#[test]
fn a_delivery_that_is_none_is_left_for_the_next_backend() {
    #[rustfmt::skip]
    let rows = [
        (None, "200", for_client("200")),
        (None, "203", for_client("203")),
        (None, "206", retried_at("far@last")),
        (Some(("range", "bytes=0-1")), "206", for_client("206")),
        (None, "304", retried_at("far@last")),
        (Some(("if-none-match", "e")), "304", for_client("304")),
        (Some(("range", "bytes=9-")), "416", for_client("416")),
        (None, "201", retried_at("far@last")),
        (None, "202", retried_at("far@last")),
        (None, "204", retried_at("far@last")),
        (None, "600", retried_at("far@last")),
    ];
    for (asks, status, expected) in rows {
        let mut world = World::new(FOLLOWED);
        let request = world.request_with("GET", "main.example", &blob("a"), asks.as_slice());
        let attempt = world.attempt(request, "near");
        world.answer(attempt, "307", &[("location", "https://cdn.example/x")]);
        let pass = world.further_pass(request);
        let target = world.target(pass);
        assert_eq!(world.answer(target, status, &[]), expected, "{asks:?}");
    }
}
