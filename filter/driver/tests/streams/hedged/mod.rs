//! Two attempts of a request at a time, as Envoy makes them, in random orders of slow tokens, slow
//! connections, slow answers and every kind of answer: each backend sees its own host, path and
//! credentials, and is asked once.
//!
//! What Envoy does is modelled after its router: the attempts share one set of headers, which is
//! read when an attempt's connection is there and the attempt phase has let it go on; the time of
//! an attempt runs from its connection on; an answer that is marked is dropped while another
//! attempt is under way; a request that is hedged stays with the cluster that it began with, where
//! the next attempt goes to a backend that is up and was not tried, and to one that is up if there
//! is none.

mod router;
mod turns;

use portolan_core::attempt::Answer;
use portolan_core::contract::StateKey;
use proptest::prelude::*;

use super::host::value;
use super::outcome::{replied, unchanged};
use super::policies::blob;
use super::simulator::World;
use router::{Event, Finished, Router};

const HEDGE: &str = "x-envoy-hedge-on-per-try-timeout";
const ATTEMPT_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";
/// The lists of two of three backends that are each shown something else.
const PAIRS: [[&str; 2]; 6] = [
    ["hub", "robot"],
    ["robot", "hub"],
    ["hub", "open"],
    ["open", "hub"],
    ["robot", "open"],
    ["open", "robot"],
];

fn policy([first, second]: [&str; 2], more: &str) -> String {
    format!(
        r#"{{
    "version": 1,
    "fronts": {{"main": {{"hosts": ["main.example"]}}}},
    "backends": {{
        "hub": {{"url": "https://hub.example/base"{more},
                "auth": {{"token": {{"realm": "https://auth.example/token", "service": "hub"}}}}}},
        "robot": {{"url": "https://robot.example", "auth": "basic", "credential": "c"{more},
                  "names": [{{"front": "team/", "backend": "robots/"}}]}},
        "open": {{"url": "https://open.example"{more}}}
    }},
    "credentials": {{"c": {{"file": "/c/robot"}}}},
    "regions": {{"default": {{}}}},
    "rules": [{{"name": "team", "repositories": ["team/**"], "readers": "anyone",
               "chains": {{"default": ["{first}", "{second}"]}}}}]
}}"#
    )
}

const USUAL: &str = r#", "hedge_after": "usual""#;

fn event() -> impl Strategy<Value = Event> {
    let statuses = vec!["200", "200", "401", "403", "404", "404", "429", "500", "503"];
    prop_oneof![
        6 => (0..2_usize).prop_map(Event::Connect),
        4 => (0..2_usize).prop_map(Event::TimeUp),
        5 => (0..2_usize, prop::sample::select(statuses)).prop_map(|(one, status)| Event::Answer(one, status)),
        1 => (0..2_usize).prop_map(Event::Reset),
        3 => prop::sample::select(vec!["200", "200", "200", "401", "503"]).prop_map(Event::Token),
        2 => prop::sample::select(vec![1, 20, 150, 400, 900, 2001]).prop_map(Event::Pass),
    ]
}

/// Which of the two is down, mostly none.
fn down() -> impl Strategy<Value = Option<usize>> {
    prop::sample::select(vec![None, None, None, Some(0), Some(1)])
}

/// With what backends have besides; nothing is that they are hedged as usual.
fn world(pair: [&str; 2], more: &str) -> World {
    let more = if more.is_empty() { USUAL } else { more };
    World::new(&policy(pair, more))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Ten requests one after the other, in a thousand worlds.
    #[test]
    fn a_backend_sees_its_own_and_is_asked_once(
        pair in prop::sample::select(PAIRS.to_vec()),
        requests in prop::collection::vec((down(), prop::collection::vec(event(), 1..16)), 10),
    ) {
        let mut world = world(pair, "");
        for (down, events) in requests {
            let mut router = Router::start(&mut world, pair, down);
            for event in &events {
                router.take(event);
                if router.end.is_some() {
                    break;
                }
            }
            let Finished { end, answers, tried } = router.finish();
            if end == Some(unchanged("404")) {
                for backend in pair {
                    prop_assert_eq!(answers.of(backend), Some(Answer::Missed), "an outage is a 404: {}", tried);
                }
            }
        }
    }
}

/// A first request has the token fetched that the second one needs.
fn with_token(world: &mut World, pair: [&'static str; 2]) {
    let mut router = Router::start(world, pair, None);
    router.world.pass(1);
    router.take(&Event::Token("200"));
    router.connect(0);
    router.answer(0, "200");
    router.finish();
}

#[test]
fn the_second_is_asked_too_and_wins() {
    let pair = ["hub", "robot"];
    let mut world = world(pair, "");
    with_token(&mut world, pair);
    let mut router = Router::start(&mut world, pair, None);
    assert!(router.is_hedged);
    router.connect(0);
    router.world.pass(300);
    router.time_up(0);
    router.connect(1);
    router.answer(1, "200");
    assert_eq!(router.end, Some(unchanged("200")));
    assert_eq!(router.world.host.state(router.request, StateKey::PassedOverWhy), "+late");
    assert_eq!(router.finish().tried, "hub overtaken");
}

#[test]
fn the_first_answers_after_all() {
    let pair = ["robot", "open"];
    let mut world = world(pair, "");
    let mut router = Router::start(&mut world, pair, None);
    router.connect(0);
    router.world.pass(300);
    router.time_up(0);
    router.connect(1);
    router.answer(1, "404");
    assert_eq!(router.end, None, "the other one may have it");
    router.world.pass(300);
    router.answer(0, "200");
    assert_eq!(router.end, Some(unchanged("200")));
    assert_eq!(router.finish().tried, "open 404");
}

#[test]
fn both_hang_and_one_hangs_while_the_other_lacks_it() {
    let pair = ["robot", "open"];
    #[rustfmt::skip]
    let rows = [
        (None, "100ms", 2999, "three seconds, and the wait before the second"),
        (Some("404"), "100ms", 2999, "the same"),
        (None, "1s", 3699, "three seconds, and the time of a connection"),
        (Some("404"), "1s", 3699, "the same"),
    ];
    for (status, connect_timeout, milliseconds, reason) in rows {
        let times = format!(
            r#", "attempt_timeouts": {{"blobs": "3s"}}, "connect_timeout": "{connect_timeout}""#
        );
        let mut world = world(pair, &format!("{times}{USUAL}"));
        let mut router = Router::start(&mut world, pair, None);
        router.connect(0);
        router.world.pass(300);
        router.time_up(0);
        router.connect(1);
        if let Some(status) = status {
            router.answer(1, status);
        }
        router.take(&Event::Pass(milliseconds));
        assert_eq!(router.end, None, "{status:?}: {reason}");
        router.take(&Event::Pass(2));
        let expected = Some(replied("503", "portolan_failed:UNAVAILABLE"));
        assert_eq!(router.end, expected, "{status:?}: {reason}");
        router.finish();
    }
}

/// Its attempts share what they are sent: one that waits for a token may not go on beside another.
#[test]
fn a_first_backend_without_its_token() {
    let pair = ["hub", "robot"];
    let mut world = world(pair, "");
    let router = Router::start(&mut world, pair, None);
    assert!(!router.is_hedged);
    router.finish();
}

#[test]
fn when_the_second_is_asked_too() {
    let pair = ["robot", "open"];
    #[rustfmt::skip]
    let rows = [
        (USUAL, Some("300"), "nothing is known yet"),
        (r#", "connect_timeout": "1s""#, Some("300"), "the policy says nothing of it"),
        (r#", "hedge_after": "450ms""#, Some("450"), "the policy says it"),
        (r#", "hedge_after": "off""#, None, "the policy says never"),
        (r#", "hedge_after": "12s""#, None, "an attempt has less"),
        (r#", "hedge_after": "10s""#, None, "an attempt has no more"),
    ];
    for (more, expected, reason) in rows {
        let mut world = world(pair, more);
        let request = world.request("GET", "main.example", &blob("team/a"));
        let shared = &world.host.requests[world.host.streams[&request].request].headers;
        let text = |name| value(shared, name).map(|value| String::from_utf8(value).unwrap());
        assert_eq!(text(HEDGE).is_some(), expected.is_some(), "{reason}");
        assert_eq!(text(ATTEMPT_TIMEOUT).as_deref(), Some(expected.unwrap_or("10000")), "{reason}");
    }
}

/// Envoy makes no third attempt for a request that it hedges. The first to meet a refused token is
/// the last one: then nobody is hedged until the tokens of that time have ended.
#[test]
fn a_list_whose_tokens_are_refused() {
    for pair in [["hub", "open"], ["open", "hub"]] {
        let mut world = world(pair, "");
        with_token(&mut world, pair);
        world.pass(1);
        let place = pair.iter().position(|name| *name == "hub").unwrap();
        let mut router = Router::start(&mut world, pair, None);
        assert!(router.is_hedged);
        for (number, status) in [(0, ["401", "404"][place]), (1, ["404", "401"][place])] {
            router.connect(number);
            router.world.pass(1);
            router.take(&Event::Token("200"));
            router.answer(number, status);
        }
        assert_eq!(router.end, Some(replied("503", "portolan_failed:UNAVAILABLE")));
        router.finish();
        for (milliseconds, is_hedged) in [(1, false), (299_000, false), (1_000, true)] {
            world.pass(milliseconds);
            with_token(&mut world, pair);
            let router = Router::start(&mut world, pair, None);
            assert_eq!(router.is_hedged, is_hedged, "{milliseconds}");
            router.finish();
        }
    }
}

/// The first of a list answers nothing to so many requests that it is left.
fn silence(world: &mut World, pair: [&'static str; 2]) {
    for _ in 0..4 {
        let mut router = Router::start(world, pair, None);
        assert!(router.is_hedged);
        router.connect(0);
        router.world.pass(900);
        router.time_up(0);
        router.connect(1);
        router.answer(1, "200");
        router.finish();
    }
}

#[test]
fn a_backend_that_answers_nothing_is_asked_last() {
    let pair = ["robot", "open"];
    let mut world = world(pair, "");
    silence(&mut world, pair);
    let trial = Router::start(&mut world, pair, None);
    assert_eq!(trial.attempts[0].backend, "robot", "one finds out how it is");
    let other = world.request("GET", "main.example", &blob("team/a"));
    assert_eq!(world.host.state(other, StateKey::NextCluster), "open+robot@sparing-1");
    assert_eq!(world.host.state(other, StateKey::Reason), "default; nearest; not answering: robot");
}

/// Envoy knows the one that would be asked first to be down: a request that had nobody else would
/// end there.
#[test]
fn a_backend_that_answers_nothing_is_asked_if_no_other_is_up() {
    let pair = ["robot", "open"];
    let mut world = world(pair, "");
    silence(&mut world, pair);
    let trial = Router::start(&mut world, pair, None);
    assert_eq!(trial.attempts[0].backend, "robot");
    let mut router = Router::start(&mut world, pair, Some(1));
    assert_eq!(router.attempts.len(), 1, "{:?}", router.end);
    assert_eq!(router.attempts[0].backend, "robot");
    router.connect(0);
    router.answer(0, "200");
    assert_eq!(router.end, Some(unchanged("200")));
    router.finish();
}

/// Envoy knows one of the two to be down, which the first request finds out; it has nobody else for
/// its second attempt.
#[test]
fn no_backend_is_asked_twice_while_the_other_is_down() {
    let pair = ["robot", "open"];
    let unavailable = replied("503", "portolan_failed:UNAVAILABLE");
    for down in [0, 1] {
        let mut world =
            world(pair, r#", "attempt_timeouts": {"blobs": "3s"}, "hedge_after": "usual""#);
        let up = pair[1 - down];
        let mut router = Router::start(&mut world, pair, Some(down));
        assert!(router.is_hedged);
        router.connect(0);
        router.answer(0, "404");
        assert_eq!(
            router.end,
            Some(unavailable.clone()),
            "{up} lacks it, and nobody asked the other"
        );
        assert!(router.finish().tried.contains(&format!("{up} 404")));
        let other = Router::start(&mut world, pair, Some(down));
        assert!(!other.is_hedged, "known now");
        other.finish();
    }
}

/// The second attempt waits beside the first.
#[test]
fn the_answer_of_the_only_one_that_is_up_is_waited_for() {
    let pair = ["robot", "open"];
    let unavailable = || replied("503", "portolan_failed:UNAVAILABLE");
    for (status, expected) in
        [("200", unchanged("200")), ("404", unavailable()), ("503", unavailable())]
    {
        let mut world = world(pair, "");
        let mut router = Router::start(&mut world, pair, Some(1));
        router.connect(0);
        router.world.pass(300);
        router.time_up(0);
        router.connect(1);
        assert_eq!(router.attempts[1].backend, "robot");
        assert!(!router.attempts[1].is_sent, "{status}");
        router.answer(0, status);
        assert_eq!(router.end, Some(expected), "{status}");
        router.finish();
    }
}
