//! One attempt at one backend: an HTTP filter of the aggregate cluster, which Envoy runs anew
//! for every attempt.

use portolan_core::attempt::{Answer, Answers, select};
use portolan_core::reply;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::host::{self, Headers};
use crate::stream::send;

/// What the downstream phase prepared for every backend of the list.
pub(crate) const PREPARED: &str = "portolan_prepared";
/// What each backend answered.
pub(crate) const ANSWERS: &str = "portolan_answers";
/// The name of the backend of this attempt, from the endpoint's metadata.
pub(crate) const BACKEND: &str = "xds\0upstream_host_metadata\0filter_metadata\0portolan\0backend";

/// The HTTP context of one attempt.
#[derive(Default)]
pub(crate) struct Attempt {
    hides_missing: bool,
}

impl Attempt {
    /// Sets what this backend is sent. All attempts of a request share one set of headers: what
    /// is not set here is what the attempt before left.
    fn set_head(&mut self, prepared: &[u8]) -> Action {
        let backend = host::property(BACKEND).unwrap_or_default();
        let Some(own) = select(prepared, &backend) else {
            send(&reply::host_failed());
            return Action::Pause;
        };
        self.hides_missing = own.hides_missing;
        host::set_header(Headers::Request, ":path", own.target);
        match own.authorization {
            Some(credentials) => host::set_header(Headers::Request, "authorization", credentials),
            None => host::remove_header(Headers::Request, "authorization"),
        }
        Action::Continue
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
        let Some(status) = host::status() else { return Action::Continue };
        let retry_after = (status == 429).then(|| host::header(Headers::Response, "retry-after"));
        let retry_after = retry_after.flatten();
        if let Some(answer) = Answer::of(status, self.hides_missing, retry_after.as_deref()) {
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
