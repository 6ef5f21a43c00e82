//! One request.
//!
//! ```text
//! New ──▶ decide ──▶ Forwarded ──▶ Replied      a backend answers, or the proxy in its place
//!          │  ▲
//!          │  └── Waiting                        a fact is looked up
//!          ├────▶ Exchanging ──▶ Replied         a token service is asked for the client
//!          ├────▶ Scraping ──▶ Replied           Envoy is asked what it counts
//!          └────▶ Replied
//! New ──▶ AtRedirectTarget ──▶ Replied           a further pass, decided in the first
//! ```

mod cache;
mod facts;
mod fill;
mod forward;
mod further_pass;
mod head;
mod log;
mod response;
mod response_head;
mod scrape;
mod stale_tag;

use std::rc::Rc;

use portolan_core::config::{Backend, BackendList};
use portolan_core::contract::clusters::{STALE, is_cache};
use portolan_core::contract::{StateKey, headers};
use portolan_core::oci::Method;
use portolan_core::policy::Push;
use portolan_core::reply::{self, Reply};
use portolan_core::response::Receipt;
use portolan_core::{Action, Forwarding, Plan, RequestHead, TokenEndpoint, is_withheld, plan};

use crate::call::CallAnswer;
use crate::callback::Callback;
use crate::effect::{Effect, Flow, Side};
use crate::exchange::REQUEST_ID;
use crate::header_map::HeaderMap;
use crate::lookups::Learned;
use crate::redirect::is_further_pass;
use crate::snapshot::Snapshot;
use crate::token_exchange::{Next, TokenExchange};
use facts::{Facts, Found};
use head::JoinedGeo;
use stale_tag::Tag;

pub(crate) use head::request_head;

/// How many facts a plan may need, one after another.
const FACTS: usize = 6;
/// About how much there is to do for a request that goes to a backend.
const EFFECTS: usize = 12;

/// A request, or one pass of it.
pub(crate) struct Request {
    snapshot: Rc<Snapshot>,
    phase: Phase,
    /// Whether the request has a body that goes no further.
    drops_body: bool,
    /// The identifier by which the log knows the request. When an answer is there, a host has the
    /// headers of the request no more.
    id: Option<Box<[u8]>>,
    /// Until when its answer has to have begun, where that is not for the host to see to.
    deadline: Option<u64>,
}

/// How far a request has come.
#[expect(clippy::large_enum_variant, reason = "nearly every request gets to the large one")]
enum Phase {
    /// Nothing has been decided.
    New,
    /// A fact is waited for.
    Waiting(Box<Asked>),
    /// A token service is asked for the client.
    Exchanging(Box<TokenExchange>),
    /// Envoy is asked what it counts.
    Scraping,
    /// A backend is asked. If it is a push and succeeds, that is to be noted; so is what it says of
    /// a tag.
    Forwarded(Receipt, Option<Push>, Option<Box<Tag>>),
    /// A backend was asked, and redirected to where it is asked now.
    AtRedirectTarget,
    /// Answered here. Envoy sends local replies through the response callbacks too; ours need
    /// no rewriting.
    Replied,
}

/// What a client asks, and what is known besides.
struct Asked {
    headers: HeaderMap,
    /// The client's, where it can change anything.
    address: Option<Vec<u8>>,
    facts: Facts,
}

impl Request {
    pub(crate) const fn new(snapshot: Rc<Snapshot>) -> Self {
        Self { snapshot, phase: Phase::New, drops_body: false, id: None, deadline: None }
    }

    /// The request begins. `is_end` says that it has no body.
    pub(crate) fn request_headers(&mut self, is_end: bool, call: &mut Callback<'_>) -> Flow {
        self.drops_body = !is_end && !has_content(call);
        self.phase = if self.snapshot.follows && is_further_pass(call) {
            self.deliver(call)
        } else {
            self.start(call)
        };
        self.flow()
    }

    /// A part of the body is there, of this size in bytes.
    pub(crate) fn request_body(&self, size: usize, call: &mut Callback<'_>) -> Flow {
        if self.drops_body {
            call.effects.push(Effect::DropBody(size));
        }
        Flow::Continue
    }

    /// Goes on with what was waited for.
    pub(crate) fn resume(&mut self, learned: Learned, call: &mut Callback<'_>) {
        if matches!(learned, Learned::TooLate) {
            return self.give_up(call);
        }
        let Phase::Waiting(mut asked) = std::mem::replace(&mut self.phase, Phase::New) else {
            return;
        };
        asked.facts.learn(learned);
        self.phase = self.decide(*asked, call);
        if self.flow() == Flow::Continue {
            call.resume();
        }
    }

    /// No backend has begun to answer in time.
    fn give_up(&mut self, call: &mut Callback<'_>) {
        self.deadline = None;
        if let Phase::Forwarded(receipt, ..) = &self.phase {
            let reply = response::too_late(&self.snapshot.config, receipt, call);
            call.reply_instead(reply, self.id.as_deref());
            self.phase = Phase::Replied;
        }
    }

    /// The answer to a call in the name of this request.
    pub(crate) fn call_answered(&mut self, answer: &CallAnswer<'_>, call: &mut Callback<'_>) {
        match std::mem::replace(&mut self.phase, Phase::Replied) {
            Phase::Exchanging(exchange) => self.phase = run(exchange.answered(answer, call), call),
            Phase::Scraping => self.phase = send(scrape::reply(answer), call),
            phase => self.phase = phase,
        }
    }

    /// The head of the answer is there.
    pub(crate) fn response_headers(&mut self, call: &mut Callback<'_>) -> Flow {
        self.end_deadline(call);
        let reply = match &self.phase {
            Phase::AtRedirectTarget => {
                response::take_mark(call);
                further_pass::judge(call)
            }
            Phase::Forwarded(receipt, push, tag) => {
                let reply = response::take_in(&self.snapshot.config, receipt, *push, call);
                if let Some(tag) = tag {
                    let ours = reply.as_ref().map(|reply| reply.status);
                    let status = ours.or_else(|| call.exchange.status());
                    stale_tag::take_in(tag, (status, ours.is_some()), call);
                }
                reply
            }
            _ => None,
        };
        let backend = self.named_backend(call);
        let Some(mut reply) = reply else {
            if let Some(backend) = backend {
                call.set_response_header(headers::BACKEND, backend.into_bytes());
            }
            if self.snapshot.config.fills_caches() {
                fill::check(call);
            }
            return Flow::Continue;
        };
        reply.headers.extend(backend.map(|name| (headers::BACKEND, name)));
        call.reply_instead(reply, self.id.as_deref());
        self.phase = Phase::Replied;
        Flow::Pause
    }

    /// The answer is other content than was asked for.
    pub(crate) fn body_is_wrong(&mut self, call: &mut Callback<'_>) {
        let reply = fill::refuse(call);
        call.reply_instead(reply, self.id.as_deref());
        self.phase = Phase::Replied;
    }

    /// The backend to name in the answer, where the front names it: the one that was asked last.
    /// Where its redirect was followed, the host of this pass is none of the policy's.
    fn named_backend(&self, call: &Callback<'_>) -> Option<String> {
        let is_backends = matches!(self.phase, Phase::Forwarded(..) | Phase::AtRedirectTarget);
        // Reading a property costs, also one that is not there.
        if !is_backends || !self.snapshot.says_backend {
            return None;
        }
        call.state(StateKey::SaysBackend)?;
        let of_the_host = call.exchange.backend().filter(|name| !name.is_empty());
        let name = of_the_host.or_else(|| call.state(StateKey::RedirectedBy))?;
        String::from_utf8(name).ok()
    }

    /// The request is over.
    pub(crate) fn close(&mut self, call: &mut Callback<'_>) {
        self.end_deadline(call);
        if matches!(self.phase, Phase::Waiting(_)) {
            call.memory.lookups.forget(call.stream);
        }
    }

    /// Whether it is answered here if nobody has begun to answer by a time.
    pub(crate) const fn has_deadline(&self) -> bool {
        self.deadline.is_some()
    }

    fn end_deadline(&mut self, call: &mut Callback<'_>) {
        if let Some(until) = self.deadline.take() {
            call.memory.deadlines.remove(until, call.stream);
        }
    }

    const fn flow(&self) -> Flow {
        match self.phase {
            Phase::Forwarded(..) | Phase::AtRedirectTarget => Flow::Continue,
            _ => Flow::Pause,
        }
    }

    fn start(&mut self, call: &mut Callback<'_>) -> Phase {
        let Some(headers) = call.exchange.request_headers() else {
            return send(reply::host_failed(), call);
        };
        self.id = headers.first(REQUEST_ID).map(Into::into);
        let address = self.snapshot.address(call.exchange);
        call.effects.reserve(EFFECTS);
        self.decide(Asked { headers, address, facts: Facts::default() }, call)
    }

    /// A further pass: it was decided in the first, and goes where a redirect leads.
    fn deliver(&mut self, call: &mut Callback<'_>) -> Phase {
        let Some(headers) = call.exchange.request_headers() else {
            return send(reply::host_failed(), call);
        };
        self.id = headers.first(REQUEST_ID).map(Into::into);
        further_pass::prepare(&headers, call);
        Phase::AtRedirectTarget
    }

    /// Plans the request, and does what the plan says: a forward, a reply, or a wait for what it
    /// needs.
    fn decide(&mut self, asked: Asked, call: &mut Callback<'_>) -> Phase {
        let snapshot = Rc::clone(&self.snapshot);
        let Asked { headers, address, mut facts } = asked;
        let (mut head, repeats) = request_head(&headers, &snapshot.geo_headers, address.as_deref());
        let joined = repeats.then(|| JoinedGeo::of(&headers, &snapshot.geo_headers));
        if let Some(joined) = &joined {
            joined.tell(&mut head.client);
        }
        facts.begin(&snapshot, call);
        // The core needs each fact once at most; a host that asks for ever would hang here.
        for _ in 0..=FACTS {
            let plan = plan(&snapshot.config, &head, &facts.told());
            let Action::Need(need) = &plan.action else {
                return self.carry_out(plan, &head, &headers, call);
            };
            let sent = (head.authorization, &headers);
            match facts.find_out(need, &snapshot.config, sent, call) {
                Found::Fact => {}
                Found::Waits => return Phase::Waiting(Box::new(Asked { headers, address, facts })),
            }
        }
        send(reply::host_failed(), call)
    }

    /// Does what a plan says that needs no fact.
    fn carry_out(
        &mut self,
        plan: Plan<'_>,
        head: &RequestHead<'_>,
        headers: &HeaderMap,
        call: &mut Callback<'_>,
    ) -> Phase {
        log::note_record(plan.record, self.snapshot.notes_country, call);
        if plan.says_backend {
            call.set_state(StateKey::SaysBackend, &b"1"[..]);
        }
        match plan.action {
            Action::Need(_) => send(reply::host_failed(), call),
            Action::Reply(reply) => send(reply, call),
            Action::Forward(forwarding) => self.forward(*forwarding, head, headers, call),
            Action::Token(TokenEndpoint::Exchange(request)) => {
                let takes_forms = call.memory.takes_forms;
                run(TokenExchange::start(request.for_host(takes_forms), call), call)
            }
            Action::Scrape => {
                call.call(scrape::call());
                Phase::Scraping
            }
            // The filter for forms is not there. Clients then ask with a GET ("Oauth2 Token
            // Authentication": a 404 says that there is only the other way).
            Action::Token(TokenEndpoint::NeedsBody) => send(reply::no_forms(), call),
        }
    }

    fn forward(
        &mut self,
        mut forwarding: Forwarding<'_>,
        head: &RequestHead<'_>,
        headers: &HeaderMap,
        call: &mut Callback<'_>,
    ) -> Phase {
        let list: &BackendList = forwarding.forward.list;
        let config = &self.snapshot.config;
        let members = || list.backends().iter().filter_map(|id| config.backend(*id));
        let keys = || members().map(Backend::key);
        let stale = forwarding.receipt.may_be_stale.then_some(STALE);
        if forwarding.receipt.follows {
            log::note_asked(head, &forwarding.receipt.naming, call);
        } else if forwarding.target_changed {
            log::note_path(head, call);
        }
        cache::note(&forwarding, config, headers, call);
        if config.fills_caches() {
            fill::note(head, config, headers, call);
        }
        let ejection = |backend: &Backend| backend.resilience().ejection;
        // A cache is asked first in any case, and what fills it spares the limited as well.
        let is_cached = members().next().is_some_and(|first| is_cache(first.name()));
        let spared = if forwarding.receipt.has_fallback() && !is_cached {
            let list = members().map(|backend| (backend.key(), ejection(backend)));
            forward::spare(list, call)
        } else {
            Vec::new()
        };
        if let Some(stale) = stale {
            forward::begin_before_a_cache(keys(), stale, call);
        }
        // What is not for a backend. Most requests have none of it.
        call.remove_headers(Side::Request, headers, is_withheld);
        let tag = stale_tag::of(&mut forwarding, headers).map(Box::new);
        self.deadline = forward::apply(&mut forwarding, keys().chain(stale), &spared, call);
        Phase::Forwarded(forwarding.receipt, forwarding.push, tag)
    }
}

/// Whether the body of the request, which has one, is for the backend; if not, the request is one
/// without.
fn has_content(call: &mut Callback<'_>) -> bool {
    let method = call.exchange.request_header(":method").unwrap_or_default();
    let has_content = Method::parse(&method).is_some_and(Method::has_content);
    if !has_content {
        call.remove_request_header("content-length");
    }
    has_content
}

fn run(next: Next, call: &mut Callback<'_>) -> Phase {
    next.settled(call).map_or(Phase::Replied, Phase::Exchanging)
}

fn send(reply: Reply, call: &mut Callback<'_>) -> Phase {
    call.reply(reply);
    Phase::Replied
}
