//! Attempts of one request that overlap in every order: a backend sees its own path, host and
//! credentials only.

use std::collections::BTreeMap;

use portolan_driver::StreamId;
use proptest::prelude::*;

use super::outcome::{Attempted, asked_for};
use super::policies::{DIGEST, LIST, blob};
use super::simulator::World;

const BACKENDS: [&str; 3] = ["hub", "robot", "open"];

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// An attempt at a backend of one of two requests begins.
    Begin(usize, usize),
    /// A backend answers one of those that were asked.
    Answer(prop::sample::Index, &'static str),
    /// One of the attempts ends without an answer.
    Close(prop::sample::Index),
    /// The token service answers.
    Token(&'static str),
    /// Nothing but time, in milliseconds.
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    let statuses = vec!["200", "401", "403", "404", "429", "503"];
    prop_oneof![
        6 => (0..2_usize, 0..BACKENDS.len()).prop_map(|(request, backend)| Event::Begin(request, backend)),
        4 => (any::<prop::sample::Index>(), prop::sample::select(statuses))
            .prop_map(|(index, status)| Event::Answer(index, status)),
        2 => any::<prop::sample::Index>().prop_map(Event::Close),
        3 => prop::sample::select(vec!["200", "200", "401", "503"]).prop_map(Event::Token),
        2 => prop::sample::select(vec![1, 1, 100, 2001, 12_000]).prop_map(Event::Pass),
    ]
}

/// What is known of an attempt that has begun.
struct Begun {
    request: usize,
    backend: &'static str,
    is_sent: bool,
}

/// Compares what the attempts have sent since the last look.
fn look(world: &mut World, attempts: &mut BTreeMap<StreamId, Begun>) {
    for (id, begun) in attempts.iter_mut().filter(|(_, begun)| !begun.is_sent) {
        if world.host.streams[id].is_paused {
            continue;
        }
        begun.is_sent = true;
        let repository = ["a", "b"][begun.request];
        let at = |path: &str| asked_for(&format!("{path}/blobs/{DIGEST}").replace('R', repository));
        let sent = world.sent(*id);
        let is_its_own = match begun.backend {
            // It has answered, and nobody is asked twice.
            _ if sent == (Attempted::Replied { status: 503 }) => {
                world.host.noted(*id).of(begun.backend).is_some()
            }
            // Its token may be missing, and that of another backend is never there.
            "hub" => {
                let without = at("/base/v2/team/R");
                sent == without || sent == without.with_token("of-hub")
            }
            "robot" => sent == at("/v2/robots/R").with_credential("c"),
            _ => sent == at("/v2/team/R"),
        };
        assert!(is_its_own, "{} gets what is another's: {sent:?}", begun.backend);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_backend_sees_its_own_only(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new(LIST);
        let client = [("authorization", "Basic Y2xpZW50OnNlY3JldA==")];
        let requests = ["team/a", "team/b"].map(|repository| {
            world.request_with("GET", "main.example", &blob(repository), &client)
        });
        let mut attempts: BTreeMap<StreamId, Begun> = BTreeMap::new();
        let mut answered: Vec<(usize, &str)> = Vec::new();
        for event in events {
            match event {
                Event::Begin(request, backend) => {
                    let backend = BACKENDS[backend];
                    let id = world.attempt(requests[request], backend);
                    attempts.insert(id, Begun { request, backend, is_sent: false });
                }
                Event::Answer(index, status) => {
                    let sent: Vec<StreamId> =
                        attempts.iter().filter(|(_, begun)| begun.is_sent).map(|(id, _)| *id).collect();
                    if !sent.is_empty() {
                        let id = *index.get(&sent);
                        world.answer(id, status, &[]);
                        let begun = attempts.remove(&id).unwrap();
                        if matches!(status, "404" | "429" | "503") {
                            answered.push((begun.request, begun.backend));
                        }
                        world.close(id);
                    }
                }
                Event::Close(index) => {
                    let all: Vec<StreamId> = attempts.keys().copied().collect();
                    if !all.is_empty() {
                        let id = *index.get(&all);
                        let begun = attempts.remove(&id).unwrap();
                        answered.push((begun.request, begun.backend));
                        world.close(id);
                    }
                }
                Event::Token(status) => {
                    if !world.calls.is_empty() {
                        let body = r#"{"token": "of-hub", "expires_in": 60}"#;
                        world.service("hub@token", status, &[], body);
                    }
                }
                Event::Pass(milliseconds) => world.pass(milliseconds),
            }
            look(&mut world, &mut attempts);
        }
        // No token service answers any more: nobody waits for ever.
        world.calls.clear();
        world.pass(15_000);
        look(&mut world, &mut attempts);
        for begun in attempts.values() {
            prop_assert!(begun.is_sent, "{} waits for ever", begun.backend);
        }
        for (request, backend) in answered {
            let noted = world.host.noted(requests[request]);
                        prop_assert!(noted.of(backend).is_some(), "what {} answered was lost", backend);
        }
    }
}
