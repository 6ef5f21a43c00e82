//! Whose turn it is in a request of which two backends may be asked at a time, and what is
//! remembered of it: who is down, how soon each answers, what asking the second one too was good
//! for.

use portolan_core::contract::StateKey;

use super::super::host::value;
use super::super::outcome::{Attempted, asked_for, unchanged};
use super::super::policies::blob;
use super::super::simulator::World;
use super::router::{Event, Router};
use super::{ATTEMPT_TIMEOUT, HEDGE, USUAL, policy, with_token, world};

const PAIR: [&str; 2] = ["robot", "open"];

/// After how many milliseconds the second is asked too, in the next request; `None` for never.
fn wait(world: &mut World) -> Option<u64> {
    let request = world.request("GET", "main.example", &blob("team/a"));
    let shared = &world.host.requests[world.host.streams[&request].request].headers;
    let is_hedged = value(shared, HEDGE).is_some();
    let timeout = value(shared, ATTEMPT_TIMEOUT).unwrap();
    world.close(request);
    is_hedged.then(|| String::from_utf8(timeout).unwrap().parse().unwrap())
}

/// One request, whose first backend is asked, and the second one after 300 ms.
fn both_asked(world: &mut World) -> Router<'_> {
    let mut router = Router::start(world, PAIR, None);
    assert!(router.is_hedged);
    router.connect(0);
    router.world.pass(300);
    router.time_up(0);
    router.connect(1);
    router
}

/// The host makes the second attempt when the time of the first is up, whether that one waits for a
/// token or not. One that goes on then could be sent what the other one is.
#[test]
fn a_first_attempt_that_waits_for_a_token_is_overtaken() {
    #[rustfmt::skip]
    let rows = [
        (["hub", "robot"], 0, Attempted::Waits, "the second has begun meanwhile"),
        (["robot", "hub"], 1, asked_for("/base/v2/team/a/blobs/DIGEST").with_token("of-hub"), "it began beside the first, which was sent"),
    ];
    for (pair, number, expected, reason) in rows {
        let mut world = world(pair, "");
        with_token(&mut world, ["hub", "robot"]);
        let request = world.request("GET", "main.example", &blob("team/a"));
        // The token has an end, and is not there any more when the attempt begins.
        world.pass(400_000);
        let attempts = pair.map(|backend| {
            let attempt = world.attempt(request, backend);
            if backend != "hub" {
                world.sent(attempt);
            }
            attempt
        });
        assert_eq!(world.sent(attempts[number]), Attempted::Waits, "for its token");
        world.pass(1);
        world.service("hub@token", "200", &[], r#"{"token": "of-hub", "expires_in": 300}"#);
        let sent = world.sent(attempts[number]);
        assert_eq!(sent, expected, "{reason}");
    }
}

/// Who is asked is kept where two may be asked at a time, and nowhere else: to set a property
/// costs.
#[test]
fn a_request_that_is_not_hedged_has_no_overlap_state() {
    #[rustfmt::skip]
    let rows = [
        (PAIR, "robot", "hedged"),
        (["hub", "robot"], "", "the first backend would wait for a token"),
    ];
    for (pair, expected, reason) in rows {
        let mut world = world(pair, "");
        let router = Router::start(&mut world, pair, None);
        let request = router.request;
        assert_eq!(router.world.host.state(request, StateKey::Overlap), expected, "{reason}");
    }
}

/// The host sees to the end of every other request, and asks which it has to wake.
#[test]
fn a_request_that_is_hedged_has_an_end_until_it_is_answered() {
    let mut world = world(PAIR, "");
    let other = world.request("GET", "main.example", "/v2/team/a/tags/list");
    assert!(!world.worker.has_deadline(other));
    let mut router = both_asked(&mut world);
    let request = router.request;
    assert!(router.world.worker.has_deadline(request));
    router.answer(0, "200");
    assert!(!router.world.worker.has_deadline(request));
}

/// The second is asked because the first has answered, and not because it is late.
#[test]
fn the_metrics_say_why_the_second_answered() {
    let mut world = world(PAIR, "");
    let mut router = Router::start(&mut world, PAIR, None);
    router.connect(0);
    router.answer(0, "503");
    router.connect(1);
    router.answer(1, "200");
    let (request, host) = (router.request, &router.world.host);
    assert_eq!(host.state(request, StateKey::PassedOver), "robot");
    assert_eq!(host.state(request, StateKey::PassedOverWhy), "+failed");
    assert_eq!(host.state(request, StateKey::Overlap), "robot", "they were not asked at a time");
    assert_eq!(router.finish().tried, "robot 503");
}

/// The first one that answers after all was not passed over.
#[test]
fn the_first_overtakes_the_second() {
    let mut world = world(PAIR, "");
    let mut router = both_asked(&mut world);
    let (request, state) = (router.request, StateKey::PassedOver);
    assert_eq!(router.world.host.state(request, state), "robot", "as long as it answers nothing");
    router.answer(0, "200");
    assert_eq!(router.world.host.state(request, state), "");
    assert_eq!(router.world.host.state(request, StateKey::PassedOverWhy), "");
    assert_eq!(router.finish().tried, "open overtaken");
}

/// The host goes on to nobody while another attempt is under way, so no cluster is named where it
/// would.
#[test]
fn an_answer_that_waits_for_the_other_names_no_next_cluster() {
    let mut world = world(PAIR, "");
    let mut router = both_asked(&mut world);
    router.answer(1, "404");
    assert_eq!(router.end, None);
    assert_eq!(router.world.host.state(router.request, StateKey::NextCluster), "");
    router.answer(0, "404");
    assert_eq!(router.end, Some(unchanged("404")));
}

/// The host passes over whom it knows to be down: the next request does not count on it, until it
/// is asked again.
#[test]
fn the_hosts_first_choice_shows_which_backend_is_down() {
    let mut world = world(PAIR, "");
    let ask = |world: &mut World, down| {
        let mut router = Router::start(world, PAIR, down);
        router.connect(0);
        router.answer(0, "200");
        let asked = router.attempts[0].backend;
        router.finish();
        asked
    };
    assert_eq!(ask(&mut world, None), "robot");
    assert!(wait(&mut world).is_some());
    assert_eq!(ask(&mut world, Some(0)), "open");
    assert_eq!(wait(&mut world), None, "there would be nobody to ask too");
    assert_eq!(ask(&mut world, None), "robot", "well again");
    world.pass(5_000);
    assert_eq!(ask(&mut world, Some(0)), "open");
    world.pass(5_001);
    assert!(wait(&mut world).is_some(), "nothing is known of it by now");
}

/// A request that asks one after the other, here as the budget is used up, shows who is down, too.
#[test]
fn a_request_that_asks_one_after_the_other_shows_which_backend_is_down() {
    for (down, is_hedged, reason) in [(None, true, "it is up"), (Some(0), false, "it is down")] {
        let mut world = world(PAIR, "");
        while wait(&mut world).is_some() {
            let mut router = both_asked(&mut world);
            router.answer(0, "200");
            router.finish();
        }
        let mut router = Router::start(&mut world, PAIR, down);
        assert!(!router.is_hedged, "the budget is used up");
        router.connect(0);
        router.answer(0, "200");
        router.finish();
        let mut is_hedged_again = || (0..100).any(|_| wait(&mut world).is_some());
        assert_eq!(is_hedged_again(), is_hedged, "{reason}");
        world.pass(5_001);
        let is_hedged_again = (0..100).any(|_| wait(&mut world).is_some());
        assert!(is_hedged_again, "nothing is known of it by now");
    }
}

/// So many answers of a backend that takes 250 ms, which the second one never has to give.
#[test]
fn the_second_is_asked_later_where_the_first_takes_its_time() {
    let mut world = world(PAIR, "");
    assert_eq!(wait(&mut world), Some(300));
    for _ in 0..100 {
        let mut router = Router::start(&mut world, PAIR, None);
        router.connect(0);
        router.world.pass(250);
        router.answer(0, "200");
        router.finish();
    }
    let found = wait(&mut world).unwrap();
    assert!((400..=600).contains(&found), "{found}");
}

/// Attempts that follow each other say nothing of when the second is to be asked too.
#[test]
fn attempts_in_other_lists_do_not_count() {
    const THREE: &str = r#""rules": [{"name": "three", "repositories": ["three/**"],
               "readers": "anyone", "chains": {"default": ["robot", "open", "hub"]}}, {"#;
    let mut world = World::new(&policy(PAIR, USUAL).replace(r#""rules": [{"#, THREE));
    for is_answered in [true, false] {
        for _ in 0..100 {
            let request = world.request("GET", "main.example", &blob("three/a"));
            let attempt = world.attempt(request, "robot");
            world.pass(400);
            if is_answered {
                world.answer(attempt, "200", &[]);
            }
            world.close(attempt);
            world.close(request);
        }
        assert_eq!(wait(&mut world), Some(300));
    }
}

/// What asking the second one too costs, in nine requests one after the other.
#[test]
fn hedging_in_vain_becomes_rare() {
    #[rustfmt::skip]
    let rows = [
        (0, 1500, 6, "the first one answers: in vain, and sixteen times as dear; with the reserve"),
        (1, 300, 9, "the second one answers: worth it"),
        (0, 50, 9, "the first one answers before anybody else is asked: it costs nothing"),
    ];
    for (winner, milliseconds, expected, reason) in rows {
        let mut world = world(PAIR, "");
        let mut hedged = 0;
        for _ in 0..9 {
            let mut router = Router::start(&mut world, PAIR, None);
            hedged += usize::from(router.is_hedged);
            router.connect(0);
            router.take(&Event::Pass(milliseconds));
            if milliseconds >= 300 {
                router.time_up(0);
                router.connect(1);
            }
            router.answer(winner, "200");
            router.finish();
        }
        assert_eq!(hedged, expected, "{reason}");
    }
}

/// With a budget that is used up but for its reserve, so many requests of the first backend under
/// way for so many milliseconds: after how many the second is asked too.
#[test]
fn a_first_backend_that_hangs_shows_by_what_is_under_way() {
    #[rustfmt::skip]
    let rows = [
        (5, 500, 300, "five, for half a second"),
        (4, 500, 1500, "too few to tell"),
        (5, 400, 1500, "too soon to tell"),
    ];
    for (under_way, milliseconds, expected, reason) in rows {
        let mut world = world(PAIR, "");
        let mut router = both_asked(&mut world);
        router.take(&Event::Pass(1200));
        router.answer(0, "200");
        router.finish();
        assert_eq!(wait(&mut world), Some(1500), "it was in vain");
        for _ in 0..under_way {
            let request = world.request("GET", "main.example", &blob("team/a"));
            let attempt = world.attempt(request, PAIR[0]);
            world.sent(attempt);
        }
        world.pass(milliseconds);
        assert_eq!(wait(&mut world), Some(expected), "{reason}");
    }
}

/// A second backend that never answers is none to ask too; one that was overtaken may be well.
#[test]
fn a_second_backend_that_answers_nothing() {
    #[rustfmt::skip]
    let rows = [
        (true, Some(300), "it was asked, and its request was over before it could answer"),
        (false, None, "its connection has broken each time"),
    ];
    for (is_overtaken, expected, reason) in rows {
        let mut world = world(PAIR, &format!(r#", "attempt_timeouts": {{"blobs": "3s"}}{USUAL}"#));
        for _ in 0..3 {
            let mut router = both_asked(&mut world);
            router.take(&Event::Pass(200));
            if !is_overtaken {
                router.take(&Event::Reset(1));
            }
            router.answer(0, "200");
            router.finish();
            // What was in vain is paid for meanwhile.
            world.pass(80_000);
        }
        assert_eq!(wait(&mut world), expected, "{reason}");
    }
}
