//! A worker whose host, clients, backends and services are all here. Its clock goes only when it is
//! told to.

use std::collections::BTreeMap;

use portolan_core::contract::headers::{CLUSTER, GO_ON};
use portolan_core::contract::{Span, StateKey};
use portolan_driver::header_map::serialize;
use portolan_driver::{Call, CallAnswer, CallId, Flow, HeaderMap, Seed, StreamId, Woken, Worker};
use portolan_driver::{Effect, Filter, Learned};

use super::host::{
    Headers, Host, MILLISECOND, MORNING, Sent, Shared, Stream, View, headers, value,
};
use super::outcome::{
    Answered, Attempted, End, followed, for_client, forwarded, replied, retried_at, unchanged,
};

/// A worker and all around it.
pub(super) struct World {
    pub(super) worker: Worker,
    pub(super) host: Host,
    /// The filters: of requests, of attempts at backends, of redirect targets, of forms.
    decide: Filter,
    attempt: Filter,
    target: Filter,
    form: Filter,
    /// The calls in the worker's name that no service has answered.
    pub(super) calls: Vec<(CallId, Call)>,
    /// When each of them was made.
    made: BTreeMap<CallId, u64>,
    /// What the last callback of a stream has led to.
    pub(super) done: Vec<Effect>,
    streams: StreamId,
}

impl World {
    /// With a policy.
    pub(super) fn new(policy: &str) -> Self {
        let mut worker = Worker::new(Seed(1, 2));
        let mut filter = |text: &str| match worker.configure(text.as_bytes()) {
            Ok(configured) => configured.filter,
            Err(mistakes) => panic!("{mistakes:#?}"),
        };
        let decide = filter(policy);
        let attempt = filter(r#"{"phase": "attempt"}"#);
        let target = filter(r#"{"phase": "hop"}"#);
        let form = filter(r#"{"phase": "token"}"#);
        let host = Host { now: MORNING, ..Host::default() };
        Self {
            worker,
            host,
            decide,
            attempt,
            target,
            form,
            calls: Vec::new(),
            made: BTreeMap::new(),
            done: Vec::new(),
            streams: 0,
        }
    }

    /// Another policy comes into use.
    pub(super) fn reload(&mut self, policy: &str) {
        self.decide = self.worker.configure(policy.as_bytes()).unwrap().filter;
    }

    /// A client asks. Returns its stream.
    pub(super) fn request(&mut self, method: &str, authority: &str, target: &str) -> StreamId {
        self.request_with(method, authority, target, &[])
    }

    /// The same, with more headers.
    pub(super) fn request_with(
        &mut self,
        method: &str,
        authority: &str,
        target: &str,
        more: &[(&str, &str)],
    ) -> StreamId {
        let pseudo = [(":method", method), (":authority", authority), (":path", target)];
        let all = [&pseudo[..], &[(":scheme", "https")], more].concat();
        self.host.requests.push(Shared { headers: headers(&all), ..Shared::default() });
        let (filter, request) = (self.decide.clone(), self.host.requests.len() - 1);
        self.open(&filter, request, true)
    }

    /// A client sends a request with a body.
    pub(super) fn upload(
        &mut self,
        method: &str,
        authority: &str,
        target: &str,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> StreamId {
        let pseudo = [(":method", method), (":authority", authority), (":path", target)];
        let all = headers(&[&pseudo[..], &[(":scheme", "https")], more].concat());
        self.host.requests.push(Shared { headers: all, body: body.to_vec(), ..Shared::default() });
        let (filter, request) = (self.decide.clone(), self.host.requests.len() - 1);
        let stream = self.open(&filter, request, false);
        self.run(stream, |worker, view, effects| {
            worker.request_body(stream, view, (body.len(), true), effects)
        });
        stream
    }

    /// A client sends a form to the token endpoint.
    pub(super) fn form(&mut self, authority: &str, target: &str, body: &str) -> StreamId {
        let kind = "application/x-www-form-urlencoded";
        let all = [
            (":method", "POST"),
            (":authority", authority),
            (":path", target),
            (":scheme", "https"),
            ("content-type", kind),
        ];
        let body = body.as_bytes().to_vec();
        self.host.requests.push(Shared { headers: headers(&all), body, ..Shared::default() });
        let (filter, request) = (self.form.clone(), self.host.requests.len() - 1);
        let stream = self.open(&filter, request, false);
        let size = self.host.requests[request].body.len();
        self.run(stream, |worker, view, effects| {
            worker.request_body(stream, view, (size, true), effects)
        });
        stream
    }

    /// An attempt of a request at a backend begins. Returns its stream.
    pub(super) fn attempt(&mut self, request: StreamId, backend: &str) -> StreamId {
        let request = self.host.streams[&request].request;
        self.host.requests[request].latest = Some(backend.to_owned());
        let filter = self.attempt.clone();
        self.open(&filter, request, true)
    }

    /// An attempt of a request where a redirect leads.
    pub(super) fn target(&mut self, request: StreamId) -> StreamId {
        let (filter, request) = (self.target.clone(), self.host.streams[&request].request);
        // Its host is no backend of the policy.
        self.host.requests[request].latest = None;
        self.open(&filter, request, true)
    }

    /// The request that the host begins anew where an answer redirects to. What is of one pass ends.
    pub(super) fn further_pass(&mut self, request: StreamId) -> StreamId {
        let (filter, request) = (self.decide.clone(), self.host.streams[&request].request);
        self.host.requests[request].state.retain(|key, _| key.span() == Span::Request);
        self.open(&filter, request, true)
    }

    fn open(&mut self, filter: &Filter, request: usize, is_end: bool) -> StreamId {
        self.streams += 1;
        let id = self.streams;
        self.host.streams.insert(id, Stream { request, ..Stream::default() });
        self.worker.open(filter, id);
        let flow =
            self.run(id, |worker, view, effects| worker.request_headers(id, view, is_end, effects));
        let stream = self.host.streams.get_mut(&id).unwrap();
        stream.is_paused = flow == Flow::Pause && stream.reply.is_none();
        id
    }

    /// What the backend of an attempt got, or why it got nothing.
    pub(super) fn sent(&mut self, attempt: StreamId) -> Attempted {
        match &self.host.streams[&attempt] {
            Stream { reply: Some((reply, _)), .. } => Attempted::Replied { status: reply.status },
            Stream { is_paused: true, .. } => Attempted::Waits,
            Stream { .. } => Attempted::Asked(self.host.send(attempt).asked()),
        }
    }

    /// The same as it went over the wire.
    pub(super) fn send(&mut self, attempt: StreamId) -> Sent {
        self.host.send(attempt)
    }

    /// The backend of an attempt answers.
    pub(super) fn answer(
        &mut self,
        attempt: StreamId,
        status: &str,
        more: &[(&str, &str)],
    ) -> Answered {
        let response = headers(&[&[(":status", status)][..], more].concat());
        self.host.streams.get_mut(&attempt).unwrap().response = response;
        self.run(attempt, |worker, view, effects| worker.response_headers(attempt, view, effects));
        let response = &self.host.streams[&attempt].response;
        match (value(response, GO_ON), value(response, CLUSTER)) {
            (Some(_), _) => retried_at(&self.host.state(attempt, StateKey::NextCluster)),
            (None, Some(cluster)) => {
                let location = value(response, "location").unwrap_or_default();
                followed(&text(location), &text(cluster))
            }
            (None, None) => for_client(&text(value(response, ":status").unwrap())),
        }
    }

    /// The answer of an attempt, or one of the host's own, gets to the phase of its request. What
    /// the client gets.
    pub(super) fn respond(&mut self, request: StreamId, response: Headers) -> End {
        self.host.streams.get_mut(&request).unwrap().response = response;
        self.run(request, |worker, view, effects| worker.response_headers(request, view, effects));
        self.end(request)
    }

    /// The body of an answer that was to be checked is other content.
    pub(super) fn body_is_wrong(&mut self, request: StreamId) {
        self.run(request, |worker, view, effects| worker.body_is_wrong(request, view, effects));
    }

    /// What an attempt has answered.
    pub(super) fn response(&self, attempt: StreamId) -> Headers {
        let mut response = self.host.streams[&attempt].response.clone();
        // The route takes the mark out.
        response.retain(|(name, _)| name != GO_ON);
        response
    }

    /// What the client of a request gets, or where the request is.
    pub(super) fn end(&self, request: StreamId) -> End {
        let stream = &self.host.streams[&request];
        if let Some((reply, details)) = &stream.reply {
            return replied(&reply.status.to_string(), details);
        }
        if stream.is_paused {
            return End::Waits;
        }
        if let Some(status) = value(&stream.response, ":status") {
            return unchanged(&text(status));
        }
        let headers = &self.host.requests[stream.request].headers;
        forwarded(&text(value(headers, CLUSTER).unwrap_or_default()))
    }

    /// A stream is over.
    pub(super) fn close(&mut self, stream: StreamId) {
        self.run(stream, |worker, view, effects| worker.close(stream, view, effects));
        self.host.streams.remove(&stream);
        self.host.closed.insert(stream);
        self.host.calls.retain(|(other, _)| *other != stream);
    }

    /// The service that was asked first of those that a call in the worker's name is under way to
    /// answers.
    pub(super) fn service(
        &mut self,
        cluster: &str,
        status: &str,
        more: &[(&str, &str)],
        body: &str,
    ) {
        let place = self.calls.iter().position(|(_, call)| call.cluster == cluster);
        let (id, _) = self.calls.remove(place.expect("no such call is under way"));
        let map = answer_headers(status, more);
        let answer = CallAnswer { headers: Some(&map), body: body.as_bytes() };
        let woken = self.worker.answered(id, &answer, self.host.now);
        self.wake(woken);
        self.finish();
    }

    /// A call in the worker's name comes to nothing.
    pub(super) fn fail(&mut self, place: usize) {
        let (id, _) = self.calls.remove(place);
        let woken = self.worker.answered(id, &CallAnswer::default(), self.host.now);
        self.wake(woken);
        self.finish();
    }

    /// The service that a stream asks answers.
    pub(super) fn call_answered(
        &mut self,
        stream: StreamId,
        status: &str,
        more: &[(&str, &str)],
        body: &str,
    ) -> Call {
        let place = self.host.calls.iter().position(|(other, _)| *other == stream);
        let (_, call) = self.host.calls.remove(place.expect("the stream asks nobody"));
        let map = answer_headers(status, more);
        let answer = CallAnswer { headers: Some(&map), body: body.as_bytes() };
        self.run(stream, |worker, view, effects| {
            worker.call_answered(stream, view, &answer, effects);
        });
        call
    }

    /// Time passes, and the host calls whenever it was asked to.
    pub(super) fn pass(&mut self, milliseconds: u64) {
        let end = self.host.now + milliseconds * MILLISECOND;
        while let Some(alarm) = self.host.alarm.filter(|alarm| *alarm <= end) {
            self.host.now = self.host.now.max(alarm);
            self.host.alarm = None;
            // A host has to know beforehand whom it may have to wake.
            let streams = self.host.streams.keys().copied();
            let timed: Vec<StreamId> =
                streams.filter(|stream| self.worker.has_deadline(*stream)).collect();
            let woken = self.worker.alarm(self.host.now);
            for each in &woken {
                let is_late = matches!(each.learned, Learned::TooLate);
                assert!(!is_late || timed.contains(&each.stream), "nobody said that it has a time");
            }
            self.wake(woken);
            self.finish();
        }
        self.host.now = end;
    }

    fn wake(&mut self, woken: Vec<Woken>) {
        for woken in woken {
            let stream = woken.stream;
            let is_late = matches!(woken.learned, Learned::TooLate);
            let is_paused = self.host.streams[&stream].is_paused;
            assert!(is_paused || is_late, "a stream is woken that does not wait");
            self.run(stream, |worker, view, effects| worker.resume(woken, view, effects));
        }
    }

    fn finish(&mut self) {
        let now = self.host.now;
        let new = self.worker.take_calls();
        self.made.extend(new.iter().map(|(id, _)| (*id, now)));
        self.calls.extend(new);
        // A second later than it could be answered a call counts as lost.
        let made = &self.made;
        self.calls.retain(|(id, call)| {
            let lasts = u64::try_from(call.timeout.as_nanos()).unwrap() + 1000 * MILLISECOND;
            now < made[id] + lasts
        });
        self.host.warnings.extend(self.worker.take_lines());
        if let Some(period) = self.worker.timer(now) {
            self.host.set_timer(period, now);
        }
    }

    fn run<T>(
        &mut self,
        stream: StreamId,
        work: impl FnOnce(&mut Worker, &View<'_>, &mut Vec<Effect>) -> T,
    ) -> T {
        let mut effects = Vec::new();
        let view = View { host: &self.host, stream };
        let result = work(&mut self.worker, &view, &mut effects);
        self.done.clone_from(&effects);
        self.host.apply(effects, stream);
        result
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn answer_headers(status: &str, more: &[(&str, &str)]) -> HeaderMap {
    let all = [&[(":status", status)][..], more].concat();
    HeaderMap::new(serialize(all.iter().map(|(name, value)| (*name, value.as_bytes()))))
}
