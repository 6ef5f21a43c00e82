//! What a backend's refusal of the proxy's own credentials and tokens means, and who hears of it.

use portolan_core::attempt::{Answer, Wait};
use portolan_core::contract::StateKey;
use portolan_driver::StreamId;

use super::host::{headers, value};
use super::outcome::{Answered, Attempted, asked_for, for_client, replied, retried_at};
use super::policies::{LIST, blob};
use super::simulator::World;

const TOKEN: &str = r#"{"token": "of-hub", "expires_in": 300}"#;
const INVALID: (&str, &str) = ("www-authenticate", r#"Bearer realm="R",error="invalid_token""#);

/// One backend, which is authenticated to in this way.
fn only(auth: &str) -> World {
    let policy = format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["main.example"]}}}},
        "backends": {{"self": {{"url": "https://self.example/base", {auth}}}}},
        "credentials": {{"c": {{"file": "/c/self"}}}},
        "regions": {{"default": {{}}}},
        "rules": [{{"name": "r", "repositories": ["team/**"], "readers": "anyone", "chains": {{"default": ["self"]}}}}]
    }}"#
    );
    World::new(&policy)
}

/// Of the only backend of a list, too, by its own path.
#[test]
fn the_only_backend_is_asked_for_its_own_path() {
    let mut world = only(r#""auth": "basic", "credential": "c""#);
    let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
    let attempt = world.attempt(request, "self");
    assert_eq!(world.sent(attempt), asked_for("/base/v2/team/a/manifests/v1").with_credential("c"));
}

/// So that they are there should the first attempt fail.
#[test]
fn the_tokens_of_the_whole_list_are_fetched_at_once() {
    let policy = LIST.replace(
        r#""open": {"url": "https://open.example"}"#,
        r#""open": {"url": "https://open.example", "auth": {"token": {"realm": "https://open.example/token"}}}"#,
    );
    let mut world = World::new(&policy);
    let request = world.request("GET", "main.example", &blob("team/a"));
    world.attempt(request, "hub");
    world.pass(1);
    let mut asked: Vec<&str> = world.calls.iter().map(|(_, call)| call.cluster.as_str()).collect();
    asked.sort_unstable();
    assert_eq!(asked, ["hub@token", "open@token"]);
}

/// Of several backends, the next one is asked in either case; it makes a difference where nobody
/// has it.
#[test]
fn meanings_of_the_refusal_of_a_token() {
    #[rustfmt::skip]
    let rows = [
        ("401", None, Answer::Again, "another token may be good: it could have been shown more"),
        ("403", Some(INVALID), Answer::Again, "the same, by a registry that means 401"),
        ("403", None, Answer::Refused, "the token is good, and not enough"),
    ];
    for (status, challenge, expected, reason) in rows {
        let mut world = World::new(LIST);
        let request = world.request("GET", "main.example", &blob("team/a"));
        let attempt = world.attempt(request, "hub");
        world.pass(1);
        world.service("hub@token", "200", &[], TOKEN);
        world.sent(attempt);
        assert_eq!(
            world.answer(attempt, status, challenge.as_slice()),
            retried_at("robot+open@last")
        );
        assert_eq!(world.host.noted(request).of("hub"), Some(expected), "{reason}");
    }
}

/// The token of `hub` is refused in a list of three, and nobody else has the content.
fn refused_and_alone(world: &mut World) -> StreamId {
    let request = world.request("GET", "main.example", &blob("team/a"));
    let shared = &world.host.requests[world.host.streams[&request].request].headers;
    assert_eq!(
        value(shared, "x-envoy-max-retries").as_deref(),
        Some(&b"3"[..]),
        "two, and one more"
    );
    let attempt = world.attempt(request, "hub");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(world.answer(attempt, "401", &[]), retried_at("robot+open@last"));
    world.close(attempt);
    for (backend, next) in [("robot", "open@last"), ("open", "hub@last")] {
        let attempt = world.attempt(request, backend);
        assert_eq!(world.answer(attempt, "404", &[]), retried_at(next));
        world.close(attempt);
    }
    request
}

/// By then its next token is there, or it is waited for.
#[test]
fn a_backend_that_refused_a_token_is_asked_again_at_the_end() {
    #[rustfmt::skip]
    let rows = [
        ("200", for_client("200"), None, "it has the content"),
        ("404", for_client("404"), Some(Answer::Missed), "nobody has it"),
        ("401", for_client("401"), Some(Answer::Refused), "a new token is not good either"),
        ("503", for_client("503"), Some(Answer::Failed(Wait::UNKNOWN)), "it fails"),
    ];
    for (status, expected, noted, reason) in rows {
        let mut world = World::new(LIST);
        let request = refused_and_alone(&mut world);
        let attempt = world.attempt(request, "hub");
        assert_eq!(world.sent(attempt), Attempted::Waits, "its token is fetched");
        world.pass(1);
        world.service("hub@token", "200", &[], r#"{"token": "renewed", "expires_in": 300}"#);
        assert_eq!(
            world.sent(attempt),
            asked_for("/base/v2/team/a/blobs/DIGEST").with_token("renewed")
        );
        assert_eq!(world.answer(attempt, status, &[]), expected, "{reason}");
        let noted = noted.or(Some(Answer::Again));
        assert_eq!(world.host.noted(request).of("hub"), noted, "{reason}");
    }
}

/// Envoy asks for a next attempt where one had no answer, though there is nobody to go on to.
#[test]
fn a_backend_that_was_asked_again_is_not_asked_for_a_third_time() {
    let mut world = World::new(LIST);
    let request = refused_and_alone(&mut world);
    let attempt = world.attempt(request, "hub");
    world.close(attempt);
    assert_eq!(world.host.noted(request).of("hub"), Some(Answer::Silent));
    for backend in ["hub", "robot", "open"] {
        let further = world.attempt(request, backend);
        assert_eq!(world.sent(further), Attempted::Replied { status: 503 }, "{backend}");
    }
}

/// Where the tokens of a backend are says the backend itself, if the policy does not.
#[test]
fn the_only_backend_says_where_its_tokens_are() {
    let challenge =
        ("www-authenticate", r#"Bearer realm="https://self.example/token",service="s""#);
    #[rustfmt::skip]
    let rows = [
        ("401", Some(challenge), true, "it is asked there, and then this one once more"),
        ("401", None, false, "it does not say"),
        ("403", Some(challenge), false, "it does not ask for a token"),
    ];
    for (status, challenge, expected, reason) in rows {
        let mut world = only(r#""auth": "token""#);
        let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
        let attempt = world.attempt(request, "self");
        world.pass(20_000);
        assert_eq!(
            world.sent(attempt),
            asked_for("/base/v2/team/a/manifests/v1"),
            "without a token"
        );
        let answered = world.answer(attempt, status, challenge.as_slice());
        let is_again = matches!(answered, Answered::Retried { .. });
        assert_eq!(is_again, expected, "{reason}");
        world.calls.clear();
        world.attempt(request, "self");
        world.pass(1);
        let mut asked = world.calls.iter().filter_map(|(_, call)| call.header(":path"));
        assert_eq!(asked.any(|path| path.starts_with("/token?")), expected, "{reason}");
    }
}

#[test]
fn a_credential_that_is_wrong_is_told_once_for_each_request() {
    let mut world = only(r#""auth": "basic", "credential": "c""#);
    for _ in 0..2 {
        let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
        for _ in 0..2 {
            let attempt = world.attempt(request, "self");
            assert_eq!(world.answer(attempt, "401", &[]), for_client("401"));
        }
        let reason = world.host.state(request, StateKey::Reason);
        assert_eq!(reason, "default; nearest replica; the credential c was refused for self");
        let response = headers(&[(":status", "401"), ("x-portolan-doubtful", "1")]);
        let end = replied("403", "portolan_refused:credential_refused");
        assert_eq!(world.respond(request, response), end, "who may mend it is not the client");
    }
    assert_eq!(world.host.warnings.len(), 1, "{:?}", world.host.warnings);
}

/// A token service is a part of its registry, and so is its limit.
#[test]
fn a_token_service_that_limits_requests() {
    let auth = r#""auth": {"token": {"realm": "https://auth.example/token"}}"#;
    let limited = || replied("429", "portolan_limited:TOOMANYREQUESTS");
    #[rustfmt::skip]
    let rows = [
        ("429", Some(("retry-after", "20")), "401", limited(), Some("20"), "it says for how long"),
        ("429", None, "401", limited(), None, "it does not say"),
        ("429", Some(("retry-after", "20")), "403", limited(), Some("20"), "a registry that means 401"),
        ("503", Some(("retry-after", "20")), "401", replied("503", "portolan_failed:UNAVAILABLE"), None, "it is out of order"),
    ];
    for (status, wait, of_backend, expected, noted, reason) in rows {
        let mut world = only(auth);
        let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
        let attempt = world.attempt(request, "self");
        world.pass(1);
        world.service("self@token", status, wait.as_slice(), "");
        let without = asked_for("/base/v2/team/a/manifests/v1");
        assert_eq!(world.sent(attempt), without, "{reason}: it may need none");
        assert_eq!(world.answer(attempt, of_backend, &[]), for_client(of_backend));
        let wait = world.host.noted(request).of("self").and_then(|answer| answer.wait().seconds());
        assert_eq!(wait.map(|seconds| seconds.to_string()).as_deref(), noted, "{reason}");
        let response = headers(&[(":status", of_backend), ("x-portolan-doubtful", "1")]);
        assert_eq!(world.respond(request, response), expected, "{reason}");
        let other = world.request("GET", "main.example", "/v2/team/b/manifests/v1");
        assert_eq!(
            world.host.state(other, StateKey::Reason),
            "default; nearest replica",
            "{reason}"
        );
    }
}

/// The credential is shown to the token service then.
#[test]
fn a_credential_that_the_token_service_refuses() {
    let auth = r#""auth": {"token": {"realm": "https://auth.example/token"}}, "credential": "c""#;
    let mut world = only(auth);
    let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
    let attempt = world.attempt(request, "self");
    world.pass(1);
    world.service("self@token", "401", &[], "");
    assert_eq!(world.sent(attempt), asked_for("/base/v2/team/a/manifests/v1"));
    assert_eq!(world.answer(attempt, "401", &[]), for_client("401"));
    let reason = world.host.state(request, StateKey::Reason);
    assert_eq!(reason, "default; nearest replica; the credential c was refused for self");
}

/// What an only backend answers passes as it is, and nobody reads what would be noted of it.
#[test]
fn a_list_of_one_notes_only_refusals() {
    #[rustfmt::skip]
    let rows = [
        ("404", "", "it lacks it"),
        ("503", "", "it is in trouble"),
        ("401", "self 401", "the credential is wrong"),
        ("403", "self 403", "the credential is not enough"),
    ];
    for (status, expected, reason) in rows {
        let mut world = only(r#""auth": "basic", "credential": "c""#);
        let request = world.request("GET", "main.example", "/v2/team/a/manifests/v1");
        let attempt = world.attempt(request, "self");
        assert_eq!(world.answer(attempt, status, &[]), for_client(status), "{reason}");
        assert_eq!(world.host.state(request, StateKey::Tried), expected, "{reason}");
    }
}
