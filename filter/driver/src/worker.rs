//! One worker of the host: its streams, its lookups and its memory.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use portolan_core::reply;

use crate::attempt::Attempt;
use crate::call::{Call, CallAnswer, CallId, StreamId};
use crate::callback::Callback;
use crate::effect::{Effect, Flow};
use crate::exchange::Exchange;
use crate::filter::{Configured, Filter, Role};
use crate::lookups::{Learned, Seed, Woken};
use crate::measured::Measured;
use crate::memory::Memory;
use crate::redirect_target::RedirectTarget;
use crate::request::Request;
use crate::token_form::TokenForm;

/// A worker of the host. Nothing is shared with another one but what [`Effect::NotePush`] and
/// [`Effect::RememberTag`] note.
pub struct Worker {
    memory: Memory,
    streams: BTreeMap<StreamId, Stream>,
}

/// What a stream is.
enum Stream {
    Request(Box<Request>),
    Attempt(Box<Attempt>),
    RedirectTarget(RedirectTarget),
    TokenForm(Box<TokenForm>),
}

impl Worker {
    /// Knows nothing yet. `seed` is two numbers that nobody can guess.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self { memory: Memory::new(seed), streams: BTreeMap::new() }
    }

    /// Takes in the configuration of a filter. Streams that were begun before keep theirs.
    ///
    /// # Errors
    ///
    /// A line for each mistake in a policy; nothing has changed then.
    pub fn configure(&mut self, configuration: &[u8]) -> Result<Configured, Vec<String>> {
        let role = Role::read(configuration)?;
        match &role {
            // What fills caches decides by the same policy, which is not what clients are answered
            // by.
            Role::Decide(snapshot) if snapshot.config.fills_caches() => {}
            Role::Decide(snapshot) => {
                self.memory.lookups.use_policy(&snapshot.config);
                self.memory.latest = Some(Rc::clone(snapshot));
            }
            Role::TokenForm => self.memory.takes_forms = true,
            Role::Attempt | Role::RedirectTarget => {}
        }
        Ok(Configured::new(role, configuration.len()))
    }

    /// A stream of a filter begins.
    pub fn open(&mut self, filter: &Filter, stream: StreamId) {
        let new = match &filter.0 {
            Role::Decide(snapshot) => Stream::Request(Box::new(Request::new(Rc::clone(snapshot)))),
            Role::Attempt => Stream::Attempt(Box::new(Attempt::new())),
            Role::RedirectTarget => Stream::RedirectTarget(RedirectTarget::default()),
            Role::TokenForm => {
                Stream::TokenForm(Box::new(TokenForm::new(self.memory.latest.clone())))
            }
        };
        self.streams.insert(stream, new);
    }

    /// The headers of a request are there; `is_end` says that it has no body.
    pub fn request_headers(
        &mut self,
        stream: StreamId,
        exchange: &dyn Exchange,
        is_end: bool,
        effects: &mut Vec<Effect>,
    ) -> Flow {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        match stream {
            Some(Stream::Request(request)) => request.request_headers(is_end, &mut call),
            Some(Stream::Attempt(attempt)) => attempt.request_headers(&mut call),
            Some(Stream::RedirectTarget(target)) => {
                target.request_headers(&mut call);
                Flow::Continue
            }
            Some(Stream::TokenForm(form)) => form.request_headers(is_end, &mut call),
            None => {
                call.reply(reply::host_failed());
                Flow::Pause
            }
        }
    }

    /// So many bytes of the body of a request are there, and have not gone on; `is_end` says that
    /// they are the last.
    pub fn request_body(
        &mut self,
        stream: StreamId,
        exchange: &dyn Exchange,
        (size, is_end): (usize, bool),
        effects: &mut Vec<Effect>,
    ) -> Flow {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        match stream {
            Some(Stream::Request(request)) => request.request_body(size, &mut call),
            Some(Stream::TokenForm(form)) => form.request_body(size, is_end, &mut call),
            Some(Stream::Attempt(_) | Stream::RedirectTarget(_)) | None => Flow::Continue,
        }
    }

    /// The headers of a response are there.
    pub fn response_headers(
        &mut self,
        stream: StreamId,
        exchange: &dyn Exchange,
        effects: &mut Vec<Effect>,
    ) -> Flow {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        match stream {
            Some(Stream::Request(request)) => return request.response_headers(&mut call),
            Some(Stream::Attempt(attempt)) => attempt.response_headers(&mut call),
            Some(Stream::RedirectTarget(target)) => target.response_headers(&mut call),
            Some(Stream::TokenForm(_)) | None => {}
        }
        Flow::Continue
    }

    /// The body of a response that was to be checked is other content. The stream ends with what is
    /// done here.
    pub fn body_is_wrong(
        &mut self,
        stream: StreamId,
        exchange: &dyn Exchange,
        effects: &mut Vec<Effect>,
    ) {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        if let Some(Stream::Request(request)) = stream {
            request.body_is_wrong(&mut call);
        }
    }

    /// The answer to an [`Effect::Call`] of a stream; the default says that the call could not be
    /// made.
    pub fn call_answered(
        &mut self,
        stream: StreamId,
        exchange: &dyn Exchange,
        answer: &CallAnswer<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        match stream {
            Some(Stream::Request(request)) => request.call_answered(answer, &mut call),
            Some(Stream::TokenForm(form)) => form.call_answered(answer, &mut call),
            Some(Stream::Attempt(_) | Stream::RedirectTarget(_)) | None => {}
        }
    }

    /// A stream has learned what it waited for.
    pub fn resume(
        &mut self,
        Woken { stream, learned }: Woken,
        exchange: &dyn Exchange,
        effects: &mut Vec<Effect>,
    ) {
        let (stream, mut call) = self.callback(stream, exchange, effects);
        match stream {
            Some(Stream::Request(request)) => request.resume(learned, &mut call),
            Some(Stream::Attempt(attempt)) => attempt.resume(learned, &mut call),
            Some(Stream::RedirectTarget(_) | Stream::TokenForm(_)) | None => {}
        }
    }

    /// A stream is over.
    pub fn close(&mut self, stream: StreamId, exchange: &dyn Exchange, effects: &mut Vec<Effect>) {
        let over = self.streams.remove(&stream);
        let mut call = Callback { stream, exchange, memory: &mut self.memory, effects };
        match over {
            Some(Stream::Request(mut request)) => request.close(&mut call),
            Some(Stream::Attempt(mut attempt)) => attempt.close(&mut call),
            Some(Stream::RedirectTarget(_) | Stream::TokenForm(_)) | None => {}
        }
    }

    /// The calls that the host has to make now, in the worker's name. Each ends in one
    /// [`Worker::answered`], also if it could not be made.
    pub fn take_calls(&mut self) -> Vec<(CallId, Call)> {
        self.memory.lookups.take_calls()
    }

    /// What the host has to write into its log now, as warnings.
    pub fn take_lines(&mut self) -> Vec<String> {
        self.memory.lookups.take_lines()
    }

    /// What the host has to count now. The sum is the same whenever it does.
    pub fn take_measured(&mut self) -> Vec<Measured> {
        self.memory.lookups.take_measured()
    }

    /// The answer to a call of the worker, at this moment in nanoseconds. Returns whom it wakes.
    pub fn answered(&mut self, id: CallId, answer: &CallAnswer<'_>, now: u64) -> Vec<Woken> {
        self.memory.lookups.answered(id, answer, now)
    }

    /// Whether a stream may be woken though it does not wait: its answer has to have begun by a
    /// time.
    #[must_use]
    pub fn has_deadline(&self, stream: StreamId) -> bool {
        matches!(self.streams.get(&stream), Some(Stream::Request(request)) if request.has_deadline())
    }

    /// The time that [`Effect::SetTimer`] or [`Worker::timer`] has asked for has come. Returns whom
    /// it wakes.
    pub fn alarm(&mut self, now: u64) -> Vec<Woken> {
        self.memory.timer.came();
        let late = self.memory.deadlines.late(now).into_iter();
        let late = late.map(|stream| Woken { stream, learned: Learned::TooLate });
        self.memory.lookups.alarm(now).into_iter().chain(late).collect()
    }

    /// When all is done that an answer or an alarm has led to: in how long the next alarm is to
    /// come, zero for never; `None` if the host need not change what it was told.
    pub fn timer(&mut self, now: u64) -> Option<Duration> {
        let is_idle = !self.memory.timer.is_set();
        self.memory.set_timer(now).or(is_idle.then_some(Duration::ZERO))
    }

    fn callback<'w>(
        &'w mut self,
        stream: StreamId,
        exchange: &'w dyn Exchange,
        effects: &'w mut Vec<Effect>,
    ) -> (Option<&'w mut Stream>, Callback<'w>) {
        let call = Callback { stream, exchange, memory: &mut self.memory, effects };
        (self.streams.get_mut(&stream), call)
    }
}
