//! Redirects of backends that do not lead where they should: what the client gets, and what the log says.

use portolan_core::contract::StateKey;

use super::host::{headers, value};
use super::policies::{ALONE, FOLLOWED, FOLLOWED_ATTEMPTS, blob};
use super::simulator::World;

/// The first backend of the list alone.
fn alone() -> World {
    World::new(&FOLLOWED.replace(r#"["near", "far"]"#, r#"["near"]"#), ALONE)
}

fn location(world: &World, stream: u32) -> String {
    let value = value(&world.host.streams[&stream].response, "location");
    String::from_utf8(value.unwrap_or_default()).unwrap()
}

/// Envoy follows a redirect unless it cannot, as after too many: the answer then comes to the first pass.
#[test]
fn a_redirect_that_envoy_could_not_follow() {
    let mut world = alone();
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    let answered = world.answer(attempt, "307", &[("location", "https://cdn.example/x")]);
    assert_eq!(answered, "follows https://cdn.example/x by near@redirects");
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), "502 portolan_failed:UNAVAILABLE");
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
    assert_eq!(world.respond(request, response), "502 portolan_failed:UNAVAILABLE");
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
        assert_eq!(world.respond(request, response), format!("{status} as it came"));
        assert_eq!(world.host.state(request, StateKey::Reason), "default; nearest");
    }
}

/// In a list the redirect may be one of a backend whose redirects are the client's.
#[test]
fn a_redirect_of_a_later_backend_is_the_clients() {
    let mut world = World::new(FOLLOWED, FOLLOWED_ATTEMPTS);
    let request = world.request("GET", "main.example", &blob("a"));
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "503", &[]);
    let attempt = world.attempt(request, "far");
    world.answer(attempt, "307", &[("location", "https://elsewhere.example/x")]);
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), "307 as it came");
    assert_eq!(location(&world, request), "https://elsewhere.example/x");
}

/// Where everybody leads astray, or some fail, only the first is for the operator to mend.
#[test]
fn the_log_says_which_trouble_the_operator_can_mend() {
    let astray = "its redirect leads where the policy does not";
    let away = [("location", "https://evil.example/x")];
    let unavailable = "503 portolan_failed:UNAVAILABLE";
    #[rustfmt::skip]
    let rows = [
        ("307", "404", "502 portolan_failed:UNAVAILABLE", true, "it would be there"),
        ("503", "404", unavailable, false, "the first may have it"),
        ("307", "503", unavailable, false, "the second may have it"),
    ];
    for (first, second, expected, says, reason) in rows {
        let mut world = World::new(FOLLOWED, FOLLOWED_ATTEMPTS);
        let request = world.request("GET", "main.example", &blob("a"));
        let attempt = world.attempt(request, "near");
        assert_eq!(world.answer(attempt, first, &away), "on to far@last", "{reason}");
        let attempt = world.attempt(request, "far");
        world.answer(attempt, second, &[]);
        let response = world.response(attempt);
        assert_eq!(world.respond(request, response), expected, "{reason}");
        assert_eq!(world.host.state(request, StateKey::Reason).contains(astray), says, "{reason}");
    }
}

/// The backends to go on with are noted for the pass that follows a redirect, where there are any.
#[test]
fn a_redirect_of_the_only_backend_has_nobody_behind_it() {
    let mut world = alone();
    let request = world.request("GET", "main.example", &blob("a"));
    assert_eq!(world.host.state(request, StateKey::Fallback), "");
    let attempt = world.attempt(request, "near");
    world.answer(attempt, "307", &[("location", "https://cdn.example/x")]);
    world.further_pass(request);
    let retries = value(&world.host.requests[0].headers, "x-envoy-max-retries");
    assert_eq!(retries, None);
}

/// Nothing is followed after a write, and its refusal is the client's: the proxy has shown nothing of its own.
#[test]
fn the_refusal_of_a_write_is_the_clients() {
    let policy = FOLLOWED.replace(r#""chains""#, r#""owner": "far", "chains""#);
    let mut world = World::new(&policy, FOLLOWED_ATTEMPTS);
    let push = world.request("PUT", "main.example", "/v2/a/manifests/v1");
    assert_eq!(world.end(push), "to far@owner");
    let attempt = world.attempt_alone(push, "far");
    assert_eq!(world.answer(attempt, "403", &[]), "passes 403");
    let response = world.response(attempt);
    assert_eq!(world.respond(push, response), "403 as it came");
}
