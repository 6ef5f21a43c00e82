//! Attempts, step by step: what each backend is sent, and where its answer sends the request.

use portolan_core::attempt::Answer;
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::DOUBTFUL;
use portolan_policy_builder::{Backend, Front, Policy};

use super::host::value;
use super::outcome::{
    Attempted, asked_for, followed, for_client, forwarded, replied, retried_at, unchanged,
};
use super::policies::{FOLLOWED, LIST, LOGIN, blob, facts};
use super::simulator::World;

const TOKEN: &str = r#"{"token": "of-hub", "expires_in": 300}"#;
const AT_HUB: &str = "/base/v2/team/a/blobs/DIGEST";
const AT_ROBOT: &str = "/v2/robots/a/blobs/DIGEST";
const AT_OPEN: &str = "/v2/team/a/blobs/DIGEST";

/// A request for a blob of the list, from a client that shows something of its own.
fn request(world: &mut World) -> u32 {
    let client = [("authorization", "Basic Y2xpZW50OnNlY3JldA==")];
    let request = world.request_with("GET", "main.example", &blob("team/a"), &client);
    assert_eq!(world.end(request), forwarded("hub+robot+open"));
    request
}

/// What `robot` gets, with its own credential.
fn at_robot() -> Attempted {
    asked_for(AT_ROBOT).with_credential("c")
}

/// What `hub` gets with the token of its service.
fn with_token(target: &str) -> Attempted {
    asked_for(target).with_token("of-hub")
}

#[test]
fn each_backend_is_sent_its_own() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let first = world.attempt(request, "hub");
    assert_eq!(world.sent(first), Attempted::Waits, "for its token");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(world.sent(first), with_token(AT_HUB));
    assert_eq!(world.answer(first, "503", &[]), retried_at("robot+open@last"));
    let second = world.attempt(request, "robot");
    assert_eq!(world.sent(second), at_robot());
    assert_eq!(world.answer(second, "404", &[]), retried_at("open@last"));
    let third = world.attempt(request, "open");
    assert_eq!(world.sent(third), asked_for(AT_OPEN));
    assert_eq!(world.answer(third, "200", &[]), for_client("200"));
    let response = world.response(third);
    assert_eq!(world.respond(request, response), unchanged("200"));
    assert_eq!(world.host.state(request, StateKey::Tried), "hub 503; robot 404");
    assert_eq!(world.host.state(request, StateKey::PassedOver), "hub");
    assert_eq!(world.host.state(request, StateKey::PassedOverWhy), "+failed");
    let again = world.attempt(request, "hub");
    assert_eq!(world.sent(again), Attempted::Replied { status: 503 }, "it has answered");
}

#[test]
fn attempts_that_overlap_do_not_mix() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let slow = world.attempt(request, "hub");
    let hedge = world.attempt(request, "robot");
    assert_eq!(world.sent(hedge), at_robot(), "it does not wait for the other one's token");
    let last = world.attempt(request, "open");
    assert_eq!(world.sent(last), asked_for(AT_OPEN), "nothing of the others is left");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(world.sent(slow), with_token(AT_HUB), "path and token are set again");
    // What the host says of "the" backend by now is about `open`.
    assert_eq!(world.answer(slow, "404", &[]), retried_at("robot+open@last"));
    assert_eq!(world.answer(hedge, "404", &[]), retried_at("open@last"));
    assert_eq!(world.answer(last, "404", &[]), for_client("404"));
    let noted = world.host.noted(request);
    for backend in ["hub", "robot", "open"] {
        assert_eq!(noted.of(backend), Some(Answer::Missed), "{backend}");
    }
    let response = world.response(last);
    assert_eq!(world.respond(request, response), unchanged("404"));
}

#[test]
fn the_credential_of_another_backend_is_not_named() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let waiting = world.attempt(request, "hub");
    assert_eq!(world.sent(waiting), Attempted::Waits);
    // Its credential is named, and nothing behind the attempt phase has taken the name out yet.
    world.attempt(request, "robot");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(world.sent(waiting), with_token(AT_HUB));
}

#[test]
fn an_answer_that_asks_for_credentials_is_looked_at() {
    #[rustfmt::skip]
    let rows = [
        ("200", "www-authenticate", true, "a challenge, whatever the status"),
        ("200", "proxy-authenticate", true, "one of a proxy, which no client is to answer"),
        ("200", "authentication-info", false, "no challenge"),
    ];
    for (status, header, expected, reason) in rows {
        let mut world = World::new(LIST);
        let request = request(&mut world);
        let attempt = world.attempt(request, "open");
        world.sent(attempt);
        world.answer(attempt, status, &[(header, "Basic realm=\"x\"")]);
        let marked = value(&world.response(attempt), DOUBTFUL).is_some();
        assert_eq!(marked, expected, "{reason}");
    }
}

#[test]
fn a_token_service_that_is_slow() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let first = world.attempt(request, "hub");
    world.pass(1999);
    assert_eq!(world.sent(first), Attempted::Waits);
    world.pass(2);
    assert_eq!(world.sent(first), asked_for(AT_HUB), "without a token, and without the client's");
    assert_eq!(
        world.answer(first, "401", &[]),
        retried_at("robot+open@last"),
        "it could have been shown more"
    );
    let noted = world.host.noted(request);
    assert!(matches!(noted.of("hub"), Some(Answer::Failed(_))), "{noted:?}");
}

#[test]
fn an_attempt_that_ends_without_an_answer() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let waiting = world.attempt(request, "hub");
    world.close(waiting);
    let asked = world.attempt(request, "robot");
    assert_eq!(world.sent(asked), at_robot());
    world.close(asked);
    assert_eq!(world.host.state(request, StateKey::NextCluster), "open@last");
    assert_eq!(world.host.state(request, StateKey::Tried), "hub no answer; robot no answer");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(
        world.respond(request, super::host::headers(&[(":status", "503"), ("retry-after", "1")])),
        replied("503", "portolan_failed:UNAVAILABLE")
    );
}

/// Envoy refuses it itself, behind the deciding phase: no attempt was made, and none of the
/// backends has said anything.
#[test]
fn a_budget_that_is_used_up_is_no_word_of_a_backend() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let refused = super::host::headers(&[(":status", "429"), ("retry-after", "1")]);
    assert_eq!(world.respond(request, refused), unchanged("429"));
}

/// What a status means depends on what the backend was shown.
#[test]
fn what_an_answer_means() {
    #[rustfmt::skip]
    let rows = [
        ("open", "200", for_client("200"), "content"),
        ("open", "400", for_client("400"), "about the request"),
        ("open", "401", retried_at("hub+robot@last"), "no client can log in there"),
        ("open", "407", retried_at("hub+robot@last"), "a proxy before it wants to know who this one is"),
        ("open", "600", retried_at("hub+robot@last"), "no status of HTTP"),
        ("open", "206", retried_at("hub+robot@last"), "nobody asked for a part"),
        ("open", "304", retried_at("hub+robot@last"), "nobody has anything that could be unchanged"),
        ("open", "403", retried_at("hub+robot@last"), "a country: another one may say yes"),
        ("open", "404", retried_at("hub+robot@last"), "it lacks it"),
        ("open", "429", retried_at("hub+robot@last"), "limited"),
        ("open", "500", retried_at("hub+robot@last"), "trouble"),
        ("robot", "401", retried_at("hub+open@last"), "the credential is wrong"),
        ("robot", "403", retried_at("hub+open@last"), "the credential is not enough"),
        ("robot", "416", for_client("416"), "about the request"),
    ];
    for (backend, status, expected, reason) in rows {
        let mut world = World::new(LIST);
        let request = request(&mut world);
        let attempt = world.attempt(request, backend);
        world.sent(attempt);
        assert_eq!(world.answer(attempt, status, &[]), expected, "{backend}: {reason}");
        let says =
            world.host.warnings.iter().any(|line| line.contains("credential `c`: answers 401"));
        assert_eq!(says, (backend, status) == ("robot", "401"), "{:?}", world.host.warnings);
    }
}

/// A backend may not answer with the headers by which Envoy and the filter talk to each other.
#[test]
fn an_answer_loses_what_is_internal() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let attempt = world.attempt(request, "open");
    world.sent(attempt);
    let more = [
        ("x-portolan-go-on", "1"),
        ("x-portolan-cluster", "evil"),
        ("x-envoy-immediate-health-check-fail", "1"),
        ("date", "today"),
    ];
    assert_eq!(world.answer(attempt, "200", &more), for_client("200"));
    let left: Vec<String> = world.response(attempt).into_iter().map(|(name, _)| name).collect();
    assert_eq!(left, [":status", "date"]);
}

/// The attempt phase has marked it: only then the response phase looks for one beside content.
#[test]
fn a_link_beside_content_names_no_backend() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let attempt = world.attempt(request, "open");
    world.sent(attempt);
    let link = [("link", "<https://open.example/v2/team/a/tags/list?last=v1>; rel=\"next\"")];
    assert_eq!(world.answer(attempt, "200", &link), for_client("200"));
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), unchanged("200"));
    let left = &world.host.streams[&request].response;
    let names_it = |value: &[u8]| String::from_utf8_lossy(value).contains("open.example");
    assert!(!left.iter().any(|(_, value)| names_it(value)), "{left:?}");
}

#[test]
fn a_backend_that_was_skipped_is_named() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let attempt = world.attempt(request, "open");
    world.sent(attempt);
    let tried = world.host.state(request, StateKey::Tried);
    assert_eq!(tried, "hub skipped; robot skipped", "both in one look");
    assert_eq!(world.host.state(request, StateKey::PassedOverWhy), "+skipped");
}

#[test]
fn nothing_was_prepared_for_this_backend() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let attempt = world.attempt(request, "other");
    assert_eq!(
        world.sent(attempt),
        Attempted::Replied { status: 503 },
        "what is there may be another's secrets"
    );
}

#[test]
fn the_only_backend_of_a_list_is_asked_once_more_with_another_token() {
    let hub = Backend::at("https://hub.example").tokens_of("https://auth.example/token", "hub");
    let policy =
        Policy::new().front("main", Front::at(["main.example"])).backend("hub", hub).json();
    let mut world = World::new(&policy);
    let request = world.request("GET", "main.example", "/v2/a/manifests/v1");
    assert_eq!(world.end(request), forwarded("hub"));
    let attempt = world.attempt(request, "hub");
    world.pass(1);
    world.service("hub@token", "200", &[], TOKEN);
    assert_eq!(world.sent(attempt), asked_for("/v2/a/manifests/v1").with_token("of-hub"));
    assert_eq!(world.answer(attempt, "401", &[]), retried_at(""), "the same cluster again");
    let again = world.attempt(request, "hub");
    assert_eq!(world.sent(again), Attempted::Waits, "for a new token");
    world.pass(1);
    world.service("hub@token", "200", &[], r#"{"token": "newer"}"#);
    assert_eq!(world.sent(again), asked_for("/v2/a/manifests/v1").with_token("newer"));
    assert_eq!(world.answer(again, "403", &[]), for_client("403"));
    let response = world.response(again);
    assert_eq!(world.respond(request, response), replied("403", "portolan_refused:DENIED"));
}

/// A client that logs in through the front gets its own token to its own backend.
#[test]
fn a_client_that_logs_in_sends_its_own_token() {
    let mut world = World::new(LOGIN);
    let client = [("authorization", "Bearer abc")];
    let request = world.request_with("GET", "login.example", "/v2/team/a/manifests/v1", &client);
    assert_eq!(world.end(request), forwarded("home"));
    let mark = super::host::headers(&[
        (":status", "401"),
        ("www-authenticate", "Bearer realm=\"https://auth.example/token\",service=\"home\""),
    ]);
    assert_eq!(world.respond(request, mark), unchanged("401"));
    let challenge = value(&world.host.streams[&request].response, "www-authenticate");
    let challenge = String::from_utf8(challenge.unwrap()).unwrap();
    assert!(challenge.starts_with("Bearer realm=\"https://login.example/"), "{challenge}");
}

/// From the first attempt to the redirect's target, and on to the next backend where nothing is
/// delivered.
#[test]
fn a_redirect_that_is_followed() {
    let mut world = World::new(FOLLOWED);
    let request = world.request("GET", "main.example", &blob("a"));
    assert_eq!(world.end(request), forwarded("near+far"));
    let first = world.attempt(request, "near");
    world.sent(first);
    let location = [("location", "//cdn.example/x?sig=1"), ("docker-content-digest", "sha256:1")];
    let found = world.answer(first, "307", &location);
    assert_eq!(found, followed("https://cdn.example/x?sig=1", "near@redirects"));
    // The host begins the request anew, at that URL and with these headers.
    let headers = &mut world.host.requests[0].headers;
    for (name, value) in &mut *headers {
        match name.as_str() {
            ":authority" => *value = b"cdn.example".to_vec(),
            ":path" => *value = b"/x?sig=1".to_vec(),
            _ => {}
        }
    }
    headers.push(("cookie".to_owned(), b"secret".to_vec()));
    let pass = world.further_pass(request);
    assert_eq!(world.end(pass), forwarded("near+far"), "what the first pass has set stays");
    let target = world.target(pass);
    let got = world.send(target);
    assert_eq!(got.header("cookie"), None, "nobody who delivers is shown anything");
    assert_eq!(got.header("range"), None);
    assert_eq!(world.answer(target, "403", &[]), retried_at("far@last"));
    let second = world.attempt(pass, "far");
    let got = world.send(second);
    assert_eq!(got.header(":authority").as_deref(), Some("far.example"), "not the target's");
    assert_eq!(Attempted::Asked(got.asked()), asked_for("/base/v2/a/blobs/DIGEST"));
    assert_eq!(world.answer(second, "200", &[]), for_client("200"));
    let response = world.response(second);
    assert_eq!(world.respond(pass, response), unchanged("200"));
    let digest = value(&world.host.streams[&pass].response, "docker-content-digest");
    assert_eq!(digest.as_deref(), Some(&b"sha256:1"[..]));
    let backend = value(&world.host.streams[&pass].response, "x-portolan-backend");
    assert_eq!(backend.as_deref(), Some(&b"far"[..]));
}

/// The host of the redirect's target is none of the policy's.
#[test]
fn a_followed_redirect_is_by_the_backend_that_redirected() {
    let mut world = World::new(FOLLOWED);
    let request = world.request("GET", "main.example", &blob("a"));
    let first = world.attempt(request, "near");
    world.sent(first);
    world.answer(first, "307", &[("location", "https://cdn.example/x")]);
    let pass = world.further_pass(request);
    let target = world.target(pass);
    world.answer(target, "200", &[]);
    let response = world.response(target);
    world.respond(pass, response);
    let backend = value(&world.host.streams[&pass].response, "x-portolan-backend");
    assert_eq!(backend.as_deref(), Some(&b"near"[..]));
}

#[test]
fn redirects_that_are_not_followed() {
    #[rustfmt::skip]
    let rows = [
        ("near", "307", "https://evil.example/x", retried_at("far@last"), "not in `followed_redirects.hosts`"),
        ("near", "302", "http://cdn.example/x", retried_at("far@last"), "without TLS"),
        ("near", "307", "", retried_at("far@last"), "it leads nowhere"),
        ("near", "300", "https://cdn.example/x", for_client("300"), "no redirect"),
        ("far", "307", "https://evil.example/x", for_client("307"), "its redirects are the client's"),
    ];
    for (backend, status, location, expected, reason) in rows {
        let mut world = World::new(FOLLOWED);
        let request = world.request("GET", "main.example", &blob("a"));
        let attempt = world.attempt(request, backend);
        world.sent(attempt);
        // A backend cannot say that its redirect is to be followed.
        let more = [("location", location), ("x-portolan-cluster", "near@redirects")];
        assert_eq!(world.answer(attempt, status, &more), expected, "{reason}");
    }
}

/// When the log is written the request has the path of the backend that was asked last.
#[test]
fn the_access_log_has_the_path_of_the_client() {
    let (same, facts) = ("limited/a", facts(1));
    let rows = [
        (facts.as_str(), same, false, "each backend is asked for this path"),
        (LIST, "team/a", true, "a backend of the list has a base path"),
        (FOLLOWED, "team/a", true, "a further pass may have any path"),
    ];
    for (policy, repository, is_noted, reason) in rows {
        let mut world = World::new(policy);
        let path = blob(repository);
        let request = world.request("GET", "main.example", &format!("{path}?secret"));
        let expected = if is_noted { path.as_str() } else { "" };
        assert_eq!(world.host.state(request, StateKey::Path), expected, "{reason}");
    }
}

/// Nobody has asked for one (RFC 9110 section 15.2.2), and a proxy before the front would take it
/// for a tunnel.
#[test]
fn an_answer_in_another_protocol_is_a_failure() {
    let mut world = World::new(LIST);
    let request = request(&mut world);
    let attempt = world.attempt(request, "robot");
    assert_eq!(world.answer(attempt, "101", &[]), retried_at("hub+open@last"));
    let mut world = World::new(LOGIN);
    for (host, backend) in [("login.example", "home"), ("found.example", "self")] {
        let request = world.request("GET", host, "/v2/team/a/manifests/v1");
        let attempt = world.attempt(request, backend);
        assert_eq!(world.answer(attempt, "101", &[]), for_client("101"));
        let response = world.response(attempt);
        assert_eq!(
            world.respond(request, response),
            replied("503", "portolan_failed:UNAVAILABLE"),
            "{host}"
        );
    }
}

/// Where no mark is waited for, nobody would take it out.
#[test]
fn a_mark_is_for_the_front_alone() {
    let mut world = World::new(LOGIN);
    let request = world.request("GET", "login.example", "/v2/team/a/manifests/v1");
    let attempt = world.attempt(request, "home");
    world.answer(attempt, "401", &[("www-authenticate", "Basic")]);
    let response = world.response(attempt);
    assert_eq!(world.respond(request, response), unchanged("401"));
    assert_eq!(value(&world.host.streams[&request].response, DOUBTFUL), None);
}
