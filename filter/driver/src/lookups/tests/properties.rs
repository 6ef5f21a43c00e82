//! Random orders of everything that can happen to a worker.

use proptest::prelude::*;

use super::simulator::{MILLISECOND, Others, Question, World};
use crate::call::CallAnswer;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    Ask(Question),
    /// The client of one of those that wait goes away.
    Close(prop::sample::Index),
    /// One of the calls that are under way is answered.
    Answer(prop::sample::Index, Answer),
    /// Another policy comes into use.
    Reload(u8),
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Good,
    Denied,
    Missing,
    Down,
    /// The host could not make the call.
    Unsent,
    /// The host has lost the call, and will never report it.
    Lost,
}

fn event() -> impl Strategy<Value = Event> {
    let backend = || prop::sample::select(vec!["hub", "robot", "discovered"]);
    let answer = prop::sample::select(vec![
        Answer::Good,
        Answer::Good,
        Answer::Good,
        Answer::Denied,
        Answer::Missing,
        Answer::Down,
        Answer::Unsent,
        Answer::Lost,
    ]);
    let others = prop::sample::select(vec![Others::Some, Others::None]);
    prop_oneof![
        4 => (backend(), others).prop_map(|(backend, others)| Event::Ask(Question::Token { backend, others })),
        3 => (0_usize..2, 0_u8..3).prop_map(|(store, blob)| Event::Ask(Question::Blob { store, blob })),
        2 => any::<bool>().prop_map(|is_optional| Event::Ask(Question::Health { is_optional })),
        2 => (prop::sample::select(vec!["x", "y"]), 0_u8..2)
            .prop_map(|(password, client)| Event::Ask(Question::Password { password, client })),
        2 => any::<prop::sample::Index>().prop_map(Event::Close),
        8 => (any::<prop::sample::Index>(), answer).prop_map(|(index, answer)| Event::Answer(index, answer)),
        1 => (1_u8..3).prop_map(Event::Reload),
    ]
}

/// How many milliseconds pass, and what happens then.
fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let wait = prop::sample::select(vec![0, 0, 0, 1, 100, 999, 1000, 2000, 5000, 11_000, 60_000]);
    prop::collection::vec((wait, event()), 1..120)
}

fn answer(world: &mut World, place: usize, answer: Answer) {
    let (id, call) = world.calls[place].clone();
    let status = match answer {
        Answer::Good => "200",
        Answer::Denied => "401",
        Answer::Missing => "404",
        Answer::Down => "503",
        Answer::Lost => {
            world.calls.remove(place);
            return;
        }
        Answer::Unsent => {
            world.calls.remove(place);
            let woken = world.lookups.answered(id, &CallAnswer::default(), world.now);
            world.woken(woken);
            return;
        }
    };
    let authority = call.header(":authority").unwrap();
    let challenge = format!(r#"Bearer realm="https://{authority}/t""#);
    let asks_backend = call.cluster.ends_with("@token") && call.header(":path") == Some("/v2/");
    let headers: &[(&str, &str)] = if asks_backend {
        &[(":status", "401"), ("www-authenticate", &challenge)]
    } else {
        &[(":status", status)]
    };
    let body = if call.cluster.ends_with("@token") {
        format!(r#"{{"token": "of-{authority}-{}", "expires_in": 60}}"#, world.now)
    } else {
        r#"{"cluster_statuses": []}"#.to_owned()
    };
    world.answer(&call.cluster, headers, &body);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// The simulator itself looks that nobody is woken twice or after it has gone away, that nobody
    /// waits for longer than it may, that no question is asked twice at once, and that tokens and
    /// credentials go only where they belong.
    #[test]
    fn every_stream_that_waits_goes_on(events in events()) {
        let mut world = World::new();
        for (wait, event) in events {
            world.pass(wait);
            match event {
                Event::Ask(question) => {
                    world.ask(question);
                }
                Event::Close(index) => {
                    let waiting: Vec<u32> = world.waiting.keys().copied().collect();
                    if !waiting.is_empty() {
                        world.close(*index.get(&waiting));
                    }
                }
                Event::Answer(index, kind) => {
                    if !world.calls.is_empty() {
                        let place = index.index(world.calls.len());
                        let cluster = world.calls[place].1.cluster.clone();
                        // The simulator answers the first call of a cluster.
                        let first = world.calls.iter().position(|(_, call)| call.cluster == cluster);
                        answer(&mut world, first.unwrap(), kind);
                    }
                }
                Event::Reload(version) => {
                    world.reload(version);
                }
            }
            let is_idle = world.waiting.is_empty() && world.calls.is_empty();
            let alarm = world.lookups.next_alarm();
            prop_assert!(world.waiting.is_empty() || alarm.is_some(), "nobody looks after them");
            prop_assert!(alarm.is_none_or(|at| at > world.now) || is_idle);
        }
        // No service answers any more: everything ends by itself, within the longest time-outs.
        let limit = world.now + 60_000 * MILLISECOND;
        while world.lookups.next_alarm().is_some() && world.now < limit {
            world.calls.clear();
            world.pass(1000);
        }
        prop_assert!(world.waiting.is_empty(), "{:?} wait for ever", world.waiting);
        prop_assert_eq!(world.lookups.next_alarm(), None, "a worker that has nothing to do is woken");
    }
}
