//! The values that a state machine can use while one callback of its stream runs.

use portolan_core::content::Expected;
use portolan_core::contract::StateKey;
use portolan_core::contract::details::details;
use portolan_core::record::Outcome;
use portolan_core::reply::Reply;

use crate::call::{Call, StreamId};
use crate::effect::{Effect, Side, Value};
use crate::exchange::{Exchange, REQUEST_ID};
use crate::header_map::HeaderMap;
use crate::lookups::Lookups;
use crate::memory::Memory;

/// One callback: the stream that it is for, what can be read, what the worker knows, and what is to
/// be done.
pub(crate) struct Callback<'w> {
    pub(crate) stream: StreamId,
    pub(crate) exchange: &'w dyn Exchange,
    pub(crate) memory: &'w mut Memory,
    pub(crate) effects: &'w mut Vec<Effect>,
}

impl Callback<'_> {
    /// Works with what is looked up, at this moment in nanoseconds.
    pub(crate) fn look_up<T>(&mut self, work: impl FnOnce(&mut Lookups, u64) -> T) -> T {
        let now = self.exchange.now();
        let result = work(&mut self.memory.lookups, now);
        self.effects.extend(self.memory.set_timer(now).map(Effect::SetTimer));
        result
    }

    /// The request has to have its answer by then, in nanoseconds since 1970, as is `now`; else it
    /// learns that it is too late.
    pub(crate) fn set_deadline(&mut self, until: u64, now: u64) {
        self.memory.deadlines.add(until, self.stream);
        self.effects.extend(self.memory.set_timer(now).map(Effect::SetTimer));
    }

    /// A property of the request, as it will be when the effects so far are applied.
    pub(crate) fn state(&self, key: StateKey) -> Option<Vec<u8>> {
        let set = self.effects.iter().rev().find_map(|effect| match effect {
            Effect::SetState(other, value) if *other == key => Some(value.to_vec()),
            _ => None,
        });
        set.or_else(|| self.exchange.state(key))
    }

    /// Keeps a property of the request.
    pub(crate) fn set_state(&mut self, key: StateKey, value: impl Into<Value>) {
        self.effects.push(Effect::SetState(key, value.into()));
    }

    /// Sets a header of the request.
    pub(crate) fn set_request_header(&mut self, name: &'static str, value: impl Into<Value>) {
        self.effects.push(Effect::SetHeader(Side::Request, name, value.into()));
    }

    /// Sets a header of the response.
    pub(crate) fn set_response_header(&mut self, name: &'static str, value: impl Into<Value>) {
        self.effects.push(Effect::SetHeader(Side::Response, name, value.into()));
    }

    /// Removes a header.
    pub(crate) fn remove_header(&mut self, side: Side, name: impl Into<Value>) {
        self.effects.push(Effect::RemoveHeader(side, name.into()));
    }

    /// Removes all headers of one side that are meant by their names.
    pub(crate) fn remove_headers(
        &mut self,
        side: Side,
        headers: &HeaderMap,
        is_meant: impl Fn(&[u8]) -> bool,
    ) {
        for (name, _) in headers.iter().filter(|(name, _)| is_meant(name)) {
            self.remove_header(side, name.to_vec());
        }
    }

    /// Removes a header of the response whose name is known.
    pub(crate) fn remove_response_header(&mut self, name: &'static str) {
        self.remove_header(Side::Response, name.as_bytes());
    }

    /// Removes a header of the request whose name is known.
    pub(crate) fn remove_request_header(&mut self, name: &'static str) {
        self.remove_header(Side::Request, name.as_bytes());
    }

    /// Whether the response has a header; one that is not there costs little to ask for.
    pub(crate) fn has_response_header(&self, name: &str) -> bool {
        self.exchange.response_header(name).is_some()
    }

    /// Answers a request that no backend was asked about.
    pub(crate) fn reply(&mut self, reply: Reply) {
        let outcome = Outcome::of_reply(&reply, false);
        let id = reply.body.is_error().then(|| self.exchange.request_header(REQUEST_ID)).flatten();
        self.reply_as(outcome, reply, id.as_deref());
    }

    /// Answers a request in the place of what backends answered. `id` is the identifier of the
    /// request, whose headers no host has to lend any more.
    pub(crate) fn reply_instead(&mut self, reply: Reply, id: Option<&[u8]>) {
        let outcome = Outcome::of_reply(&reply, true);
        self.reply_as(outcome, reply, id);
    }

    fn reply_as(&mut self, outcome: Outcome, mut reply: Reply, id: Option<&[u8]>) {
        if reply.body.is_error()
            && let Some(id) = id
        {
            reply.body.name_request(id);
        }
        let details = details(outcome.as_str(), reply.code);
        self.effects.push(Effect::Reply(Box::new(reply), details));
    }

    /// Lets the paused request go on.
    pub(crate) fn resume(&mut self) {
        self.effects.push(Effect::Resume);
    }

    /// Has the body of the response checked while it passes.
    pub(crate) fn check_body(&mut self, expected: Expected) {
        self.effects.push(Effect::CheckBody(expected));
    }

    /// Makes a request in the name of this stream.
    pub(crate) fn call(&mut self, call: Call) {
        self.effects.push(Effect::Call(Box::new(call)));
    }

    /// Writes a line into the host's log.
    pub(crate) fn warn(&mut self, line: String) {
        self.effects.push(Effect::Warn(line));
    }

    /// Writes a line into the host's log, unless the same was written within a minute.
    pub(crate) fn warn_once(&mut self, line: String) {
        let now = self.exchange.now();
        if self.memory.warnings.is_due(&line, now) {
            self.effects.push(Effect::Warn(line));
        }
    }

    /// Says in the access log what became of the request after it was decided.
    pub(crate) fn explain(&mut self, what: &str) {
        let reason = self.state(StateKey::Reason).unwrap_or_default();
        self.set_state(StateKey::Reason, [&reason, what.as_bytes()].join(&b"; "[..]));
    }
}
