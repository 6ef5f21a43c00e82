//! One attempt at one backend: an HTTP filter of the clusters, which Envoy runs anew for every
//! attempt.

use std::rc::Rc;

use portolan_core::attempt::{
    self, Answer, Answers, Credentials, Prepared, Redirection, Shown, TokenSource, Wait, all,
    is_internal, is_judged, is_redirect, list_of, may_ask_to_wait, note_list, only, select,
};
use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey, headers};
use portolan_core::reply;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, Headers};
use crate::redirects::{self, Settled};
use crate::refusals;
use crate::stream::send;
use crate::tokens::{self, Found, Waiting};

/// The HTTP context of one attempt.
pub(crate) struct Attempt {
    context: u32,
    /// The backends of the list by their names; none for a list of one.
    list: Rc<[String]>,
    progress: Progress,
    shown: Shown,
    /// Whether a 404 of this backend is the whole truth.
    is_authority: bool,
    /// Whether a redirect is looked at.
    watches_redirects: bool,
    /// The token that was sent, or that is waited for.
    token: Option<Held>,
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

/// A token of the proxy's in this attempt.
pub(crate) struct Held {
    /// What it is kept under.
    pub(crate) key: String,
    pub(crate) waiting: Rc<Waiting>,
}

impl Attempt {
    pub(crate) const fn new(context: u32, list: Rc<[String]>) -> Self {
        Self {
            context,
            list,
            progress: Progress::Unasked,
            shown: Shown::Nothing,
            is_authority: false,
            watches_redirects: false,
            token: None,
        }
    }

    fn is_alone(&self) -> bool {
        self.list.len() < 2
    }

    /// Sets what this backend is sent. All attempts of a request share one set of headers: what is not set
    /// here is what the attempt before left.
    fn set_head(&mut self, prepared: &[u8]) -> Action {
        if self.list.is_empty()
            && let Some(list) = list_of(prepared)
        {
            self.list = list.into();
        }
        let backend = if self.is_alone() { None } else { host::property(BACKEND_ATTRIBUTE) };
        let backend = backend.unwrap_or_default();
        self.progress = Progress::Asked;
        let is_prepared = !prepared.starts_with(b"=");
        if !is_prepared {
            return Action::Continue;
        }
        let own = if self.is_alone() { only(prepared) } else { select(prepared, &backend) };
        let Some(own) = own else {
            send(&reply::host_failed());
            return Action::Pause;
        };
        if own.hides_missing {
            self.shown = Shown::ToHider;
        }
        self.is_authority = own.is_authority;
        self.watches_redirects = own.redirection != Redirection::Unwatched;
        // Where a redirect failed that was followed, the request still has the host that it led to.
        if let Some(authority) =
            own.redirection.authority().filter(|_| redirects::is_further_pass())
        {
            host::set_header(Headers::Request, ":authority", authority.as_bytes());
        }
        if !own.target.is_empty() {
            host::set_header(Headers::Request, ":path", own.target);
        }
        self.set_credentials(&own, prepared)
    }

    fn place<'a>(&'a self, backend: &'a str) -> attempt::Attempt<'a> {
        attempt::Attempt { list: &self.list, backend, is_authority: self.is_authority }
    }

    fn set_credentials(&mut self, own: &Prepared<'_>, prepared: &[u8]) -> Action {
        const NAME: &str = "authorization";
        if let Credentials::Client(value) = &own.credentials {
            self.shown = Shown::Clients;
            host::set_header(Headers::Request, NAME, value);
            return Action::Continue;
        }
        // A list of one has been rid of the client's by the phase before, or gets a token instead below.
        if !self.is_alone() {
            host::remove_header(Headers::Request, NAME);
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
            Credentials::Token(source) => self.set_token(own.backend, source, prepared),
        }
    }

    /// Sets the backend's token, or waits for it; those of the others are fetched meanwhile, so that
    /// they are there should this attempt fail.
    fn set_token(&mut self, backend: &str, source: &TokenSource<'_>, prepared: &[u8]) -> Action {
        if !self.is_alone() {
            for other in all(prepared).filter(|other| other.backend != backend) {
                if let Credentials::Token(source) = &other.credentials {
                    tokens::prefetch(other.backend, source);
                }
            }
        }
        let waiting = Waiting::new(self.context, self.is_alone());
        let (key, found) = tokens::ask(backend, source, &waiting);
        self.token = Some(Held { key, waiting: Rc::clone(&waiting) });
        if matches!(found, Found::Wait) {
            return Action::Pause;
        }
        tokens::set(&found);
        *waiting.found.borrow_mut() = Some(found);
        Action::Continue
    }

    /// What becomes of a redirect. One that leads astray sends the request on to the next backend.
    fn settle_redirect(&self) {
        let settled = redirects::settle();
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
        let refusal = matches!(status, 401 | 403)
            .then(|| refusals::take_in(self.token.as_ref(), status, self.shown, self.is_alone()));
        let shown = refusal.as_ref().map_or(self.shown, |refusal| refusal.shown);
        let asks_to_wait =
            may_ask_to_wait(status).then(|| host::header(Headers::Response, RETRY_AFTER));
        let wait = asks_to_wait.flatten().map(|value| Wait::read(&value, host::now() / SECOND));
        let Some(answer) = Answer::of(status, shown, wait.unwrap_or_default()) else { return };
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
        let Some(backend) = host::property(BACKEND_ATTRIBUTE) else { return false };
        let Ok(backend) = std::str::from_utf8(&backend) else { return false };
        let mut property = host::state(StateKey::Prepared).unwrap_or_default();
        let next = attempt::goes_on(self.place(backend), answer, &Answers::parse(&property));
        if !self.is_alone() && list_of(&property).is_none() {
            property.extend_from_slice(note_list(&self.list).as_bytes());
        }
        property.extend_from_slice(attempt::note(backend, answer).as_bytes());
        host::set_state(StateKey::Prepared, &property);
        if let Some(cluster) = &next {
            host::set_state(StateKey::NextCluster, cluster.as_bytes());
        }
        next.is_some()
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.token.is_some() {
            tokens::forget(self.context);
        }
        if self.progress == Progress::Asked && !self.is_alone() {
            self.write_down(Answer::Silent);
        }
    }
}

impl Context for Attempt {}

impl HttpContext for Attempt {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if let Some(prepared) = host::state(StateKey::Prepared) {
            self.set_head(&prepared)
        } else {
            self.progress = Progress::Asked;
            Action::Continue
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if self.progress != Progress::Asked {
            return Action::Continue;
        }
        self.progress = Progress::Answered;
        let Some(headers) = host::header_map(Headers::Response) else { return Action::Continue };
        let mut is_challenge = false;
        for (name, _) in headers.iter() {
            if is_internal(name) {
                host::remove_header(Headers::Response, name);
            }
            is_challenge |= matches!(name, b"www-authenticate" | b"proxy-authenticate");
        }
        let Some(status) = headers.status() else { return Action::Continue };
        if self.watches_redirects && is_redirect(status) {
            self.settle_redirect();
        } else if self.is_looked_at(status) {
            self.settle(status);
        }
        if is_challenge || is_judged(self.is_alone(), status) {
            host::set_header(Headers::Response, headers::DOUBTFUL, b"1");
        }
        Action::Continue
    }
}

/// Has Envoy go on to the next backend.
pub(crate) fn mark() {
    host::set_header(Headers::Response, headers::GO_ON, b"1");
}

const RETRY_AFTER: &str = "retry-after";
const SECOND: u64 = 1_000_000_000;
