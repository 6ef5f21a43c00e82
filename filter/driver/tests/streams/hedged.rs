//! Two attempts of a request at a time, as Envoy makes them, in random orders of slow tokens, slow connections, slow
//! answers and every kind of answer: each backend sees its own host, path and credentials, and is asked once.
//!
//! What Envoy does is modelled after its router: the attempts share one set of headers, which is read when an
//! attempt's connection is there and the attempt phase has let it go on; the time of an attempt runs from its
//! connection on; an answer that is marked is dropped while another attempt is under way.

use portolan_core::attempt::{Answer, Answers};
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::{CLUSTER, CREDENTIAL, GO_ON};
use portolan_driver::StreamId;
use proptest::prelude::*;

use super::host::{headers, value};
use super::policies::blob;
use super::simulator::World;

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

/// What happens to a request. The numbers choose one of its attempts.
#[derive(Clone, Debug)]
enum Event {
    /// The connection of an attempt is there.
    Connect(usize),
    /// The time of an attempt is up.
    TimeUp(usize),
    /// The backend of an attempt answers.
    Answer(usize, &'static str),
    /// The connection of an attempt breaks, or does not come up.
    Reset(usize),
    /// The token service answers.
    Token(&'static str),
    /// Nothing but time, in milliseconds.
    Pass(u64),
}

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

/// An attempt, as Envoy sees it.
struct Attempt {
    backend: &'static str,
    id: StreamId,
    is_connected: bool,
    /// The attempt phase has let it go on, and the filters behind have seen it.
    has_gone_on: bool,
    is_sent: bool,
    is_over: bool,
}

/// One request in Envoy's router.
struct Router<'w> {
    world: &'w mut World,
    pair: [&'static str; 2],
    request: StreamId,
    is_hedged: bool,
    retries: usize,
    attempts: Vec<Attempt>,
    /// What the client gets.
    end: Option<String>,
}

impl<'w> Router<'w> {
    /// A request begins; `skips` says that Envoy knows the first backend to be down.
    fn start(world: &'w mut World, pair: [&'static str; 2], skips: bool) -> Self {
        let client = [("authorization", "Basic Y2xpZW50OnNlY3JldA==")];
        let request = world.request_with("GET", "main.example", &blob("team/a"), &client);
        let shared = &mut world.host.requests[world.host.streams[&request].request];
        let is_hedged = value(&shared.headers, HEDGE).is_some();
        shared.headers.retain(|(name, _)| !name.starts_with("x-envoy-"));
        let mut router =
            Self { world, pair, request, is_hedged, retries: 1, attempts: Vec::new(), end: None };
        let cluster = router.next_cluster();
        match cluster.as_str() {
            "" => router.begin(pair[usize::from(skips)], false),
            _ => router.begin_at(&cluster),
        }
        router
    }

    fn next_cluster(&self) -> String {
        self.world.host.state(self.request, StateKey::NextCluster)
    }

    /// An attempt at the cluster that the attempt phase has named.
    fn begin_at(&mut self, cluster: &str) {
        let [first, second] = self.pair;
        match cluster.split_once('@') {
            Some((_, "hedge1")) => self.begin(first, false),
            Some((_, "hedge2")) => self.begin(second, false),
            Some((name, "last")) if name == first => self.begin(first, true),
            Some((name, "last")) if name == second => self.begin(second, true),
            _ => panic!("no such cluster: {cluster}"),
        }
    }

    fn begin(&mut self, backend: &'static str, is_alone: bool) {
        let is_first_time = !self.attempts.iter().any(|attempt| attempt.backend == backend);
        assert!(is_first_time, "{backend} is asked twice");
        let id = if is_alone {
            self.world.attempt_alone(self.request, backend)
        } else {
            self.world.attempt(self.request, backend)
        };
        let new = Attempt {
            backend,
            id,
            is_connected: false,
            has_gone_on: false,
            is_sent: false,
            is_over: false,
        };
        self.attempts.push(new);
        self.look();
    }

    fn retry(&mut self) {
        self.retries -= 1;
        let cluster = self.next_cluster();
        self.begin_at(&cluster);
    }

    /// Looks at attempts that have gone on since, and at those that can be sent now.
    fn look(&mut self) {
        let place = self.world.host.streams[&self.request].request;
        for number in 0..self.attempts.len() {
            let attempt = &mut self.attempts[number];
            if attempt.is_over || attempt.is_sent {
                continue;
            }
            let shared = &mut self.world.host.requests[place].headers;
            if !attempt.has_gone_on && !self.world.host.streams[&attempt.id].is_paused {
                attempt.has_gone_on = true;
                // The injector is the next filter.
                if let Some(name) = value(shared, CREDENTIAL) {
                    shared.retain(|(name, _)| name != CREDENTIAL && name != "authorization");
                    let injected = [b"injected ", name.as_slice()].concat();
                    shared.push(("authorization".to_owned(), injected));
                }
            }
            if attempt.has_gone_on && attempt.is_connected {
                attempt.is_sent = true;
                check(attempt.backend, shared);
            }
        }
    }

    fn connect(&mut self, number: usize) {
        let place = self.world.host.streams[&self.request].request;
        let Some(attempt) = self.attempts.get_mut(number).filter(|attempt| !attempt.is_over) else {
            return;
        };
        if !attempt.is_connected {
            attempt.is_connected = true;
            // `auto_host_rewrite`.
            let shared = &mut self.world.host.requests[place].headers;
            shared.retain(|(name, _)| name != ":authority");
            shared.push((":authority".to_owned(), attempt.backend.as_bytes().to_vec()));
            self.look();
        }
    }

    fn is_open(&self, number: usize) -> bool {
        self.attempts.get(number).is_some_and(|attempt| !attempt.is_over)
    }

    fn any_open(&self) -> bool {
        (0..self.attempts.len()).any(|number| self.is_open(number))
    }

    fn close(&mut self, number: usize) {
        let attempt = &mut self.attempts[number];
        if !std::mem::replace(&mut attempt.is_over, true) {
            self.world.close(attempt.id);
        }
    }

    fn time_up(&mut self, number: usize) {
        if !self.is_open(number) || !self.attempts[number].is_connected {
            return;
        }
        if !self.is_hedged {
            self.reset(number);
        } else if self.retries > 0 {
            self.retry();
        }
    }

    fn reset(&mut self, number: usize) {
        if !self.is_open(number) {
            return;
        }
        self.close(number);
        if self.retries > 0 {
            self.retry();
        } else if !self.any_open() {
            self.respond(headers(&[(":status", "503"), ("retry-after", "1")]));
        }
    }

    fn answer(&mut self, number: usize, status: &str) {
        if !self.is_open(number) || !self.attempts[number].is_sent {
            return;
        }
        self.world.answer(self.attempts[number].id, status, &[]);
        let id = self.attempts[number].id;
        let is_marked = value(&self.world.host.streams[&id].response, GO_ON).is_some();
        let response = self.world.response(id);
        let others = (0..self.attempts.len()).any(|other| other != number && self.is_open(other));
        if is_marked && self.retries > 0 {
            self.close(number);
            self.retry();
        } else if is_marked && others {
            self.close(number);
        } else {
            // The others are reset before the answer passes the filters of the listener.
            for other in (0..self.attempts.len()).filter(|other| *other != number) {
                self.close(other);
            }
            self.respond(response);
        }
    }

    fn respond(&mut self, response: super::host::Headers) {
        self.end = Some(self.world.respond(self.request, response));
    }

    /// Whether the driver has ended the request.
    fn look_for_end(&mut self) {
        let reply = &self.world.host.streams[&self.request].reply;
        if let Some((reply, details)) = reply {
            self.end = Some(format!("{} {details}", reply.status));
        }
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Connect(number) => self.connect(*number),
            Event::TimeUp(number) => self.time_up(*number),
            Event::Answer(number, status) => self.answer(*number, status),
            Event::Reset(number) => self.reset(*number),
            Event::Token(status) => {
                if !self.world.calls.is_empty() {
                    let body = r#"{"token": "of-hub", "expires_in": 2}"#;
                    self.world.service("hub@token", status, &[], body);
                }
            }
            Event::Pass(milliseconds) => self.world.pass(*milliseconds),
        }
        if self.end.is_none() {
            self.look_for_end();
        }
        if self.end.is_none() {
            self.look();
        }
    }

    /// The rest of the request, in which no backend answers any more.
    fn finish(mut self) -> Finished {
        for number in 0..2 {
            if self.end.is_none() {
                self.connect(number);
            }
        }
        if self.end.is_none() && self.is_hedged {
            self.world.pass(11_000);
            self.look_for_end();
            assert!(self.end.is_some(), "it has no end");
        }
        for number in 0..self.attempts.len() {
            self.close(number);
        }
        let noted = self.world.host.state(self.request, StateKey::Prepared);
        let tried = self.world.host.state(self.request, StateKey::Tried);
        self.world.close(self.request);
        Finished { end: self.end, answers: Answers::parse(noted.as_bytes()), tried }
    }
}

struct Finished {
    end: Option<String>,
    answers: Answers,
    tried: String,
}

/// What a backend got is its own.
fn check(backend: &str, sent: &super::host::Headers) {
    let text = |name| value(sent, name).map(|value| String::from_utf8(value).unwrap());
    let (path, may_show) = match backend {
        "hub" => (format!("/base{}", blob("team/a")), Some("Bearer of-hub")),
        "robot" => (blob("robots/a"), Some("injected c")),
        _ => (blob("team/a"), None),
    };
    assert_eq!(text(":authority").as_deref(), Some(backend), "the host of another");
    assert_eq!(text(":path"), Some(path), "{backend} gets the path of another");
    let shown = text("authorization");
    assert!(shown.is_none() || shown.as_deref() == may_show, "{backend} is shown {shown:?}");
    assert!(backend != "robot" || shown.is_some(), "its credential is missing");
    assert_eq!(text(CREDENTIAL), None);
    assert!(text(CLUSTER).is_some());
}

fn world(pair: [&str; 2], more: &str) -> World {
    let [first, second] = pair;
    let attempts =
        format!(r#"{{"phase": "attempt", "list": ["{first}", "{second}"], "overlap": true}}"#);
    World::new(&policy(pair, more), &attempts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Ten requests one after the other, in a thousand worlds.
    #[test]
    fn a_backend_sees_its_own_and_is_asked_once(
        pair in prop::sample::select(PAIRS.to_vec()),
        requests in prop::collection::vec((any::<bool>(), prop::collection::vec(event(), 1..16)), 10),
    ) {
        let mut world = world(pair, "");
        for (skips, events) in requests {
            let mut router = Router::start(&mut world, pair, skips);
            for event in &events {
                router.take(event);
                if router.end.is_some() {
                    break;
                }
            }
            let Finished { end, answers, tried } = router.finish();
            if end.as_deref() == Some("404 as it came") {
                for backend in pair {
                    prop_assert_eq!(answers.of(backend), Some(Answer::Missed), "an outage is a 404: {}", tried);
                }
            }
        }
    }
}

/// A first request has the token fetched that the second one needs.
fn with_token(world: &mut World, pair: [&'static str; 2]) {
    let mut router = Router::start(world, pair, false);
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
    let mut router = Router::start(&mut world, pair, false);
    assert!(router.is_hedged);
    router.connect(0);
    router.world.pass(300);
    router.time_up(0);
    router.connect(1);
    router.answer(1, "200");
    assert_eq!(router.end.as_deref(), Some("200 as it came"));
    assert_eq!(router.world.host.state(router.request, StateKey::PassedOverWhy), "+late");
    assert_eq!(router.finish().tried, "hub overtaken");
}

#[test]
fn the_first_answers_after_all() {
    let pair = ["robot", "open"];
    let mut world = world(pair, "");
    let mut router = Router::start(&mut world, pair, false);
    router.connect(0);
    router.world.pass(300);
    router.time_up(0);
    router.connect(1);
    router.answer(1, "404");
    assert_eq!(router.end, None, "the other one may have it");
    router.world.pass(300);
    router.answer(0, "200");
    assert_eq!(router.end.as_deref(), Some("200 as it came"));
    assert_eq!(router.finish().tried, "open 404");
}

#[test]
fn both_hang_and_one_hangs_while_the_other_lacks_it() {
    let pair = ["robot", "open"];
    for (status, expected) in [
        (None, "503 portolan_failed:UNAVAILABLE"),
        (Some("404"), "503 portolan_failed:UNAVAILABLE"),
    ] {
        let mut world = world(pair, r#", "attempt_timeouts": {"blobs": "3s"}"#);
        let mut router = Router::start(&mut world, pair, false);
        router.connect(0);
        router.world.pass(300);
        router.time_up(0);
        router.connect(1);
        if let Some(status) = status {
            router.answer(1, status);
        }
        router.take(&Event::Pass(2999));
        assert_eq!(router.end, None, "{status:?}: three seconds, and the wait before the second");
        router.take(&Event::Pass(2));
        assert_eq!(router.end.as_deref(), Some(expected), "{status:?}");
        router.finish();
    }
}

/// Its attempts share what they are sent: one that waits for a token may not go on beside another.
#[test]
fn a_first_backend_whose_token_is_not_there() {
    let pair = ["hub", "robot"];
    let mut world = world(pair, "");
    let router = Router::start(&mut world, pair, false);
    assert!(!router.is_hedged);
    router.finish();
}

#[test]
fn when_the_second_is_asked_too() {
    let pair = ["robot", "open"];
    #[rustfmt::skip]
    let rows = [
        ("", Some("300"), "nothing is known yet"),
        (r#", "hedge_after": "450ms""#, Some("450"), "the policy says it"),
        (r#", "hedge_after": "off""#, None, "the policy says never"),
        (r#", "hedge_after": "12s""#, None, "an attempt has less"),
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

#[test]
fn who_answers_nothing_is_asked_last() {
    let pair = ["robot", "open"];
    let mut world = world(pair, "");
    for _ in 0..4 {
        let mut router = Router::start(&mut world, pair, false);
        router.connect(0);
        router.world.pass(900);
        router.time_up(0);
        router.connect(1);
        router.answer(1, "200");
        router.finish();
    }
    let trial = Router::start(&mut world, pair, false);
    assert_eq!(trial.attempts[0].backend, "robot", "one finds out how it is");
    let other = world.request("GET", "main.example", &blob("team/a"));
    assert_eq!(world.host.state(other, StateKey::NextCluster), "open@last");
    assert_eq!(world.host.state(other, StateKey::Reason), "default; nearest; not answering: robot");
}
