//! One request, phase by phase.

use std::cell::LazyCell;
use std::rc::Rc;
use std::time::Duration;

use portolan_core::attempt::{Case, Retry, Trouble, Verdict, judge};
use portolan_core::config::{Backend, List};
use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey, headers};
use portolan_core::policy::Push;
use portolan_core::reply::{self, Reply};
use portolan_core::response::{self, Amendment, Receipt, UrlHeader};
use portolan_core::{
    Action as PlannedAction, Authorization, Forwarding, Password, Plan, TokenEndpoint,
    UPLOAD_CONTENT_TYPE,
};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::clusters;
use crate::errand::{self, Next, Running};
use crate::facts::{Backends, Facts, Found, Inquiry, Verification};
use crate::head::{JoinedGeo, has_content, request_head, withhold};
use crate::host::{self, Headers};
use crate::probes::Probing;
use crate::root::{self, Policy};
use crate::{pushes, redirects, refusals};

/// How many facts a plan may ask for, one after another.
const FACTS: usize = 4;
/// How far a request has come.
pub(crate) enum Phase {
    /// Nothing has been decided.
    Started,
    /// Envoy is asked how the backends are; what is known of the password meanwhile.
    Examining(Option<Password>),
    /// The client's password is being looked at.
    Verifying(Verification),
    /// A token service is asked for the client.
    Errand(Box<Running>),
    /// A blob store is asked whether it has the blob.
    Probing(Probing),
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
    policy: Rc<Policy>,
    context: u32,
    phase: Phase,
    /// Whether the request has a body that goes no further.
    drops_body: bool,
}

impl Stream {
    pub(crate) const fn new(policy: Rc<Policy>, context: u32) -> Self {
        Self { policy, context, phase: Phase::Started, drops_body: false }
    }

    fn go_on(&self, facts: &Facts) -> Phase {
        Self::start(&self.policy, facts, self.context)
    }

    /// Plans the request of a context and applies the plan: the effects of a forward, or a reply.
    pub(crate) fn start(policy: &Rc<Policy>, facts: &Facts, context: u32) -> Phase {
        let Some(headers) = host::header_map(Headers::Request) else {
            return send(&reply::host_failed());
        };
        let address = policy.address();
        let inquiry = Inquiry::new(policy, context, facts);
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
                Found::Wait(phase) => return *phase,
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
                if forwarding.receipt.follows {
                    redirects::note_asked(&head, &forwarding.receipt.naming);
                    let list = forwarding.forward.list.backends().iter();
                    let list = list.filter_map(|id| config.backend(*id)).map(Backend::name);
                    redirects::note_fallback(list);
                }
                withhold(&headers);
                forward(*forwarding)
            }
            PlannedAction::Token(TokenEndpoint::Errand(errand)) => {
                run(errand::start(errand.for_a_host(root::takes_forms())))
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
                redirects::warn_once(&format!("portolan: {text}"));
                redirects::explain(misdirection.in_short());
                return Some(reply::misdirected(&misdirection));
            }
        }
        None
    }
}

impl Context for Stream {
    fn on_http_call_response(&mut self, _call: u32, _headers: usize, size: usize, _: usize) {
        self.phase = match std::mem::replace(&mut self.phase, Phase::Replied) {
            Phase::Verifying(verification) => {
                let status = host::call::header_map().and_then(|headers| headers.status());
                let password = self.policy.note_password(&verification, status);
                drop(verification);
                self.go_on(&Facts { password: Some(password), ..Facts::default() })
            }
            Phase::Examining(password) => {
                let health = Backends::of(clusters::answered(size));
                self.go_on(&Facts { password, health, ..Facts::default() })
            }
            Phase::Errand(running) => run(running.answered(size)),
            phase => phase,
        };
        if matches!(self.phase, Phase::Forwarded(..)) {
            host::resume_request();
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        self.drops_body = !end_of_stream && !has_content();
        self.phase = if self.policy.follows && redirects::is_further_pass() {
            deliver()
        } else {
            self.go_on(&Facts::default())
        };
        match self.phase {
            Phase::Forwarded(..) | Phase::Redirected => Action::Continue,
            _ => Action::Pause,
        }
    }

    fn on_http_request_body(&mut self, size: usize, _end_of_stream: bool) -> Action {
        if self.drops_body {
            host::drop_request_body(size);
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if matches!(self.phase, Phase::Redirected) {
            take_header(headers::DOUBTFUL);
            let Some(reply) = redirects::judge_delivery() else { return Action::Continue };
            self.phase = send(&reply);
            return Action::Pause;
        }
        if let Phase::Probing(probing) = &self.phase
            && let Some(phase) = probing.outcome()
        {
            self.phase = phase;
        }
        let Phase::Forwarded(receipt, push) = &self.phase else { return Action::Continue };
        if let Some(push) = push
            && host::status().is_some_and(|status| (200..300).contains(&status))
        {
            pushes::note(*push);
        }
        let Some(reply) = self.finish(receipt) else {
            if let Some(namespace) = receipt.naming.namespace() {
                let value = namespace.as_bytes();
                host::set_header(Headers::Response, reply::NAMESPACE_HEADER, value);
            }
            return Action::Continue;
        };
        self.phase = send(&reply.named(&receipt.naming));
        Action::Pause
    }
}

/// Hands the record to the access log.
fn log_fields(plan: &Plan<'_>, notes_country: bool) {
    let record = &plan.record;
    if let Some(country) = record.country.filter(|_| notes_country) {
        host::set_state(StateKey::Country, &country.code());
    }
    host::set_state(StateKey::Region, record.region.as_bytes());
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

fn forward(forwarding: Forwarding<'_>) -> Phase {
    host::set_header(Headers::Request, headers::CLUSTER, forwarding.cluster.as_bytes());
    if let Some(prepared) = &forwarding.prepared {
        host::set_state(StateKey::Prepared, prepared);
    }
    if forwarding.prepared.is_none() || !forwarding.receipt.has_fallback() {
        set_head(&forwarding);
    }
    if let Some(retry) = &forwarding.retry {
        set_retry(retry);
    }
    if let Some(timeout) = forwarding.head_timeout {
        set_milliseconds(ATTEMPT_TIMEOUT, timeout);
    }
    if let Some(timeout) = forwarding.write_timeout {
        set_milliseconds("x-envoy-upstream-rq-timeout-ms", timeout);
    }
    if forwarding.starts_upload {
        host::set_header(Headers::Request, "content-type", UPLOAD_CONTENT_TYPE.as_bytes());
    }
    Phase::Forwarded(forwarding.receipt, forwarding.push)
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

/// What the only backend is sent; with more of them the attempt phase does this.
fn set_head(forwarding: &Forwarding<'_>) {
    const NAME: &str = "authorization";
    if let Some(target) = forwarding.receipt.targets.first().filter(|_| forwarding.target_changed) {
        host::set_header(Headers::Request, ":path", target);
    }
    match &forwarding.authorization {
        Authorization::Kept => {}
        Authorization::Removed => host::remove_header(Headers::Request, NAME),
        Authorization::Replaced(value) => host::set_header(Headers::Request, NAME, value),
    }
}

fn run(next: Next) -> Phase {
    match next {
        Next::Wait(running) => Phase::Errand(running),
        Next::Reply(reply) => send(&reply),
    }
}

/// How long Envoy waits for the head of an answer.
const ATTEMPT_TIMEOUT: &str = "x-envoy-upstream-rq-per-try-timeout-ms";

/// Envoy goes on to the next backend by itself; these headers say how often and after how long, and it
/// takes them off before it sends the request.
fn set_retry(retry: &Retry) {
    let attempts = retry.further_attempts.to_string();
    host::set_header(Headers::Request, "x-envoy-max-retries", attempts.as_bytes());
    set_milliseconds(ATTEMPT_TIMEOUT, retry.attempt_timeout);
}

fn set_milliseconds(header: &str, duration: Duration) {
    let milliseconds = duration.as_millis().to_string();
    host::set_header(Headers::Request, header, milliseconds.as_bytes());
}

pub(crate) fn send(reply: &Reply) -> Phase {
    let headers = reply.headers.iter().map(|(name, value)| (*name, value.as_bytes()));
    let headers: Vec<(&str, &[u8])> = headers.collect();
    host::reply(reply.status, &headers, reply.body.as_bytes());
    Phase::Replied
}
