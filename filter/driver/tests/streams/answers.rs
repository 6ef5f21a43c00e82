//! The head of an answer: what of it a client gets.

use portolan_core::contract::StateKey;
use portolan_policy_builder::{Backend, Front, Policy, json};

use super::host::{headers, value};
use super::outcome::{forwarded, replied, unchanged};
use super::policies::{LOGIN, blob, facts};
use super::simulator::World;

const NEGOTIATE: (&str, &str) = ("www-authenticate", "Negotiate");

/// A request through a front that has no logins of its own, and one whose clients log in to the
/// backend.
fn asked(logs_in: bool) -> (World, u32) {
    let (policy, authority) =
        if logs_in { (LOGIN.to_owned(), "login.example") } else { (facts(1), "main.example") };
    let repository = if logs_in { "team/a" } else { "limited/a" };
    let mut world = World::new(&policy);
    let request = world.request("GET", authority, &blob(repository));
    (world, request)
}

/// Each change is a call to the host, and nearly every answer is the client's as it is.
#[test]
fn an_answer_that_passes_is_left_alone() {
    for (logs_in, status) in [(false, "200"), (false, "403"), (true, "200"), (true, "404")] {
        let (mut world, request) = asked(logs_in);
        let response = headers(&[(":status", status), ("content-length", "3")]);
        world.respond(request, response);
        assert_eq!(world.done, [], "{status}");
    }
}

#[test]
fn a_401_asks_for_what_a_client_can_show_the_front() {
    let own = "https://login.example/";
    #[rustfmt::skip]
    let rows = [
        (true, "401", Some(NEGOTIATE), Some(own), "where the backend asks for something else"),
        (true, "401", None, Some(own), "where the backend does not say for what"),
        (true, "403", Some(NEGOTIATE), Some("Negotiate"), "no question: what is beside it stays"),
        (true, "200", None, None, "nothing is asked for"),
        (false, "200", Some(NEGOTIATE), None, "nobody can log in here"),
    ];
    for (logs_in, status, challenge, expected, reason) in rows {
        let (mut world, request) = asked(logs_in);
        let status = [(":status", status)];
        let response = headers(&[&status[..], challenge.as_slice()].concat());
        world.respond(request, response);
        let all = world.host.streams[&request].response.iter();
        let told = all.filter(|(name, _)| name == "www-authenticate");
        let told: Vec<&str> = told.map(|(_, value)| str::from_utf8(value).unwrap()).collect();
        assert_eq!(told.iter().any(|value| value.contains(own)), expected == Some(own), "{reason}");
        assert_eq!(told.is_empty(), expected.is_none(), "{told:?}: {reason}");
    }
}

/// Whose URL it is depends on who answered.
#[test]
fn a_location_of_a_list_is_read_as_that_of_the_backend_that_answered() {
    let own = "https://us.example/v2/limited/a/blobs/x";
    #[rustfmt::skip]
    let rows = [
        ("us", "/v2/limited/a/blobs/x", "its own: through the front"),
        ("ar", own, "of another host, where the client may go as it may anywhere"),
    ];
    for (backend, expected, reason) in rows {
        let (mut world, request) = asked(false);
        let attempt = world.attempt(request, backend);
        world.answer(attempt, "307", &[("location", own)]);
        let response = world.response(attempt);
        assert_eq!(world.respond(request, response), unchanged("307"), "{reason}");
        let left = value(&world.host.streams[&request].response, "location").unwrap();
        assert_eq!(String::from_utf8(left).unwrap(), expected, "{reason}");
    }
}

/// Where it leads nowhere, the log says whose it was.
#[test]
fn a_location_that_leads_nowhere_is_told_with_the_backend_that_answered() {
    for backend in ["ar", "us"] {
        let (mut world, request) = asked(false);
        let attempt = world.attempt(request, backend);
        world.answer(attempt, "307", &[("location", "ftp://x.example/\u{1}")]);
        let response = world.response(attempt);
        assert_eq!(world.respond(request, response), replied("502", "portolan_failed:UNKNOWN"));
        let [line] = world.host.warnings.as_slice() else { panic!("{:?}", world.host.warnings) };
        assert!(line.contains(backend), "{line}");
    }
}

/// To read a property costs, also one that is not there.
#[test]
fn the_backend_is_looked_for_only_where_a_front_names_it() {
    let silent = r#""main": {"hosts": ["main.example"]}"#;
    let saying = r#""main": {"hosts": ["main.example"], "say_backend": true}"#;
    #[rustfmt::skip]
    let rows = [
        (silent, "limited/a", false, "a front that names nobody"),
        (saying, "limited/a", true, "a front that does"),
        (saying, "nobody/a", false, "its own answer, which no backend gave"),
    ];
    for (front, repository, expected, reason) in rows {
        let mut world = World::new(&facts(1).replace(silent, front));
        let request = world.request("GET", "main.example", &blob(repository));
        world.host.reads.borrow_mut().clear();
        world.respond(request, headers(&[(":status", "200")]));
        let is_read = world.host.reads.borrow().contains(&StateKey::SaysBackend);
        assert_eq!(is_read, expected, "{reason}");
    }
}

/// What is no answer to what was asked is an outage, and a question that nobody here can answer a
/// refusal.
#[test]
fn an_answer_that_does_not_fit_the_request_is_an_outage() {
    let range = Some(("range", "bytes=0-1"));
    let version = Some(("if-none-match", "\"1\""));
    let unavailable = || replied("503", "portolan_failed:UNAVAILABLE");
    let denied = || replied("403", "portolan_refused:DENIED");
    #[rustfmt::skip]
    let rows = [
        (None, "206", unavailable(), "a part"),
        (range, "206", unchanged("206"), "the part that was asked for"),
        (version, "206", unavailable(), "a part, where it was asked for a change"),
        (None, "304", unavailable(), "unchanged since when?"),
        (version, "304", unchanged("304"), "unchanged"),
        (Some(("if-modified-since", "x")), "304", unchanged("304"), "unchanged"),
        (range, "304", unavailable(), "unchanged, where a part was asked for"),
        (None, "600", unavailable(), "no status of HTTP"),
        (None, "407", replied("502", "portolan_failed:UNKNOWN"), "a proxy before the backend"),
        (None, "401", denied(), "nobody can log in here"),
        (None, "403", unchanged("403"), "in the registry's words"),
        (None, "412", unchanged("412"), "in the registry's words"),
        (None, "416", unchanged("416"), "about the request"),
    ];
    for (asks, status, expected, reason) in rows {
        let mut world = World::new(&facts(1));
        let repository = blob("limited/a");
        let request = world.request_with("GET", "main.example", &repository, asks.as_slice());
        world.end(request);
        let response = headers(&[(":status", status)]);
        assert_eq!(world.respond(request, response), expected, "{status}: {reason}");
    }
}

/// A backend that hides what it lacks does so by refusing; an outage of the only one is no missing
/// image.
#[test]
fn only_a_refusal_hides_what_is_missing() {
    let home = Backend::at("https://home.example").with("hides_missing", json!(true));
    let policy = Policy::new().front("main", Front::at(["main.example"])).backend("home", home);
    let policy = policy.json();
    let missing = || replied("404", "portolan_missing:NAME_UNKNOWN");
    let unavailable = || replied("503", "portolan_failed:UNAVAILABLE");
    #[rustfmt::skip]
    let rows = [
        ("401", missing(), "it hides it"),
        ("403", missing(), "it hides it"),
        ("404", unchanged("404"), "it lacks it"),
        ("101", unavailable(), "another protocol"),
        ("206", unavailable(), "a part that nobody asked for"),
        ("304", unavailable(), "unchanged since when?"),
        ("407", replied("502", "portolan_failed:UNKNOWN"), "a proxy before it"),
        ("503", unchanged("503"), "in its own words"),
        ("600", unavailable(), "no status of HTTP"),
    ];
    for (status, expected, reason) in rows {
        let mut world = World::new(&policy);
        let request = world.request("GET", "main.example", &blob("a"));
        assert_eq!(world.end(request), forwarded("home"));
        let response = headers(&[(":status", status)]);
        assert_eq!(world.respond(request, response), expected, "{status}: {reason}");
    }
}
