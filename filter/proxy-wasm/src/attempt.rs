//! One attempt at one backend: an HTTP filter of the clusters, which Envoy runs anew for every
//! attempt.

use std::rc::Rc;

use portolan_core::attempt::{
    Answer, Answers, Credentials, Prepared, Redirection, Shown, TokenSource, all, is_redirect,
    only, select,
};
use portolan_core::reply;
use portolan_core::token::Secret;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, Headers};
use crate::redirects;
use crate::stream::send;
use crate::tokens::{self, Found, Waiting};

/// What the downstream phase prepared for every backend of the list.
pub(crate) const PREPARED: &str = "portolan_prepared";
/// What each backend answered.
pub(crate) const ANSWERS: &str = "portolan_answers";
/// The name of the backend of this attempt, from the endpoint's metadata.
pub(crate) const BACKEND: &str = "xds\0upstream_host_metadata\0filter_metadata\0portolan\0backend";
/// By this header Envoy's credential injector, which runs behind this filter, learns which credential
/// the backend gets. Nobody upstream sees it.
const CREDENTIAL_HEADER: &str = "x-portolan-credential";

/// The HTTP context of one attempt.
pub(crate) struct Attempt {
    context: u32,
    shown: Shown,
    /// Whether there is no other backend.
    alone: bool,
    /// Whether a redirect is looked at.
    watches_redirects: bool,
    /// The token that was sent, or that is waited for.
    token: Option<Held>,
}

/// A token of the proxy's in this attempt.
struct Held {
    backend: String,
    scope: String,
    waiting: Rc<Waiting>,
}

impl Attempt {
    pub(crate) const fn new(context: u32) -> Self {
        Self { context, shown: Shown::Clients, alone: false, watches_redirects: false, token: None }
    }

    /// Sets what this backend is sent. All attempts of a request share one set of headers: what
    /// is not set here is what the attempt before left.
    fn set_head(&mut self, prepared: &[u8]) -> Action {
        let alone = only(prepared);
        self.alone = alone.is_some();
        let backend = if self.alone { None } else { host::property(BACKEND) };
        let own = alone.or_else(|| select(prepared, backend.as_deref().unwrap_or_default()));
        let Some(own) = own else {
            send(&reply::host_failed());
            return Action::Pause;
        };
        self.shown = if own.hides_missing { Shown::ToHider } else { Shown::Clients };
        self.watches_redirects = own.redirection != Redirection::Unwatched;
        if !own.target.is_empty() {
            host::set_header(Headers::Request, ":path", own.target);
        }
        self.set_credentials(&own, prepared)
    }

    fn set_credentials(&mut self, own: &Prepared<'_>, prepared: &[u8]) -> Action {
        const NAME: &str = "authorization";
        if let Credentials::Client(value) = &own.credentials {
            host::set_header(Headers::Request, NAME, value);
            return Action::Continue;
        }
        // A list of one has been rid of the client's by the phase before, and is tried again with a newer
        // token only.
        if !self.alone {
            host::remove_header(Headers::Request, NAME);
        }
        if own.credentials.are_the_proxys() && !own.hides_missing {
            self.shown = Shown::Proxys;
        }
        match &own.credentials {
            Credentials::Nothing | Credentials::Client(_) => Action::Continue,
            Credentials::Injected(name) => {
                host::set_header(Headers::Request, CREDENTIAL_HEADER, name.as_bytes());
                Action::Continue
            }
            Credentials::Token(source) => self.set_token(own.backend, source, prepared),
        }
    }

    /// Sets the backend's token, or waits for it; those of the others are fetched meanwhile, so that
    /// they are there should this attempt fail.
    fn set_token(&mut self, backend: &str, source: &TokenSource<'_>, prepared: &[u8]) -> Action {
        if !self.alone {
            for other in all(prepared).filter(|other| other.backend != backend) {
                if let Credentials::Token(source) = &other.credentials {
                    tokens::prefetch(other.backend, source);
                }
            }
        }
        let waiting = Waiting::new(self.context, self.alone);
        let found = tokens::ask(backend, source, &waiting);
        self.token = Some(Held {
            backend: backend.to_owned(),
            scope: source.scope.clone().into_owned(),
            waiting: Rc::clone(&waiting),
        });
        if matches!(found, Found::Wait) {
            return Action::Pause;
        }
        tokens::set(&found);
        *waiting.found.borrow_mut() = Some(found);
        Action::Continue
    }

    /// What becomes of a redirect. One that leads astray sends the request on to the next backend.
    fn settle_redirect(&self) {
        if redirects::settle() && !self.alone {
            // Envoy goes on from this status, and takes it for no sign of bad health. The client never sees it.
            host::set_header(Headers::Response, ":status", b"429");
            note(Answer::Astray);
        }
    }

    /// What a refusal of this backend means. A token that it refuses is not sent again.
    fn note_refusal(&self, status: u16) -> Shown {
        let Some(held) = &self.token else { return self.shown };
        match &*held.waiting.found.borrow() {
            Some(Found::Token(token)) => {
                held.drop_if_refused(status, token);
                self.shown
            }
            Some(Found::Denied) => self.shown,
            Some(Found::Unavailable | Found::Wait) | None => Shown::LessThanWanted,
        }
    }
}

impl Held {
    /// 401 says that the token is not good; 403 that it is, and not enough.
    fn drop_if_refused(&self, status: u16, token: &Secret) {
        if status == 401 {
            tokens::refused(&self.backend, &self.scope, token);
        }
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if self.token.is_some() {
            tokens::forget(self.context);
        }
    }
}

impl Context for Attempt {}

impl HttpContext for Attempt {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        match host::property(PREPARED) {
            Some(prepared) => self.set_head(&prepared),
            None => Action::Continue,
        }
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let watched = self.watches_redirects.then(host::status).flatten();
        if watched.is_some_and(is_redirect) {
            self.settle_redirect();
            return Action::Continue;
        }
        // Reading the status costs; without anybody to go on to only a refusal matters here.
        if self.alone && host::header(Headers::Response, "www-authenticate").is_none() {
            return Action::Continue;
        }
        let Some(status) = watched.or_else(host::status) else { return Action::Continue };
        let shown = match status {
            401 | 403 => self.note_refusal(status),
            _ => self.shown,
        };
        let retry_after = (status == 429).then(|| host::header(Headers::Response, "retry-after"));
        let retry_after = retry_after.flatten();
        if let Some(answer) = Answer::of(status, shown, retry_after.as_deref()) {
            note(answer);
        }
        Action::Continue
    }
}

fn note(answer: Answer) {
    let Some(backend) = host::property(BACKEND) else { return };
    let Ok(backend) = std::str::from_utf8(&backend) else { return };
    let mut answers = Answers::parse(&host::property(ANSWERS).unwrap_or_default());
    answers.note(backend, answer);
    host::set_property(ANSWERS, answers.print().as_bytes());
}
