//! The token endpoint, step by step: which service is asked what, and what the client gets.

use super::outcome::{End, forwarded, replied};
use super::policies::LOGIN;
use super::simulator::World;

const SCOPE: &str = "/portolan/token?service=login.example&scope=repository:team/a:pull";
const TOKEN: &str = r#"{"token": "abc"}"#;
const CHALLENGE: [(&str, &str); 1] =
    [("www-authenticate", r#"Bearer realm="https://self.example/t",service="self""#)];

fn world() -> World {
    World::new(LOGIN)
}

/// A client asks for a token at the front of `home`.
fn asked(world: &mut World) -> u32 {
    let request = world.request("GET", "login.example", SCOPE);
    assert_eq!(world.end(request), End::Waits);
    request
}

#[test]
fn a_service_that_is_known_is_asked_at_once() {
    #[rustfmt::skip]
    let rows = [
        ("200", TOKEN, replied("200", "portolan_front:token"), "a token"),
        ("200", "<html>", replied("502", "portolan_failed:UNKNOWN"), "what no client could use"),
        ("401", "{}", replied("401", "portolan_refused:token_refused"), "a wrong password"),
        ("403", "{}", replied("403", "portolan_refused:token_refused"), "no access"),
        ("429", "{}", replied("429", "portolan_limited:token_refused"), "limited"),
        ("503", "", replied("503", "portolan_failed:UNAVAILABLE"), "down"),
    ];
    for (status, body, expected, reason) in rows {
        let mut world = world();
        let request = asked(&mut world);
        let call = world.call_answered(request, status, &[], body);
        assert_eq!(call.cluster, "home@token");
        assert_eq!(call.header(":authority"), Some("auth.example"));
        let path = call.header(":path").unwrap();
        assert!(path.starts_with("/token?") && path.contains("service=home"), "{path}");
        assert_eq!(world.end(request), expected, "{reason}");
    }
}

#[test]
fn a_password_goes_to_the_service_alone() {
    let mut world = world();
    let login = [("authorization", "Basic YTpi")];
    let request = world.request_with("GET", "login.example", SCOPE, &login);
    let call = world.call_answered(request, "200", &[], TOKEN);
    assert_eq!(call.header("authorization"), Some("Basic YTpi"));
    let request =
        world.request_with("GET", "found.example", &SCOPE.replace("login", "found"), &login);
    let call = world.call_answered(request, "401", &CHALLENGE, "");
    assert_eq!(call.header(":path"), Some("/v2/"), "the backend says where its tokens are");
    assert_eq!(call.header("authorization"), None, "it is not asked for one");
    let call = world.call_answered(request, "200", &[], TOKEN);
    assert!(call.header(":path").unwrap().starts_with("/t?"), "{call:?}");
    assert_eq!(call.header("authorization"), Some("Basic YTpi"));
    assert_eq!(world.end(request), replied("200", "portolan_front:token"));
}

#[test]
fn a_service_is_looked_for_once() {
    let mut world = world();
    let target = SCOPE.replace("login", "found");
    let request = world.request("GET", "found.example", &target);
    world.call_answered(request, "200", &[], "{}");
    let call = world.call_answered(request, "401", &CHALLENGE, "");
    assert!(call.header(":path").unwrap().starts_with("/v2/team/a/"), "open to all: {call:?}");
    world.call_answered(request, "200", &[], TOKEN);
    assert_eq!(world.end(request), replied("200", "portolan_front:token"));
    let request = world.request("GET", "found.example", &target);
    let call = world.call_answered(request, "200", &[], TOKEN);
    assert!(call.header(":path").unwrap().starts_with("/t?"), "it is known by now: {call:?}");
}

#[test]
fn a_service_that_is_not_found() {
    let elsewhere = [("www-authenticate", r#"Bearer realm="https://evil.example/t""#)];
    let rows: [(&str, &[(&str, &str)], &str); 3] = [
        ("401", &elsewhere, "another host, which would get the client's password"),
        ("401", &[], "it says nothing"),
        ("503", &[], "it is down"),
    ];
    for (status, headers, reason) in rows {
        let mut world = world();
        let request = world.request("GET", "found.example", &SCOPE.replace("login", "found"));
        world.call_answered(request, status, headers, "");
        assert_eq!(world.end(request), replied("503", "portolan_failed:UNAVAILABLE"), "{reason}");
        assert!(world.host.warnings[0].contains("`self` does not say"), "{reason}");
    }
}

#[test]
fn redirects_stay_at_the_service_and_end() {
    let mut world = world();
    let request = asked(&mut world);
    for place in ["/token/", "https://auth.example/t", "/u"] {
        world.call_answered(request, "307", &[("location", place)], "");
        assert_eq!(world.end(request), End::Waits, "{place}");
    }
    let call = world.call_answered(request, "307", &[("location", "/fourth")], "");
    assert_eq!(call.header(":path"), Some("/u"));
    assert_eq!(world.end(request), replied("502", "portolan_failed:UNKNOWN"), "three are enough");
    let request = asked(&mut world);
    world.call_answered(request, "302", &[("location", "https://evil.example/")], "");
    assert_eq!(world.end(request), replied("502", "portolan_failed:UNKNOWN"), "another host");
}

#[test]
fn forms() {
    let form = "grant_type=password&service=login.example&username=a&password=b&scope=repository:team/a:pull";
    #[rustfmt::skip]
    let rows = [
        (form, End::Waits, "a form"),
        ("grant_type=other&service=login.example", replied("400", "portolan_refused:UNSUPPORTED"), "another grant"),
    ];
    for (body, expected, reason) in rows {
        let mut world = world();
        let request = world.form("login.example", "/portolan/token", body);
        let end = world.end(request);
        assert_eq!(end, expected, "{reason}");
        if end == End::Waits {
            let call = world.call_answered(request, "200", &[], TOKEN);
            assert_eq!(call.header(":method"), Some("POST"));
            assert!(
                call.body.contains("password=b") && call.body.contains("service=home"),
                "{call:?}"
            );
            assert_eq!(call.header("content-length").unwrap(), call.body.len().to_string());
            assert_eq!(world.end(request), replied("200", "portolan_front:token"));
        }
    }
}

#[test]
fn a_form_that_is_too_long() {
    let mut world = world();
    let long = "a".repeat(portolan_core::token::form::MAXIMUM_LENGTH + 1);
    let request = world.form("login.example", "/portolan/token", &long);
    let end = world.end(request);
    assert!(end.is_reply_of("413"), "{end:?}");
}

#[test]
fn requests_without_a_form_are_left_to_the_deciding_filter() {
    let mut world = world();
    for target in ["/v2/team/a/manifests/v1", "/portolan/token?x=1"] {
        let request = world.form("login.example", target, "");
        assert_eq!(world.end(request), forwarded(""), "{target}");
    }
}

#[test]
fn a_client_that_goes_away_takes_its_call_with_it() {
    let mut world = world();
    let request = asked(&mut world);
    world.close(request);
    assert!(world.host.calls.is_empty());
    world.pass(20_000);
    assert_eq!(world.host.alarm, None);
}
