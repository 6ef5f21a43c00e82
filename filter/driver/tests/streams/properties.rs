//! Random orders of everything that can happen to requests: arrivals, answers, time-outs,
//! disconnects, reloads.

use std::collections::BTreeMap;

use portolan_driver::StreamId;
use proptest::prelude::*;

use super::outcome::End;
use super::policies::{blob, facts};
use super::simulator::World;

/// What happens.
#[derive(Clone, Debug)]
enum Event {
    /// A request comes in, of one of the kinds.
    Ask(usize),
    /// The client of one of those that wait goes away.
    Close(prop::sample::Index),
    /// One of the calls that are under way is answered.
    Answer(prop::sample::Index, &'static str),
    /// One of them comes to nothing.
    Fail(prop::sample::Index),
    /// Another policy comes into use.
    Reload(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let index = any::<prop::sample::Index>;
    let statuses = vec!["200", "200", "401", "404", "503"];
    prop_oneof![
        6 => (0..5_usize).prop_map(Event::Ask),
        2 => index().prop_map(Event::Close),
        8 => (index(), prop::sample::select(statuses)).prop_map(|(index, status)| Event::Answer(index, status)),
        1 => index().prop_map(Event::Fail),
        1 => (1..3_u8).prop_map(Event::Reload),
    ]
}

fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let wait = prop::sample::select(vec![0, 0, 1, 1, 100, 1000, 2000, 12_000]);
    prop::collection::vec((wait, event()), 1..80)
}

fn ask(world: &mut World, kind: usize) -> StreamId {
    let password = [("authorization", "Basic YTpi")];
    match kind {
        0 => world.request_with("GET", "private.example", "/v2/own/a/manifests/v1", &password),
        1 => world.request("GET", "main.example", &blob("sent/a")),
        2 => world.request("GET", "main.example", "/v2/sent/b/manifests/v1"),
        3 => world.request("GET", "main.example", &blob("sent/b")),
        _ => world.request("GET", "main.example", &blob("limited/a")),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// The simulator itself looks that nothing is done for a stream that is over, that none is
    /// woken that does not wait, and that none is answered twice.
    #[test]
    fn every_request_ends(events in events()) {
        let mut world = World::new(&facts(1));
        // The policy under which each request began.
        let (mut open, mut version) = (BTreeMap::new(), 1);
        for (wait, event) in events {
            world.pass(wait);
            match event {
                Event::Ask(kind) => {
                    let stream = ask(&mut world, kind);
                    open.insert(stream, version);
                }
                Event::Close(index) => {
                    let waiting: Vec<StreamId> = open.keys().copied().collect();
                    if !waiting.is_empty() {
                        let stream = *index.get(&waiting);
                        open.remove(&stream);
                        world.close(stream);
                    }
                }
                Event::Answer(index, status) => {
                    if !world.calls.is_empty() {
                        let cluster = world.calls[index.index(world.calls.len())].1.cluster.clone();
                        world.service(&cluster, status, &[], r#"{"cluster_statuses": []}"#);
                    }
                }
                Event::Fail(index) => {
                    if !world.calls.is_empty() {
                        world.fail(index.index(world.calls.len()));
                    }
                }
                Event::Reload(next) => {
                    version = next;
                    world.reload(&facts(next));
                }
            }
            let mut asked: Vec<String> = world.calls.iter().map(|(_, call)| {
                format!("{} {:?} {:?}", call.cluster, call.header(":authority"), call.header(":path"))
            }).collect();
            let all = asked.len();
            asked.sort();
            asked.dedup();
            prop_assert!(all - asked.len() <= 2, "a question is asked more than once for each policy");
        }
        world.calls.clear();
        world.pass(30_000);
        world.calls.clear();
        world.pass(30_000);
        for (stream, version) in open {
            let end = world.end(stream);
            prop_assert_ne!(&end, &End::Waits, "stream {} waits for ever", stream);
            let reply = world.host.streams[&stream].reply.as_ref();
            let location = reply.and_then(|(reply, _)| {
                reply.headers.iter().find(|(name, _)| *name == "location")
            });
            if let Some((_, location)) = location.filter(|(_, url)| url.contains("//east")) {
                let own = format!("https://east-{version}.example/");
                prop_assert!(location.starts_with(&own), "{} under policy {}", location, version);
            }
        }
        prop_assert_eq!(world.host.alarm, None, "a worker that has nothing to do is woken");
    }
}
