//! The filter in front of the one that decides, for a POST to the token endpoint: the only request
//! whose body is read.
//!
//! Envoy runs it on the route of the token endpoint alone, and with
//! `allow_on_headers_stop_iteration`, without which a filter that waits is not handed the body.

use std::rc::Rc;

use portolan_core::TokenEndpoint;
use portolan_core::config::Config;
use portolan_core::contract::StateKey;
use portolan_core::policy::in_token_path;
use portolan_core::record::Kind;
use portolan_core::reply::{self, Reply};
use portolan_core::token::form::MAXIMUM_LENGTH;
use portolan_driver::HeaderMap;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::errand::{self, Next, Running};
use crate::head::request_head;
use crate::host::{self, Headers};
use crate::policy::Policy;

/// The HTTP context of one request.
pub(crate) struct TokenForm {
    policy: Option<Rc<Policy>>,
    state: State,
}

enum State {
    /// It is not for this filter.
    Passing,
    /// The body is on its way.
    Reading(HeaderMap, Option<Vec<u8>>),
    /// The service is asked.
    Running(Box<Running>),
    /// It is answered.
    Done,
}

impl TokenForm {
    pub(crate) const fn new(policy: Option<Rc<Policy>>) -> Self {
        Self { policy, state: State::Passing }
    }

    fn is_form(headers: &HeaderMap) -> bool {
        let is_at_endpoint = |path: &[u8]| in_token_path(path).is_some() && !path.contains(&b'?');
        headers.iter().any(|pair| pair == (b":method", b"POST"))
            && headers.iter().any(|(name, value)| name == b":path" && is_at_endpoint(value))
    }

    /// Starts the errand of a form that is there in full.
    fn start(&mut self, size: usize) -> Next {
        let state = std::mem::replace(&mut self.state, State::Done);
        let (State::Reading(headers, address), Some(policy)) = (state, &self.policy) else {
            return Next::Reply(reply::host_failed());
        };
        let body = host::request_body(size);
        // Where the client is does not matter to a token.
        let (head, _) = request_head(&headers, &policy.geo_headers, address.as_deref());
        note(&policy.config, head.authority);
        let content_type = headers.values("content-type").first().copied();
        match TokenEndpoint::of_body(&policy.config, &head, content_type, &body) {
            Ok(TokenEndpoint::Errand(errand)) => errand::start(*errand),
            Ok(TokenEndpoint::NeedsBody) => Next::Reply(reply::host_failed()),
            Err(refusal) => Next::Reply(reply::refuse(&policy.config, &refusal, false, None)),
        }
    }

    fn go_on(&mut self, next: Next) {
        self.state = match next {
            Next::Wait(running) => State::Running(running),
            Next::Reply(reply) => finish(&reply),
        };
    }
}

/// What the deciding filter would have noted: the request does not come to it.
fn note(config: &Config, authority: &[u8]) {
    host::set_state(StateKey::Kind, Kind::Token.as_str().as_bytes());
    if let Some(front) = config.fronts().find(authority) {
        host::set_state(StateKey::Front, config.fronts().name(front).as_bytes());
    }
}

fn finish(reply: &Reply) -> State {
    host::send(reply);
    State::Done
}

impl Context for TokenForm {
    fn on_http_call_response(&mut self, _call: u32, _headers: usize, size: usize, _: usize) {
        if let State::Running(running) = std::mem::replace(&mut self.state, State::Done) {
            let next = running.answered(size);
            self.go_on(next);
        }
    }
}

impl HttpContext for TokenForm {
    fn on_http_request_headers(&mut self, _count: usize, end_of_stream: bool) -> Action {
        let Some(policy) = &self.policy else { return Action::Continue };
        let Some(headers) = host::header_map(Headers::Request) else { return Action::Continue };
        if !Self::is_form(&headers) {
            return Action::Continue;
        }
        let address = policy.address();
        self.state = State::Reading(headers, address);
        if end_of_stream {
            let next = self.start(0);
            self.go_on(next);
        }
        Action::Pause
    }

    fn on_http_request_body(&mut self, size: usize, end_of_stream: bool) -> Action {
        match self.state {
            State::Passing => Action::Continue,
            State::Reading(..) if size > MAXIMUM_LENGTH => {
                self.state = finish(&reply::too_long());
                Action::Pause
            }
            State::Reading(..) => {
                if end_of_stream {
                    let next = self.start(size);
                    self.go_on(next);
                }
                Action::Pause
            }
            State::Running(_) | State::Done => Action::Pause,
        }
    }
}
