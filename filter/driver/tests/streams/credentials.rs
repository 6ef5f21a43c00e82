//! What a backend's refusal of the proxy's own credentials and tokens means, and who hears of it.

use portolan_core::attempt::{Answer, Wait};
use portolan_core::contract::StateKey;

use super::host::headers;
use super::outcome::{Answered, asked_for, for_client, replied, retried_at};
use super::policies::{ALONE, ATTEMPTS, LIST, blob};
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
    World::new(&policy, ALONE)
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
    let mut world = World::new(&policy, ATTEMPTS);
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
    let failed = Answer::Failed(Wait::UNKNOWN);
    #[rustfmt::skip]
    let rows = [
        ("401", None, failed, "another token may be good: it could have been shown more"),
        ("403", Some(INVALID), failed, "the same, by a registry that means 401"),
        ("403", None, Answer::Refused, "the token is good, and not enough"),
    ];
    for (status, challenge, expected, reason) in rows {
        let mut world = World::new(LIST, ATTEMPTS);
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
