//! One attempt at one backend: an HTTP filter of the clusters, which Envoy runs anew for every
//! attempt.

use std::cell::RefCell;
use std::rc::Rc;

use portolan_core::attempt::{
    self, Answer, Answers, Credentials, Prepared, Redirection, Shown, TokenSource, Wait, all,
    is_internal, is_judged, is_redirect, list_of, may_ask_to_wait, note_list, only, select,
};
use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey, headers};
use portolan_core::reply;
use portolan_driver::{Found, Learned};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, Headers};
use crate::redirects::{self, Settled};
use crate::refusals::{self, Held};
use crate::tried;
use crate::worker::{self, Paused, look_up};

/// The HTTP context of one attempt.
pub(crate) struct Attempt(Rc<Running>);

/// One attempt. It waits as this, too.
struct Running {
    context: u32,
    state: RefCell<State>,
}

struct State {
    /// The backends of the list by their names; none for a list of one.
    list: Rc<[String]>,
    /// The backend of this attempt; empty where it is the only one and nothing was prepared for it. It is
    /// known when the attempt begins: attempts of one request may overlap, and what Envoy says later is about
    /// the one that began last.
    backend: String,
    /// The status of its answer.
    status: Option<u16>,
    progress: Progress,
    shown: Shown,
    /// Whether a 404 of this backend is the whole truth.
    is_authority: bool,
    /// Whether a redirect is looked at.
    watches_redirects: bool,
    /// The token that was sent, or that is waited for.
    token: Option<Held>,
    /// What is set again when the attempt has waited: other attempts share the headers.
    kept: Option<Kept>,
}

/// How far an attempt has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The backend is not asked, or not yet.
    Unasked,
    /// It is asked, and nothing has come back.
    Asked,
    /// The head of its answer is there.
    Answered,
}

/// What a backend is sent besides its token.
struct Kept {
    target: Vec<u8>,
    /// `host[:port]`, on a further pass.
    authority: Option<String>,
}

const AUTHORIZATION: &str = "authorization";

impl Attempt {
    pub(crate) fn new(context: u32, list: Rc<[String]>) -> Self {
        let state = RefCell::new(State::new(list));
        Self(Rc::new(Running { context, state }))
    }
}

impl Paused for Running {
    /// Another attempt may have gone meanwhile, and has left what its own backend was sent.
    fn wake(self: Rc<Self>, learned: Learned) {
        let Learned::Token(found) = learned else { return };
        let mut state = self.state.borrow_mut();
        if let Some(kept) = state.kept.take() {
            host::remove_header(Headers::Request, headers::CREDENTIAL);
            kept.set();
        }
        state.set_found(found);
        drop(state);
        host::resume_request();
    }
}

impl Kept {
    fn set(&self) {
        if let Some(authority) = &self.authority {
            host::set_header(Headers::Request, ":authority", authority.as_bytes());
        }
        if !self.target.is_empty() {
            host::set_header(Headers::Request, ":path", &self.target);
        }
    }
}

impl State {
    const fn new(list: Rc<[String]>) -> Self {
        Self {
            list,
            backend: String::new(),
            status: None,
            progress: Progress::Unasked,
            shown: Shown::Nothing,
            is_authority: false,
            watches_redirects: false,
            token: None,
            kept: None,
        }
    }

    fn is_alone(&self) -> bool {
        self.list.len() < 2
    }

    /// Sets what this backend is sent; whether the attempt goes on at once. All attempts of a request share
    /// one set of headers: what is not set here is what the attempt before left.
    fn begin(&mut self, context: u32) -> Action {
        self.progress = Progress::Asked;
        let prepared = host::state(StateKey::Prepared);
        if self.list.is_empty()
            && let Some(list) = prepared.as_deref().and_then(list_of)
        {
            self.list = list.into();
        }
        if !self.is_alone() {
            let backend = host::property(BACKEND_ATTRIBUTE).unwrap_or_default();
            self.backend = String::from_utf8(backend).unwrap_or_default();
            tried::note_place(&self.list, &self.backend, prepared.as_deref().unwrap_or_default());
        }
        match prepared {
            Some(prepared) if !prepared.starts_with(b"=") => self.set_head(&prepared, context),
            _ => Action::Continue,
        }
    }

    fn set_head(&mut self, prepared: &[u8], context: u32) -> Action {
        let backend = self.backend.as_bytes();
        let own = if self.is_alone() { only(prepared) } else { select(prepared, backend) };
        let Some(own) = own else {
            host::send(&reply::host_failed());
            return Action::Pause;
        };
        if self.backend.is_empty() {
            own.backend.clone_into(&mut self.backend);
        }
        if own.hides_missing {
            self.shown = Shown::ToHider;
        }
        self.is_authority = own.is_authority;
        self.watches_redirects = own.redirection != Redirection::Unwatched;
        // Where a redirect failed that was followed, the request still has the host that it led to.
        let authority = own.redirection.authority().filter(|_| redirects::is_further_pass());
        if let Some(authority) = authority {
            host::set_header(Headers::Request, ":authority", authority.as_bytes());
        }
        if !own.target.is_empty() {
            host::set_header(Headers::Request, ":path", own.target);
        }
        let action = self.set_credentials(&own, prepared, context);
        if action == Action::Pause {
            let authority = authority.map(str::to_owned);
            self.kept = Some(Kept { target: own.target.to_vec(), authority });
        }
        action
    }

    fn place(&self) -> attempt::Attempt<'_> {
        let is_authority = self.is_authority;
        attempt::Attempt { list: &self.list, backend: &self.backend, is_authority }
    }

    fn set_credentials(&mut self, own: &Prepared<'_>, prepared: &[u8], context: u32) -> Action {
        if let Credentials::Client(value) = &own.credentials {
            self.shown = Shown::Clients;
            host::set_header(Headers::Request, AUTHORIZATION, value);
            return Action::Continue;
        }
        // A list of one has been rid of the client's by the phase before, or gets a token instead below.
        if !self.is_alone() {
            host::remove_header(Headers::Request, AUTHORIZATION);
        }
        if own.credentials.are_the_proxys() && !own.hides_missing {
            self.shown = Shown::Proxys;
        }
        match &own.credentials {
            Credentials::Nothing | Credentials::Client(_) => Action::Continue,
            Credentials::Injected(name) => {
                host::set_header(Headers::Request, headers::CREDENTIAL, name.as_bytes());
                Action::Continue
            }
            Credentials::Token(source) => self.set_token(own.backend, source, prepared, context),
        }
    }

    /// Sets the backend's token, or waits for it; those of the others are fetched meanwhile, so that
    /// they are there should this attempt fail.
    fn set_token(
        &mut self,
        backend: &str,
        source: &TokenSource<'_>,
        prepared: &[u8],
        context: u32,
    ) -> Action {
        let is_alone = self.is_alone();
        let (key, found) = look_up(|lookups, now| {
            if !is_alone {
                for other in all(prepared).filter(|other| other.backend != backend) {
                    if let Credentials::Token(source) = &other.credentials {
                        lookups.prefetch(other.backend, source, now);
                    }
                }
            }
            lookups.token(backend, source, (context, is_alone), now)
        });
        self.token = Some(Held { key, found: None });
        let Some(found) = found else { return Action::Pause };
        self.set_found(found);
        Action::Continue
    }

    /// Puts the token, or none, into the request that is at hand. An attempt before may have left one that
    /// was refused.
    fn set_found(&mut self, found: Found) {
        if let Found::Token(token) = &found {
            let value = format!("Bearer {}", token.expose());
            host::set_header(Headers::Request, AUTHORIZATION, value.as_bytes());
        } else {
            host::remove_header(Headers::Request, AUTHORIZATION);
        }
        if let Some(held) = &mut self.token {
            held.found = Some(found);
        }
    }

    /// What becomes of a redirect. One that leads astray sends the request on to the next backend.
    fn settle_redirect(&self) {
        let settled = redirects::settle(&self.backend);
        if self.is_alone() {
            return;
        }
        match settled {
            Settled::Passed => {}
            // Comes the request back to this list, it is because it failed there.
            Settled::Followed => {
                self.write_down(Answer::Failed(Wait::UNKNOWN));
            }
            Settled::Astray => {
                // Were it left a redirect, the last one of a list would be the client's.
                host::set_header(Headers::Response, ":status", b"429");
                host::set_header(Headers::Response, headers::DOUBTFUL, b"1");
                self.note(Answer::Astray);
            }
        }
    }

    /// Whether a status says something new to anybody. Of an only backend it does only if it is the proxy that
    /// was refused.
    fn is_looked_at(&self, status: u16) -> bool {
        let is_clients = matches!(self.shown, Shown::Nothing | Shown::Clients);
        !self.is_alone() || (matches!(status, 401 | 403) && (!is_clients || self.watches_redirects))
    }

    /// What the status of an answer means for the request.
    fn settle(&self, status: u16) {
        let backend = Some(self.backend.as_str()).filter(|_| !self.is_alone());
        let refusal = matches!(status, 401 | 403)
            .then(|| refusals::take_in(self.token.as_ref(), status, self.shown, backend));
        let shown = refusal.as_ref().map_or(self.shown, |refusal| refusal.shown);
        let asks_to_wait =
            may_ask_to_wait(status).then(|| host::header(Headers::Response, RETRY_AFTER));
        let wait = asks_to_wait.flatten().map(|value| Wait::read(&value, host::now() / SECOND));
        let Some(answer) = Answer::of(status, shown, wait.unwrap_or_default()) else { return };
        if let Answer::Limited(wait) = answer
            && shown != Shown::Clients
            && !self.backend.is_empty()
        {
            look_up(|lookups, now| lookups.note_limit(&self.backend, wait, now));
        }
        self.note(answer);
        // The only backend is asked once more, if there is another token for it.
        if self.is_alone() && refusal.is_some_and(|refusal| refusal.shows_more) {
            mark();
        }
    }

    /// Notes what the backend answered, and has Envoy go on if there is anybody to go on to.
    fn note(&self, answer: Answer) {
        if self.write_down(answer) {
            mark();
        }
    }

    /// Notes it behind what is there by now: another attempt may have noted something meanwhile. Whether
    /// there is anybody to go on to; the next attempt goes there then.
    fn write_down(&self, answer: Answer) -> bool {
        if self.backend.is_empty() {
            return false;
        }
        let mut property = host::state(StateKey::Prepared).unwrap_or_default();
        let next = attempt::goes_on(self.place(), answer, &Answers::parse(&property));
        if !self.is_alone() && list_of(&property).is_none() {
            property.extend_from_slice(note_list(&self.list).as_bytes());
        }
        property.extend_from_slice(attempt::note(&self.backend, answer).as_bytes());
        host::set_state(StateKey::Prepared, &property);
        if let Some(cluster) = &next {
            host::set_state(StateKey::NextCluster, cluster.as_bytes());
        }
        tried::note(&attempt::tried(&self.backend, self.status, answer));
        next.is_some()
    }
}

impl State {
    fn answered(&mut self) {
        if self.progress != Progress::Asked {
            return;
        }
        self.progress = Progress::Answered;
        let Some(headers) = host::header_map(Headers::Response) else { return };
        let mut is_challenge = false;
        for (name, _) in headers.iter() {
            if is_internal(name) {
                host::remove_header(Headers::Response, name);
            }
            is_challenge |= matches!(name, b"www-authenticate" | b"proxy-authenticate");
        }
        let Some(status) = headers.status() else { return };
        self.status = Some(status);
        if self.watches_redirects && is_redirect(status) {
            self.settle_redirect();
        } else if self.is_looked_at(status) {
            self.settle(status);
        }
        if is_challenge || is_judged(self.is_alone(), status) {
            host::set_header(Headers::Response, headers::DOUBTFUL, b"1");
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let state = self.0.state.borrow();
        if state.token.is_some() {
            worker::forget(self.0.context);
        }
        if state.progress == Progress::Asked && !state.is_alone() {
            state.write_down(Answer::Silent);
        }
    }
}

impl Context for Attempt {}

impl HttpContext for Attempt {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let Running { context, state } = &*self.0;
        let action = state.borrow_mut().begin(*context);
        if action == Action::Pause && state.borrow().kept.is_some() {
            worker::pause(*context, Rc::<Running>::clone(&self.0));
        }
        action
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.0.state.borrow_mut().answered();
        Action::Continue
    }
}

/// Has Envoy go on to the next backend.
pub(crate) fn mark() {
    host::set_header(Headers::Response, headers::GO_ON, b"1");
}

const RETRY_AFTER: &str = "retry-after";
const SECOND: u64 = 1_000_000_000;
