//! Requests, step by step: what the client gets, or what is waited for.

use portolan_core::contract::StateKey;

use super::host::{headers, value};
use super::outcome::{Answered, End, forwarded, replied, retried_at, unchanged};
use super::policies::{DIGEST, LOGIN, blob, facts};
use super::simulator::World;

/// Both backends of the lists are up.
const UP: &str = r#"{"cluster_statuses": [
    {"name": "ar", "host_statuses": [{"health_status": {}}]},
    {"name": "us", "host_statuses": [{"health_status": {}}]}
]}"#;
/// Only the second one is.
const SECOND_UP: &str = r#"{"cluster_statuses": [
    {"name": "ar", "host_statuses": []},
    {"name": "us", "host_statuses": [{"health_status": {}}]}
]}"#;
const BASIC: [(&str, &str); 1] = [("authorization", "Basic YTpi")];

fn world() -> World {
    World::new(&facts(1))
}

#[test]
fn requests_that_need_no_fact_end_at_once() {
    #[rustfmt::skip]
    let rows = [
        ("GET", "main.example", "/v2/", replied("200", "portolan_front:ok")),
        ("GET", "evil.example", "/v2/", replied("404", "portolan_refused:NAME_UNKNOWN")),
        ("GET", "main.example", "/v2/limited/../a/manifests/v1", replied("400", "portolan_refused:NAME_INVALID")),
        ("GET", "main.example", "/v2/nobody/manifests/v1", replied("404", "portolan_refused:NAME_UNKNOWN")),
        ("PUT", "main.example", "/v2/limited/a/manifests/v1", replied("405", "portolan_refused:UNSUPPORTED")),
        ("GET", "private.example", "/v2/own/a/manifests/v1", replied("401", "portolan_refused:UNAUTHORIZED")),
        ("PUT", "main.example", "/v2/pushed/a/manifests/v1", forwarded("us@owner")),
        ("GET", "main.example", "/v2/limited/a/manifests/v1", forwarded("ar")),
    ];
    for (method, authority, target, expected) in rows {
        let mut world = world();
        let request = world.request(method, authority, target);
        assert_eq!(world.end(request), expected, "{method} {authority}{target}");
    }
}

#[test]
fn the_access_log_has_the_record() {
    let mut world = world();
    let request = world.request("GET", "main.example", &blob("limited/a"));
    #[rustfmt::skip]
    let rows = [
        (StateKey::Region, "default"),
        (StateKey::Rule, "limited"),
        (StateKey::Front, "main"),
        (StateKey::Kind, "read_blob"),
        (StateKey::Reason, "default; nearest"),
        (StateKey::SentTo, ""),
        (StateKey::Country, ""),
    ];
    for (key, expected) in rows {
        assert_eq!(world.host.state(request, key), expected, "{key:?}");
    }
}

/// A backend is somebody else's registry, and learns nothing of the client.
#[test]
fn a_backend_learns_nothing_of_the_client() {
    let mut world = world();
    let more = [
        ("cookie", "a=b"),
        ("x-real-ip", "192.0.2.1"),
        ("accept", "*/*"),
        ("authorization", "Basic YTpi"),
    ];
    world.request_with("GET", "main.example", "/v2/limited/a/manifests/v1", &more);
    let left: Vec<&str> =
        world.host.requests[0].headers.iter().map(|(name, _)| name.as_str()).collect();
    assert!(left.contains(&"accept"));
    for name in ["cookie", "x-real-ip", "authorization"] {
        assert!(!left.contains(&name), "{left:?}");
    }
}

#[test]
fn a_password_is_looked_at_first() {
    #[rustfmt::skip]
    let rows = [
        ("200", forwarded("robot"), "right"),
        ("401", replied("401", "portolan_refused:UNAUTHORIZED"), "wrong"),
        ("500", replied("503", "portolan_failed:UNAVAILABLE"), "nobody knows"),
    ];
    for (status, expected, reason) in rows {
        let mut world = world();
        let target = &blob("own/a");
        let request = world.request_with("GET", "private.example", target, &BASIC);
        assert_eq!(world.end(request), End::Waits);
        let second = world.request_with("GET", "private.example", target, &BASIC);
        world.pass(1);
        assert_eq!(world.calls.len(), 1, "one question for both");
        world.service("private@verifier", status, &[], "");
        assert_eq!(world.end(request), expected, "{reason}");
        assert_eq!(world.end(second), expected, "{reason}");
    }
}

#[test]
fn a_client_is_sent_to_where_the_content_is() {
    #[rustfmt::skip]
    let rows = [
        (UP, "200", "https://east-1.example/DIGEST", "the store has it"),
        (UP, "404", "https://ar.example/v2/sent/a/blobs/DIGEST", "it does not: the first that is up"),
        (SECOND_UP, "404", "https://us.example/v2/sent/a/blobs/DIGEST", "the first is down"),
        (SECOND_UP, "503", "https://us.example/v2/sent/a/blobs/DIGEST", "the store is in trouble"),
        ("no list", "200", "https://east-1.example/DIGEST", "nobody knows how the backends are"),
    ];
    for (health, store, expected, reason) in rows {
        let mut world = world();
        let request = world.request("GET", "main.example", &blob("sent/a"));
        assert_eq!(world.end(request), End::Waits, "{reason}");
        world.pass(1);
        world.service("portolan@admin", "200", &[], health);
        assert_eq!(world.end(request), End::Waits, "one fact after the other");
        world.service("east@probe", store, &[], "");
        assert_eq!(world.end(request), replied("307", "portolan_redirected:redirect"), "{reason}");
        let (reply, _) = world.host.streams[&request].reply.as_ref().unwrap();
        let location = reply.headers.iter().find(|(name, _)| *name == "location").unwrap();
        assert_eq!(location.1.replace(DIGEST, "DIGEST"), expected, "{reason}");
        let sent_to = world.host.state(request, StateKey::SentTo);
        assert!(expected.contains(&sent_to), "{sent_to}");
    }
}

#[test]
fn a_service_that_never_answers_holds_nobody() {
    let mut world = world();
    let request = world.request("GET", "main.example", &blob("sent/a"));
    world.pass(1);
    world.calls.clear();
    world.pass(4000);
    assert_eq!(world.end(request), End::Waits, "for the store by now");
    world.calls.clear();
    world.pass(12_000);
    assert_eq!(world.end(request), replied("307", "portolan_redirected:redirect"));
    assert_eq!(world.host.alarm, None, "a worker that has nothing to do is not woken");
}

#[test]
fn after_a_push_tags_come_from_the_owner() {
    let mut world = world();
    let tag = "/v2/pushed/a/manifests/v1";
    let read = |world: &mut World| {
        let request = world.request("GET", "main.example", tag);
        world.end(request)
    };
    assert_eq!(read(&mut world), forwarded("ar"), "the replica");
    for (status, expected) in [("500", forwarded("ar")), ("201", forwarded("us@owner"))] {
        let push = world.request("PUT", "main.example", tag);
        world.respond(push, headers(&[(":status", status)]));
        assert_eq!(read(&mut world), expected, "a push that was answered {status}");
    }
    world.pass(59_999);
    assert_eq!(read(&mut world), forwarded("us@owner"));
    world.pass(1);
    assert_eq!(read(&mut world), forwarded("ar"), "a minute later");
}

#[test]
fn a_backend_that_is_limited_is_asked_last() {
    let mut world = world();
    let first = world.request("GET", "main.example", &blob("limited/a"));
    assert_eq!(world.end(first), forwarded("ar+us"));
    let attempt = world.attempt(first, "ar");
    assert_eq!(world.answer(attempt, "429", &[("retry-after", "5")]), retried_at("us@last"));
    let second = world.request("GET", "main.example", &blob("limited/a"));
    assert_eq!(world.host.state(second, StateKey::NextCluster), "us+ar@sparing-1");
    assert_eq!(world.host.state(second, StateKey::Reason), "default; nearest; limited: ar");
    let attempt = world.attempt(second, "us");
    assert_eq!(
        world.answer(attempt, "404", &[]),
        retried_at("ar@last"),
        "the limited one, at last"
    );
    world.pass(5000);
    let third = world.request("GET", "main.example", &blob("limited/a"));
    assert_eq!(world.host.state(third, StateKey::NextCluster), "");
}

/// The last answer, in the light of what the others have answered.
#[test]
fn an_outage_is_never_a_404() {
    #[rustfmt::skip]
    let rows = [
        ("404", "404", unchanged("404"), "nobody has it"),
        ("503", "404", replied("503", "portolan_failed:UNAVAILABLE"), "the first may have it"),
        ("404", "503", replied("503", "portolan_failed:UNAVAILABLE"), "the second may have it"),
        ("429", "429", replied("429", "portolan_limited:TOOMANYREQUESTS"), "both are limited"),
        ("404", "200", unchanged("200"), "content"),
    ];
    for (first, second, expected, reason) in rows {
        let mut world = world();
        let request = world.request("GET", "main.example", &blob("limited/a"));
        let one = world.attempt(request, "ar");
        world.answer(one, first, &[("ratelimit-limit", "100;w=21600")]);
        let two = world.attempt(request, "us");
        world.answer(two, second, &[("ratelimit-limit", "200;w=21600")]);
        let response = world.response(two);
        assert_eq!(world.respond(request, response), expected, "{reason}");
        if let Some((reply, _)) = &world.host.streams[&request].reply
            && reply.status == 429
        {
            let limit = reply.headers.iter().find(|(name, _)| *name == "ratelimit-limit");
            assert_eq!(
                limit.map(|(_, value)| value.as_str()),
                Some("200;w=21600"),
                "the last one's"
            );
        }
    }
}

/// The proxy's own, at once and in the place of what backends answered.
#[test]
fn an_error_names_its_request() {
    let named = r#""requestId":"a-1""#;
    let more = [("x-request-id", "a-1")];
    for (repository, status, expected) in [("nobody/a", None, 404), ("limited/a", Some("503"), 503)]
    {
        let mut world = world();
        let request = world.request_with("GET", "main.example", &blob(repository), &more);
        if let Some(status) = status {
            for backend in ["ar", "us"] {
                let attempt = world.attempt(request, backend);
                world.answer(attempt, status, &[]);
                let response = world.response(attempt);
                world.respond(request, response);
            }
        }
        let (reply, details) = world.host.streams[&request].reply.as_ref().unwrap();
        assert_eq!(reply.status, expected, "{details}");
        assert!(reply.body.text().contains(named), "{}", reply.body.text());
    }
}

/// Only where the front says so, and whoever was asked last where nobody could serve.
#[test]
fn a_front_may_name_the_backend_that_served() {
    let silent = r#""main": {"hosts": ["main.example"]}"#;
    let saying = r#""main": {"hosts": ["main.example"], "say_backend": true}"#;
    #[rustfmt::skip]
    let rows = [
        (saying, "200", "ar", "the nearest"),
        (saying, "404", "us", "the last one that was asked"),
        (saying, "503", "us", "in an error, too"),
        (silent, "200", "", "nobody's business"),
    ];
    for (front, status, expected, reason) in rows {
        let mut world = World::new(&facts(1).replace(silent, front));
        let request = world.request("GET", "main.example", &blob("limited/a"));
        let mut attempt = world.attempt(request, "ar");
        if matches!(world.answer(attempt, status, &[]), Answered::Retried { .. }) {
            attempt = world.attempt(request, "us");
            world.answer(attempt, status, &[]);
        }
        let response = world.response(attempt);
        world.respond(request, response);
        let stream = &world.host.streams[&request];
        let named = match &stream.reply {
            Some((reply, _)) => {
                let header = reply.headers.iter().find(|(name, _)| *name == "x-portolan-backend");
                header.map(|(_, value)| value.clone().into_bytes())
            }
            None => value(&stream.response, "x-portolan-backend"),
        };
        let named = String::from_utf8(named.unwrap_or_default()).unwrap();
        assert_eq!(named, expected, "{status}: {reason}");
    }
}

/// The name is told once the front has found the password right.
#[test]
fn the_access_log_has_the_user() {
    for (status, expected) in [("200", "a"), ("401", ""), ("500", "")] {
        let mut world = world();
        let request = world.request_with("GET", "private.example", &blob("own/a"), &BASIC);
        world.pass(1);
        assert_eq!(world.host.state(request, StateKey::User), "", "it is not known yet");
        world.service("private@verifier", status, &[], "");
        assert_eq!(world.host.state(request, StateKey::User), expected, "{status}");
    }
}

/// Envoy is asked anew for each, and by nobody who may not.
#[test]
fn a_front_is_scraped() {
    let front = r#""main": {"hosts": ["main.example"]}"#;
    let scraped = r#""main": {"hosts": ["main.example"], "metrics": {"networks": ["office"]}}"#;
    let policy = facts(1).replace(front, scraped);
    let policy =
        policy.replace(r#""regions""#, r#""networks": {"office": ["192.0.2.0/25"]}, "regions""#);
    for (status, expected) in [
        ("200", replied("200", "portolan_front:metrics")),
        ("404", replied("503", "portolan_failed:UNAVAILABLE")),
    ] {
        let mut world = World::new(&policy);
        let request = world.request("GET", "main.example", "/metrics");
        assert_eq!(world.end(request), End::Waits);
        let call = world.call_answered(request, status, &[], "a 1\n");
        assert_eq!(
            (call.cluster.as_str(), call.header(":path")),
            ("portolan@scrapes", Some("/metrics"))
        );
        assert_eq!(world.end(request), expected);
        let (reply, _) = world.host.streams[&request].reply.as_ref().unwrap();
        assert_eq!(reply.body.text() == "a 1\n", status == "200", "{}", reply.body.text());
    }
    let mut world = world();
    let request = world.request("GET", "main.example", "/metrics");
    assert_eq!(
        world.end(request),
        replied("404", "portolan_refused:UNSUPPORTED"),
        "a front that is not scraped"
    );
    assert!(world.host.calls.is_empty());
}

#[test]
fn a_location_leads_through_the_front() {
    #[rustfmt::skip]
    let rows = [
        ("https://us.example/v2/pushed/a/blobs/uploads/1?s=2", "202", unchanged("202"), Some("/v2/pushed/a/blobs/uploads/1?s=2")),
        ("/v2/pushed/a/blobs/uploads/1", "202", unchanged("202"), Some("/v2/pushed/a/blobs/uploads/1")),
        ("https://evil.example/x", "202", replied("502", "portolan_failed:UNKNOWN"), None),
        ("https://evil.example/x", "404", unchanged("404"), Some("")),
    ];
    for (location, status, expected, left) in rows {
        let mut world = world();
        let request = world.request("POST", "main.example", "/v2/pushed/a/blobs/uploads/");
        assert_eq!(world.end(request), forwarded("us@owner"));
        let response = headers(&[(":status", status), ("location", location)]);
        assert_eq!(world.respond(request, response), expected, "{location}");
        if let Some(left) = left {
            let found =
                value(&world.host.streams[&request].response, "location").unwrap_or_default();
            assert_eq!(String::from_utf8(found).unwrap(), left, "{location}");
        } else {
            assert!(world.host.state(request, StateKey::Reason).contains("; "), "it says why");
            assert_eq!(world.host.warnings.len(), 1, "{:?}", world.host.warnings);
        }
    }
}

#[test]
fn a_challenge_is_the_fronts_own() {
    let mut world = World::new(LOGIN);
    let request = world.request("GET", "login.example", "/v2/team/a/manifests/v1");
    assert_eq!(world.end(request), forwarded("home"));
    assert_eq!(world.respond(request, headers(&[(":status", "401")])), unchanged("401"));
    let challenge = value(&world.host.streams[&request].response, "www-authenticate").unwrap();
    let challenge = String::from_utf8(challenge).unwrap();
    assert!(challenge.contains("https://login.example/"), "{challenge}: where there was none");
    let request = world.request("GET", "login.example", "/v2/team/a/manifests/v1");
    let evil = headers(&[(":status", "407"), ("proxy-authenticate", "Basic")]);
    assert_eq!(world.respond(request, evil), replied("502", "portolan_failed:UNKNOWN"));
}

#[test]
fn a_body_that_no_backend_gets() {
    let mut world = world();
    let all = [("content-length", "3")];
    let read = world.upload("GET", "main.example", "/v2/limited/a/manifests/v1", &all, b"abc");
    assert_eq!(world.end(read), forwarded("ar"));
    assert_eq!(world.host.requests[0].body, b"");
    assert_eq!(value(&world.host.requests[0].headers, "content-length"), None);
    let push = world.upload("PUT", "main.example", "/v2/pushed/a/manifests/v1", &all, b"abc");
    assert_eq!(world.end(push), forwarded("us@owner"));
    assert_eq!(world.host.requests[1].body, b"abc");
}

#[test]
fn a_request_keeps_the_policy_under_which_it_began() {
    let mut world = world();
    let old = world.request("GET", "main.example", &blob("sent/a"));
    world.pass(1);
    world.reload(&facts(2));
    world.service("portolan@admin", "200", &[], UP);
    world.service("east@probe", "200", &[], "");
    let location = |world: &World, request: u32| {
        let (reply, _) = world.host.streams[&request].reply.clone().unwrap();
        reply.headers.into_iter().find(|(name, _)| *name == "location").unwrap().1
    };
    assert!(location(&world, old).starts_with("https://east-1.example/"));
    let new = world.request("GET", "main.example", &blob("sent/a"));
    world.pass(1);
    world.service("east@probe", "200", &[], "");
    assert!(location(&world, new).starts_with("https://east-2.example/"));
}

#[test]
fn a_stream_that_was_never_opened_is_refused() {
    let mut world = world();
    let mut effects = Vec::new();
    let view = super::host::View { host: &world.host, stream: 99 };
    let flow = world.worker.request_headers(99, &view, true, &mut effects);
    assert_eq!(flow, portolan_driver::Flow::Pause);
    assert_eq!(effects.len(), 1);
}
