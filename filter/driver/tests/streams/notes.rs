//! What attempts note of each other, for the attempts after them, the log and the metrics.

use portolan_core::contract::StateKey;
use portolan_core::contract::encoding::{Kind, records};

use super::outcome::{asked_for, retried_at};
use super::policies::{LIST, blob, facts};
use super::simulator::World;

/// A list of which each backend is sent what the client sent, so that nothing is prepared for
/// anybody.
#[test]
fn notes_of_attempts_are_not_read_as_prepared_requests() {
    let mut world = World::new(&facts(1));
    let request = world.request("GET", "main.example", &blob("limited/a"));
    let first = world.attempt(request, "ar");
    assert_eq!(world.answer(first, "503", &[]), retried_at("us@last"));
    let second = world.attempt(request, "us");
    assert_eq!(world.sent(second), asked_for(&blob("limited/a")));
}

#[test]
fn the_list_is_noted_once() {
    let mut world = World::new(LIST);
    let request = world.request("GET", "main.example", &blob("team/a"));
    for backend in ["open", "robot"] {
        let attempt = world.attempt(request, backend);
        world.answer(attempt, "503", &[]);
        let shared = &world.host.requests[0].state[&StateKey::Prepared];
        let lists = records(shared).filter(|(kind, _)| *kind == Kind::List);
        assert_eq!(lists.count(), 1, "after {backend}");
    }
}

/// Each attempt finds that the first backend was skipped.
#[test]
fn the_log_says_once_what_became_of_a_backend() {
    let mut world = World::new(LIST);
    let request = world.request("GET", "main.example", &blob("team/a"));
    for backend in ["robot", "open"] {
        let attempt = world.attempt(request, backend);
        world.answer(attempt, "404", &[]);
    }
    let tried = world.host.state(request, StateKey::Tried);
    assert_eq!(tried, "hub skipped; robot 404; open 404");
}

/// To set a property costs, and nearly every request is answered by the first backend of its list.
#[test]
fn the_first_backend_of_a_list_was_not_passed_over() {
    let mut world = World::new(LIST);
    let request = world.request("GET", "main.example", &blob("team/a"));
    world.attempt(request, "hub");
    let state = |world: &World, key| world.host.requests[0].state.get(&key).cloned();
    assert_eq!(state(&world, StateKey::PassedOver), None, "nothing is set");
    assert_eq!(state(&world, StateKey::PassedOverWhy), None, "nothing is set");
}

/// Envoy took it for down at first, and comes to it after all.
#[test]
fn a_first_backend_that_is_asked_later_was_not_passed_over() {
    let mut world = World::new(LIST);
    let request = world.request("GET", "main.example", &blob("team/a"));
    let attempt = world.attempt(request, "open");
    assert_eq!(world.host.state(request, StateKey::PassedOver), "hub");
    assert_eq!(world.host.state(request, StateKey::PassedOverWhy), "+skipped");
    world.answer(attempt, "404", &[]);
    world.attempt(request, "hub");
    assert_eq!(world.host.state(request, StateKey::PassedOver), "");
    assert_eq!(world.host.state(request, StateKey::PassedOverWhy), "");
}

/// A wait is a number of seconds or a moment (RFC 9110 section 10.2.3).
#[test]
fn a_backend_that_is_limited_says_until_when() {
    // The clock of the tests begins at eight.
    for wait in ["5", "Fri, 15 Jan 2027 08:00:05 GMT"] {
        let mut world = World::new(&facts(1));
        let first = world.request("GET", "main.example", &blob("limited/a"));
        let attempt = world.attempt(first, "ar");
        world.answer(attempt, "429", &[("retry-after", wait)]);
        for (milliseconds, expected) in [(4_999, "us+ar@sparing-1"), (1, "")] {
            world.pass(milliseconds);
            let next = world.request("GET", "main.example", &blob("limited/a"));
            assert_eq!(world.host.state(next, StateKey::NextCluster), expected, "{wait}");
        }
    }
}
