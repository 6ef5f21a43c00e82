//! One request, phase by phase.

use std::cell::{LazyCell, RefCell};
use std::rc::Rc;

use portolan_core::attempt::{Case, Trouble, Verdict, judge};
use portolan_core::config::{Backend, List};
use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey, headers};
use portolan_core::policy::Push;
use portolan_core::reply::{self, Reply};
use portolan_core::response::{self, Amendment, Receipt, UrlHeader};
use portolan_core::{Action as PlannedAction, Plan, TokenEndpoint};
use portolan_driver::Learned;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::errand::{self, Next, Running};
use crate::facts::{Facts, Found, Inquiry};
use crate::forward;
use crate::head::{JoinedGeo, has_content, request_head, withhold};
use crate::host::{self, Headers};
use crate::policy::{self, Policy};
use crate::worker::{self, Paused};
use crate::{pushes, redirects, refusals};

/// How many facts a plan may ask for, one after another.
const FACTS: usize = 4;
/// How far a request has come.
#[expect(clippy::large_enum_variant, reason = "nearly every request gets to the large one")]
pub(crate) enum Phase {
    /// Nothing has been decided.
    Started,
    /// A fact is waited for; the others are known.
    Waiting(Box<Facts>),
    /// A token service is asked for the client.
    Errand(Box<Running>),
    /// A backend is asked. If it is a push and succeeds, that is to be noted.
    Forwarded(Receipt, Option<Push>),
    /// A backend was asked, and redirected to where it is asked now.
    Redirected,
    /// Answered here. Envoy sends local replies through the response callbacks too; ours need
    /// no rewriting.
    Replied,
}

/// The HTTP context: one per request.
pub(crate) struct Stream {
    request: Rc<Request>,
    /// Whether the request has a body that goes no further.
    drops_body: bool,
}

/// One request. It waits as this, too.
struct Request {
    policy: Rc<Policy>,
    context: u32,
    phase: RefCell<Phase>,
}

impl Stream {
    pub(crate) fn new(policy: Rc<Policy>, context: u32) -> Self {
        let phase = RefCell::new(Phase::Started);
        Self { request: Rc::new(Request { policy, context, phase }), drops_body: false }
    }

    /// Enters a phase that a callback has led to.
    fn enter(&self, phase: Phase) {
        if matches!(phase, Phase::Waiting(_)) {
            worker::pause(self.request.context, Rc::<Request>::clone(&self.request));
        }
        self.request.phase.replace(phase);
    }
}

impl Paused for Request {
    /// Decides again, with what was learned.
    fn wake(self: Rc<Self>, learned: Learned) {
        let Phase::Waiting(facts) = self.phase.replace(Phase::Started) else { return };
        let phase = self.decide(&facts.with(learned));
        match &phase {
            Phase::Waiting(_) => worker::pause(self.context, Rc::<Self>::clone(&self)),
            Phase::Forwarded(..) => host::resume_request(),
            _ => {}
        }
        self.phase.replace(phase);
    }
}

impl Request {
    /// Plans the request and applies the plan: the effects of a forward, or a reply.
    fn decide(&self, facts: &Facts) -> Phase {
        let Self { policy, context, .. } = self;
        let Some(headers) = host::header_map(Headers::Request) else {
            return send(&reply::host_failed());
        };
        let address = policy.address();
        let inquiry = Inquiry::new(policy, *context, facts);
        let (mut head, repeats) = request_head(&headers, &policy.geo_headers, address.as_deref());
        let joined = repeats.then(|| JoinedGeo::of(&headers, &policy.geo_headers));
        if let Some(joined) = &joined {
            joined.tell(&mut head.client);
        }
        inquiry.begin(&mut head);
        let config = &policy.config;
        let mut plan = portolan_core::plan(config, &head);
        // The core asks for each fact once at most; a host that asks for ever would hang here.
        for _ in 0..FACTS {
            match inquiry.find_out(&plan, &mut head) {
                Found::Fact => plan = portolan_core::plan(config, &head),
                Found::Wait(facts) => return Phase::Waiting(facts),
                Found::Nothing => break,
            }
        }
        log_fields(&plan, policy.notes_country);
        match plan.action {
            PlannedAction::Ask(_)
            | PlannedAction::Verify(_)
            | PlannedAction::Examine
            | PlannedAction::Probe(_) => send(&reply::host_failed()),
            PlannedAction::Reply(reply) => send(&reply),
            PlannedAction::Forward(forwarding) => {
                let list = || {
                    let list = forwarding.forward.list.backends().iter();
                    list.filter_map(|id| config.backend(*id)).map(Backend::key)
                };
                if forwarding.receipt.follows {
                    redirects::note_asked(&head, &forwarding.receipt.naming);
                    redirects::note_fallback(list());
                }
                let has_fallback = forwarding.receipt.has_fallback();
                let spared = has_fallback
                    .then(|| forward::spare_the_limited(list(), &plan.record.reason))
                    .flatten();
                withhold(&headers);
                forward::apply(&forwarding, spared);
                Phase::Forwarded(forwarding.receipt, forwarding.push)
            }
            PlannedAction::Token(TokenEndpoint::Errand(errand)) => {
                run(errand::start(errand.for_a_host(policy::takes_forms())))
            }
            // The filter for forms is not there. Clients then ask with a GET ("Oauth2 Token
            // Authentication": a 404 says that there is only the other way).
            PlannedAction::Token(TokenEndpoint::NeedsBody) => send(&reply::no_forms()),
        }
    }

    /// Judges the last answer of a list, or looks at the headers of an answer that may pass.
    fn finish(&self, receipt: &Receipt) -> Option<Reply> {
        let doubtful = needs_a_look(receipt);
        let challenged = doubtful && has_header(UrlHeader::Challenge.name());
        if doubtful && has_header("proxy-authenticate") {
            return Some(reply::proxy_challenge());
        }
        // Reading the status costs.
        let status = LazyCell::new(host::status);
        if receipt.follows
            && let Some(reply) = redirects::judge_redirect(*status, receipt.has_fallback())
        {
            return Some(reply);
        }
        if doubtful && receipt.may_be_judged() {
            let judged = status.filter(|status| receipt.is_judged(*status));
            let verdict = judged.map(|status| self.judge(receipt, status));
            if let Some(Verdict::Replace(trouble)) = verdict {
                redirects::explain_trouble(trouble);
                if trouble == Trouble::Refused && refusals::is_of_credential() {
                    return Some(reply::credential_refused());
                }
                return Some(in_trouble(trouble));
            }
        }
        // A 401 of a front whose clients log in has a challenge, also where the backend gave none.
        let unauthorized = doubtful
            && (challenged || receipt.origin.is_some())
            && status.is_some_and(|status| status == 401);
        for header in response::url_headers(receipt.class) {
            let is_there = match header {
                UrlHeader::Challenge => challenged || unauthorized,
                _ => has_header(header.name()),
            };
            if is_there && let Some(reply) = self.amend(receipt, *header, unauthorized, || *status)
            {
                return Some(reply);
            }
        }
        None
    }

    fn judge(&self, receipt: &Receipt, status: u16) -> Verdict {
        let config = &self.policy.config;
        let list = config.list(receipt.list).map(List::backends).unwrap_or_default();
        let names = list.iter().filter_map(|id| config.backend(*id)).map(Backend::name);
        let noted = host::state(StateKey::Prepared).unwrap_or_default();
        let answered = answered(receipt).and_then(|name| String::from_utf8(name).ok());
        let case = Case {
            status,
            answered: answered.as_deref(),
            authority: receipt.authority.and_then(|id| config.backend(id)).map(Backend::name),
            proxys_credentials: receipt.proxys_credentials,
            clients_log_in: receipt.origin.is_some(),
        };
        judge(&case, &names, &receipt.answers(config, &noted))
    }

    /// What becomes of one header; the answer instead of all of it, where it leads no client anywhere.
    fn amend(
        &self,
        receipt: &Receipt,
        header: UrlHeader,
        unauthorized: bool,
        status: impl Fn() -> Option<u16>,
    ) -> Option<Reply> {
        let name = header.name();
        let answered = answered(receipt);
        let headers = host::header_map(Headers::Response)?;
        let values = headers.values(name);
        let config = &self.policy.config;
        let backend = answered.as_deref();
        let amendment = match header {
            UrlHeader::Challenge if unauthorized => {
                response::unauthorized(config, receipt, backend, &values)
            }
            UrlHeader::Challenge => {
                response::amend(config, receipt, backend, header, None, &values)
            }
            _ => response::amend(config, receipt, backend, header, status(), &values),
        };
        match amendment {
            Amendment::Keep => {}
            Amendment::Remove => host::remove_header(Headers::Response, name),
            Amendment::Replace(values) => {
                host::remove_header(Headers::Response, name);
                for value in values {
                    host::add_header(Headers::Response, name, &value);
                }
            }
            Amendment::Refuse(misdirection) => {
                let backend = receipt.backend(config, answered.as_deref());
                let text = misdirection.for_operator(backend.map_or("", Backend::name));
                worker::warn_once(&format!("portolan: {text}"));
                redirects::explain(misdirection.in_short());
                return Some(reply::misdirected(&misdirection));
            }
        }
        None
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _call: u32, _headers: usize, size: usize, _: usize) {
        let phase = match self.request.phase.replace(Phase::Replied) {
            Phase::Errand(running) => run(running.answered(size)),
            phase => phase,
        };
        self.enter(phase);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if matches!(*self.request.phase.borrow(), Phase::Waiting(_)) {
            worker::forget(self.request.context);
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        self.drops_body = !end_of_stream && !has_content();
        let phase = if self.request.policy.follows && redirects::is_further_pass() {
            deliver()
        } else {
            self.request.decide(&Facts::default())
        };
        let goes_on = matches!(phase, Phase::Forwarded(..) | Phase::Redirected);
        self.enter(phase);
        if goes_on { Action::Continue } else { Action::Pause }
    }

    fn on_http_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        if self.drops_body {
            host::drop_request_body(size);
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let reply = self.request.response();
        let Some(reply) = reply else { return Action::Continue };
        host::send_instead(&reply);
        self.enter(Phase::Replied);
        Action::Pause
    }
}

impl Request {
    /// What the client gets instead of the answer that is there.
    fn response(&self) -> Option<Reply> {
        let phase = self.phase.borrow();
        let (receipt, push) = match &*phase {
            Phase::Redirected => {
                take_header(headers::DOUBTFUL);
                return redirects::judge_delivery();
            }
            Phase::Forwarded(receipt, push) => (receipt, push),
            _ => return None,
        };
        if let Some(push) = push
            && host::status().is_some_and(|status| (200..300).contains(&status))
        {
            pushes::note(*push);
        }
        let reply = self.finish(receipt);
        if let (None, Some(namespace)) = (&reply, receipt.naming.namespace()) {
            let value = namespace.as_bytes();
            host::set_header(Headers::Response, reply::NAMESPACE_HEADER, value);
        }
        reply.map(|reply| reply.named(&receipt.naming))
    }
}

/// Hands the record to the access log.
fn log_fields(plan: &Plan<'_>, notes_country: bool) {
    let record = &plan.record;
    if let Some(country) = record.country.filter(|_| notes_country) {
        host::set_state(StateKey::Country, &country.code());
    }
    host::set_state(StateKey::Region, record.region.as_bytes());
    host::set_state(StateKey::Kind, record.kind.as_str().as_bytes());
    if let Some(front) = record.front {
        host::set_state(StateKey::Front, front.as_bytes());
    }
    if let Some(rule) = record.rule {
        host::set_state(StateKey::Rule, rule.as_bytes());
    }
    host::set_state(StateKey::Reason, record.reason.as_bytes());
    if let Some(upstream) = plan.naming.upstream() {
        host::set_state(StateKey::Registry, upstream.name().as_bytes());
    }
    if let (PlannedAction::Reply(_), Some(place)) = (&plan.action, record.backend) {
        host::set_state(StateKey::SentTo, place.as_bytes());
    }
}

/// A further pass of a request: it was decided in the first, and is not decided again.
fn deliver() -> Phase {
    if redirects::prepare_delivery() { Phase::Redirected } else { send(&reply::host_failed()) }
}

/// The answer where no backend of the list could serve; a limit is that of the last one.
fn in_trouble(trouble: Trouble) -> Reply {
    let reply = reply::trouble(trouble);
    if !matches!(trouble, Trouble::Limited(_)) {
        return reply;
    }
    let limits = reply::LIMITS.into_iter();
    limits.fold(reply, |reply, name| match host::header(Headers::Response, name) {
        Some(value) => reply.with_limit(name, &value),
        None => reply,
    })
}

/// The name of the backend that answered; `None` where it can only be one.
fn answered(receipt: &Receipt) -> Option<Vec<u8>> {
    receipt.has_fallback().then(|| host::property(BACKEND_ATTRIBUTE)).flatten()
}

/// Whether an answer may have to be judged, or asks for credentials. The attempt phase has said so, or it is
/// Envoy's own, which no attempt phase sees: the local replies of 500 and above that `portolan render` configures
/// have a `Retry-After`.
fn needs_a_look(receipt: &Receipt) -> bool {
    !receipt.is_marked || take_header(headers::DOUBTFUL) || has_header("retry-after")
}

/// Whether the answer had a header, which it then has no longer.
fn take_header(name: &str) -> bool {
    let is_there = has_header(name);
    if is_there {
        host::remove_header(Headers::Response, name);
    }
    is_there
}

/// Whether the answer has a header; one that is not there costs little to ask for.
fn has_header(name: &str) -> bool {
    host::header(Headers::Response, name).is_some()
}

fn run(next: Next) -> Phase {
    match next {
        Next::Wait(running) => Phase::Errand(running),
        Next::Reply(reply) => send(&reply),
    }
}

fn send(reply: &Reply) -> Phase {
    host::send(reply);
    Phase::Replied
}
