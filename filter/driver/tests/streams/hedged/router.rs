//! One request in Envoy's router, of which two attempts may be made at a time.

use portolan_core::attempt::Answers;
use portolan_core::contract::StateKey;
use portolan_core::contract::headers::{CLUSTER, CREDENTIAL, GO_ON};
use portolan_driver::StreamId;

use super::super::host::{Headers, headers, value};
use super::super::outcome::{End, replied};
use super::super::policies::blob;
use super::super::simulator::World;
use super::HEDGE;

/// What happens to a request. The numbers choose one of its attempts.
#[derive(Clone, Debug)]
pub(super) enum Event {
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

/// An attempt, as Envoy sees it.
pub(super) struct Attempt {
    pub(super) backend: &'static str,
    id: StreamId,
    is_connected: bool,
    /// The attempt phase has let it go on, and the filters behind have seen it.
    has_gone_on: bool,
    pub(super) is_sent: bool,
    is_over: bool,
    /// Its token was refused, so that the backend may be asked again.
    is_refused: bool,
}

/// One request in Envoy's router.
pub(super) struct Router<'w> {
    pub(super) world: &'w mut World,
    pair: [&'static str; 2],
    pub(super) request: StreamId,
    /// Which of the two Envoy knows to be down.
    down: Option<usize>,
    pub(super) is_hedged: bool,
    retries: usize,
    pub(super) attempts: Vec<Attempt>,
    /// What the client gets.
    pub(super) end: Option<End>,
}

impl<'w> Router<'w> {
    /// A request begins; `down` says which of the two Envoy knows to be down.
    pub(super) fn start(
        world: &'w mut World,
        pair: [&'static str; 2],
        down: Option<usize>,
    ) -> Self {
        let client = [("authorization", "Basic Y2xpZW50OnNlY3JldA==")];
        let request = world.request_with("GET", "main.example", &blob("team/a"), &client);
        let shared = &mut world.host.requests[world.host.streams[&request].request];
        let is_hedged = value(&shared.headers, HEDGE).is_some();
        shared.headers.retain(|(name, _)| !name.starts_with("x-envoy-"));
        let attempts = Vec::new();
        let mut router =
            Self { world, pair, request, down, is_hedged, retries: 1, attempts, end: None };
        let cluster = router.next_cluster();
        match cluster.as_str() {
            "" => router.begin_in_list(),
            _ => router.begin_at(&cluster),
        }
        router
    }

    /// An attempt at the cluster of the list.
    fn begin_in_list(&mut self) {
        let is_up = |place: &usize| self.down != Some(*place);
        let was_tried = |place: &usize| {
            self.attempts.iter().any(|attempt| attempt.backend == self.pair[*place])
        };
        let places = || (0..2).filter(is_up);
        let place = places().find(|place| !was_tried(place)).or_else(|| places().next());
        self.begin(self.pair[place.unwrap()]);
    }

    fn next_cluster(&self) -> String {
        self.world.host.state(self.request, StateKey::NextCluster)
    }

    /// An attempt at the cluster that the filter has named. In those of later attempts nobody is
    /// asked who is down.
    fn begin_at(&mut self, cluster: &str) {
        let Some((names, kind @ ("last" | "sparing-1"))) = cluster.split_once('@') else {
            panic!("no such cluster: {cluster}");
        };
        let down = self.down.map(|place| self.pair[place]);
        let members: Vec<&'static str> = names
            .split('+')
            .map(|name| *self.pair.iter().find(|one| **one == name).unwrap())
            .collect();
        match members.iter().find(|name| Some(**name) != down) {
            Some(name) => self.begin(name),
            None if kind == "sparing-1" => self.begin(members[0]),
            None => self.respond(headers(&[(":status", "503"), ("retry-after", "1")])),
        }
    }

    fn begin(&mut self, backend: &'static str) {
        let id = self.world.attempt(self.request, backend);
        let new = Attempt {
            backend,
            id,
            is_connected: false,
            has_gone_on: false,
            is_sent: false,
            is_over: false,
            is_refused: false,
        };
        self.attempts.push(new);
        if let Some((reply, _)) = &self.world.host.streams[&id].reply {
            let status = reply.status.to_string();
            let mut response = headers(&[(":status", &status)]);
            let more = reply.headers.iter();
            response
                .extend(more.map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes())));
            for number in 0..self.attempts.len() {
                self.close(number);
            }
            self.respond(response);
        } else {
            self.look();
        }
    }

    fn retry(&mut self) {
        self.retries -= 1;
        if self.is_hedged {
            return self.begin_in_list();
        }
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
                let backend = attempt.backend;
                check(backend, shared);
                let at = || self.attempts.iter().filter(|one| one.backend == backend);
                let refused = at().filter(|one| one.is_refused).count();
                let asked = at().filter(|one| one.is_sent).count();
                assert!(asked <= 1 + refused.min(1), "{backend} is asked {asked} times");
            }
        }
    }

    pub(super) fn connect(&mut self, number: usize) {
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

    pub(super) fn close(&mut self, number: usize) {
        let attempt = &mut self.attempts[number];
        if !std::mem::replace(&mut attempt.is_over, true) {
            self.world.close(attempt.id);
        }
    }

    pub(super) fn time_up(&mut self, number: usize) {
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

    pub(super) fn answer(&mut self, number: usize, status: &str) {
        if !self.is_open(number) || !self.attempts[number].is_sent {
            return;
        }
        self.world.answer(self.attempts[number].id, status, &[]);
        self.attempts[number].is_refused = matches!(status, "401" | "403");
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

    fn respond(&mut self, response: Headers) {
        self.end = Some(self.world.respond(self.request, response));
    }

    /// Whether the driver has ended the request.
    fn look_for_end(&mut self) {
        let reply = &self.world.host.streams[&self.request].reply;
        if let Some((reply, details)) = reply {
            self.end = Some(replied(&reply.status.to_string(), details));
        }
    }

    pub(super) fn take(&mut self, event: &Event) {
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
    pub(super) fn finish(mut self) -> Finished {
        for number in 0..2 {
            if self.end.is_none() {
                self.connect(number);
            }
        }
        if self.end.is_none() && self.is_hedged {
            self.world.pass(13_001);
            self.look_for_end();
            assert!(self.end.is_some(), "it has no end");
        }
        for number in 0..self.attempts.len() {
            self.close(number);
        }
        let noted = self.world.host.noted(self.request);
        let tried = self.world.host.state(self.request, StateKey::Tried);
        self.world.close(self.request);
        Finished { end: self.end, answers: noted, tried }
    }
}

pub(super) struct Finished {
    pub(super) end: Option<End>,
    pub(super) answers: Answers,
    pub(super) tried: String,
}

/// What a backend got is its own.
fn check(backend: &str, sent: &Headers) {
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
