//! Whole requests through the driver's simulator: the request, its attempts, tokens, answers,
//! followed redirects, time.
//!
//! Blocks of lines, with an empty line between two: the first is a byte for each thing that
//! happens, three are requests (method, host, target, then header lines), the others are answers
//! (status, then header lines). Properties: each backend sees its own name of the repository, its
//! own credential and nothing of the client's; a write goes to the owner alone; a tenant's request
//! reaches that tenant's repositories alone; nobody is asked twice; an outage is no 404; no answer
//! leads a client to a backend's own host; and every request ends.

#![no_main]

// The same simulator with which the driver's own tests run.
#[path = "walk_streams/checks.rs"]
mod checks;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../driver/tests/streams/host.rs"]
mod host;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../driver/tests/streams/outcome.rs"]
mod outcome;
#[allow(dead_code, reason = "the tests use more of them")]
#[path = "../../driver/tests/streams/policies.rs"]
mod policies;
#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../../driver/tests/streams/simulator.rs"]
mod simulator;

use checks::{check_answer, check_sent};
use host::{Headers, headers, value};
use libfuzzer_sys::fuzz_target;
use outcome::Answered;
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::CLUSTER;
use portolan_driver::StreamId;
use simulator::World;

/// `hub` is shown tokens, `robot` a credential, `open` nothing; `cdn.example` is where `open` may
/// redirect to.
const POLICY: &str = r#"{
    "version": 1,
    "fronts": {"ours": {"hosts": ["ours.example"]}, "theirs": {"hosts": ["theirs.example"]}},
    "backends": {
        "hub": {"url": "https://hub.example/base",
                "auth": {"token": {"realm": "https://auth.example/token", "service": "hub"}}},
        "robot": {"url": "https://robot.example", "auth": "basic", "credential": "c",
                  "names": [{"front": "team/", "backend": "robots/"}]},
        "open": {"url": "https://open.example", "redirect_handling": "follow",
                 "followed_redirects": {"hosts": ["cdn.example"]}, "upload_paths": ["/uploads/"]}
    },
    "credentials": {"c": {"file": "/c/robot"}},
    "regions": {"default": {}},
    "rules": [
        {"name": "ours", "fronts": ["ours"], "repositories": ["team/**"], "readers": "anyone",
         "chains": {"default": ["hub", "robot", "open"]}, "owner": "open", "replicas": ["hub", "robot", "open"]},
        {"name": "theirs", "fronts": ["theirs"], "repositories": ["theirs/**"], "readers": "anyone",
         "chains": {"default": ["hub", "robot", "open"]}, "replicas": ["hub", "robot", "open"]}
    ]
}"#;
const LIST: [&str; 3] = ["hub", "robot", "open"];
const MOST_EVENTS: usize = 60;

/// A request, as a client sends it.
pub(crate) struct Asked<'i> {
    pub(crate) method: &'i str,
    pub(crate) authority: &'i str,
    pub(crate) target: &'i str,
    headers: Vec<(&'i str, &'i str)>,
}

/// What a backend, or a token service, answers.
struct Answer<'i> {
    status: &'i str,
    headers: Vec<(&'i str, &'i str)>,
}

/// A request that has begun.
struct Walk<'i> {
    asked: &'i Asked<'i>,
    /// The stream of its latest pass.
    stream: StreamId,
    /// The attempt that is under way, and at whom; a redirect target is nobody of the policy.
    attempt: Option<(StreamId, &'static str)>,
    was_sent: bool,
    tried: Vec<&'static str>,
    missed: Vec<&'static str>,
    is_over: bool,
}

fuzz_target!(|input: &[u8]| {
    let Ok(text) = str::from_utf8(input) else { return };
    let mut blocks = text.split("\n\n");
    let events = blocks.next().unwrap_or_default();
    let asked: Vec<Asked<'_>> = blocks.by_ref().take(3).filter_map(read_request).collect();
    let answers: Vec<Answer<'_>> = blocks.map(read_answer).collect();
    if asked.is_empty() || answers.is_empty() {
        return;
    }
    let mut answers = answers.iter().cycle();
    let mut next = || answers.next().expect("a cycle of at least one has no end");
    let mut world = World::new(POLICY);
    let mut walks: Vec<Walk<'_>> =
        asked.iter().map(|asked| Walk::start(&mut world, asked)).collect();
    for event in events.bytes().take(MOST_EVENTS) {
        let place = usize::from(event >> 4) % walks.len();
        match event & 7 {
            0..=2 => walks[place].answer(&mut world, next()),
            3 => serve(&mut world, &Answer { status: "200", headers: Vec::new() }),
            4 => serve(&mut world, next()),
            5 if !world.calls.is_empty() => world.fail(0),
            5 => {}
            6 => world.pass([1, 100, 2_000, 13_000][usize::from(event >> 4) % 4]),
            _ => walks[place].leave(&mut world),
        }
        walks.iter_mut().for_each(|walk| walk.go_on(&mut world));
    }
    finish(&mut world, walks);
});

impl<'i> Walk<'i> {
    fn start(world: &mut World, asked: &'i Asked<'i>) -> Self {
        let stream =
            world.request_with(asked.method, asked.authority, asked.target, &asked.headers);
        let (tried, missed) = (Vec::new(), Vec::new());
        let mut walk =
            Self { asked, stream, attempt: None, was_sent: false, tried, missed, is_over: false };
        walk.go_on(world);
        walk
    }

    /// Does what Envoy does without anything new: begins an attempt, or sends what is ready.
    fn go_on(&mut self, world: &mut World) {
        if self.is_over {
            return;
        }
        if world.host.streams[&self.stream].reply.is_some() {
            check_answer(self.asked, &world.host, self.stream, None, &self.missed);
            return self.close(world);
        }
        if self.attempt.is_none() && !world.host.streams[&self.stream].is_paused {
            let shared = &world.host.requests[world.host.streams[&self.stream].request];
            let first = value(&shared.headers, CLUSTER).expect("what goes on has a cluster");
            let next = world.host.state(self.stream, StateKey::NextCluster);
            let first = String::from_utf8(first).expect("a name of the policy");
            let cluster = if next.is_empty() { first } else { next };
            self.begin(world, &cluster);
        }
        self.send(world);
    }

    /// An attempt at a cluster: at the first of its backends that was not tried.
    fn begin(&mut self, world: &mut World, cluster: &str) {
        let names = cluster.split('@').next().unwrap_or_default();
        let members: Vec<&'static str> = names
            .split('+')
            .map(|name| *LIST.iter().find(|one| **one == name).expect("of the policy"))
            .collect();
        let Some(backend) = members.iter().copied().find(|name| !self.tried.contains(name)) else {
            panic!("{cluster}: all of them were tried: {:?}", self.tried);
        };
        self.tried.push(backend);
        let id = world.attempt(self.stream, backend);
        (self.attempt, self.was_sent) = (Some((id, backend)), false);
    }

    fn send(&mut self, world: &mut World) {
        let Some((id, backend)) = self.attempt else { return };
        if let Some((reply, _)) = &world.host.streams[&id].reply {
            let status = reply.status.to_string();
            let mut response = headers(&[(":status", &status)]);
            let more = reply.headers.iter();
            response.extend(more.map(|(name, value)| ((*name).to_owned(), value.clone().into())));
            return self.respond(world, response, None);
        }
        if !self.was_sent && !world.host.streams[&id].is_paused {
            self.was_sent = true;
            check_sent(self.asked, backend, &world.send(id));
        }
    }

    /// The backend that has the request answers.
    fn answer(&mut self, world: &mut World, answer: &Answer<'_>) {
        let Some((id, backend)) = self.attempt.filter(|_| self.was_sent && !self.is_over) else {
            return;
        };
        if matches!(answer.status, "404" | "410") {
            self.missed.push(backend);
        }
        match world.answer(id, answer.status, &answer.headers) {
            Answered::Retried { cluster } => {
                world.close(id);
                self.begin(world, &cluster);
            }
            Answered::Followed { location, .. } => self.follow(world, id, &location),
            Answered::ForClient { .. } => {
                let response = world.response(id);
                self.respond(world, response, Some(backend));
            }
        }
    }

    /// The host begins the request anew where the redirect leads, and the target answers with the
    /// content.
    fn follow(&mut self, world: &mut World, attempt: StreamId, target: &str) {
        let host = target.strip_prefix("https://").expect("without TLS nobody is followed");
        let host = host.split(['/', '?']).next().unwrap_or_default();
        assert!(
            matches!(host, "cdn.example" | "cdn.example:443"),
            "nobody is followed to {target}"
        );
        let pass = world.further_pass(self.stream);
        world.close(attempt);
        let id = world.target(pass);
        let sent = world.send(id);
        for secret in ["authorization", "cookie"] {
            assert_eq!(sent.header(secret), None, "who delivers is shown {secret}");
        }
        world.answer(id, "200", &[]);
        let response = world.response(id);
        let old = std::mem::replace(&mut self.stream, pass);
        self.attempt = Some((id, "open"));
        self.respond(world, response, Some("open"));
        world.close(old);
    }

    /// What the client gets.
    fn respond(&mut self, world: &mut World, response: Headers, by: Option<&'static str>) {
        world.respond(self.stream, response);
        check_answer(self.asked, &world.host, self.stream, by, &self.missed);
        self.close(world);
    }

    fn leave(&mut self, world: &mut World) {
        if !self.is_over {
            self.close(world);
        }
    }

    fn close(&mut self, world: &mut World) {
        self.is_over = true;
        if let Some((id, _)) = self.attempt.take() {
            world.close(id);
        }
        world.close(self.stream);
    }
}

/// Whoever has not had an answer gets one once nobody is waited for any longer.
fn finish(world: &mut World, mut walks: Vec<Walk<'_>>) {
    for _ in 0..LIST.len() {
        world.calls.clear();
        world.pass(30_000);
        let answer = Answer { status: "200", headers: Vec::new() };
        walks.iter_mut().for_each(|walk| walk.go_on(world));
        walks.iter_mut().for_each(|walk| walk.answer(world, &answer));
    }
    assert!(walks.iter().all(|walk| walk.is_over), "a request waits for ever");
    world.calls.clear();
    world.pass(30_000);
    assert_eq!(world.host.alarm, None, "a worker that has nothing to do is woken");
}

fn serve(world: &mut World, answer: &Answer<'_>) {
    let Some((_, call)) = world.calls.first() else { return };
    assert_eq!(call.header(":authority"), Some("auth.example"), "nobody else is asked");
    let cluster = call.cluster.clone();
    let body = r#"{"token": "of-hub", "expires_in": 60}"#;
    world.service(&cluster, answer.status, &answer.headers, body);
}

fn read_request(block: &str) -> Option<Asked<'_>> {
    let mut lines = block.split('\n');
    let (method, authority, target) = (lines.next()?, lines.next()?, lines.next()?);
    let is_field = |text: &str| !text.bytes().any(|byte| matches!(byte, 0 | b'\r'));
    [method, authority, target].iter().all(|text| is_field(text)).then_some(())?;
    Some(Asked { method, authority, target, headers: lines.filter_map(read_header).collect() })
}

fn read_answer(block: &str) -> Answer<'_> {
    let mut lines = block.split('\n');
    let status = lines.next().unwrap_or_default();
    let is_status = status.len() == 3 && status.bytes().all(|byte| byte.is_ascii_digit());
    // Envoy itself refuses others, and keeps those of the hundreds but for 101.
    let is_final = is_status && matches!(status.as_bytes()[0], b'2'..=b'5');
    let status = if is_final || status == "101" { status } else { "200" };
    Answer { status, headers: lines.filter_map(read_header).collect() }
}

/// As a host lets one pass: a token in lower case, a value without controls, and no name of the
/// proxy's own, which the rendered configuration takes out before the filter sees it.
fn read_header(line: &str) -> Option<(&str, &str)> {
    let (name, header) = line.split_once(": ")?;
    let is_token = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_own = name.starts_with("x-portolan-") || name.starts_with("x-envoy-");
    let is_good =
        !name.is_empty() && name.bytes().all(is_token) && !header.chars().any(char::is_control);
    (is_good && !is_own).then_some((name, header))
}
