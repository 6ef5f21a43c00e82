//! A POST to the token endpoint: the only request whose body is read.
//!
//! ```text
//! New ──▶ Passing                               it is not for this filter
//!  └────▶ Reading ──▶ Exchanging ──▶ Replied    the form is there, then the service's answer
//!            └──────────────────────▲
//! ```
//!
//! Envoy runs the filter on the route of the token endpoint alone, in front of the one that
//! decides.

use std::rc::Rc;

use portolan_core::TokenEndpoint;
use portolan_core::config::Config;
use portolan_core::contract::StateKey;
use portolan_core::policy::in_token_path;
use portolan_core::record::Kind;
use portolan_core::reply;
use portolan_core::token::form::MAXIMUM_LENGTH;

use crate::call::CallAnswer;
use crate::callback::Callback;
use crate::effect::Flow;
use crate::header_map::HeaderMap;
use crate::request::request_head;
use crate::snapshot::Snapshot;
use crate::token_exchange::{Next, TokenExchange};

/// A request on the route of the token endpoint.
pub(crate) struct TokenForm {
    /// None as long as no policy was loaded.
    snapshot: Option<Rc<Snapshot>>,
    phase: Phase,
}

enum Phase {
    /// It is not for this filter, or nothing has come yet.
    Passing,
    /// The body is on its way; the client's address, where it can change anything.
    Reading(HeaderMap, Option<Vec<u8>>),
    /// The service is asked.
    Exchanging(Box<TokenExchange>),
    /// It is answered.
    Replied,
}

impl TokenForm {
    pub(crate) const fn new(snapshot: Option<Rc<Snapshot>>) -> Self {
        Self { snapshot, phase: Phase::Passing }
    }

    /// The request begins. `is_end` says that it has no body.
    pub(crate) fn request_headers(&mut self, is_end: bool, call: &mut Callback<'_>) -> Flow {
        let Some(snapshot) = &self.snapshot else { return Flow::Continue };
        let Some(headers) = call.exchange.request_headers() else { return Flow::Continue };
        if !is_form(&headers) {
            return Flow::Continue;
        }
        self.phase = Phase::Reading(headers, snapshot.address(call.exchange));
        if is_end {
            self.start(0, call);
        }
        Flow::Pause
    }

    /// So many bytes of the body are there.
    pub(crate) fn request_body(
        &mut self,
        size: usize,
        is_end: bool,
        call: &mut Callback<'_>,
    ) -> Flow {
        match self.phase {
            Phase::Passing => return Flow::Continue,
            Phase::Reading(..) if size > MAXIMUM_LENGTH => {
                call.reply(reply::too_long());
                self.phase = Phase::Replied;
            }
            Phase::Reading(..) if is_end => self.start(size, call),
            Phase::Reading(..) | Phase::Exchanging(_) | Phase::Replied => {}
        }
        Flow::Pause
    }

    /// The answer to a call in the name of this request.
    pub(crate) fn call_answered(&mut self, answer: &CallAnswer<'_>, call: &mut Callback<'_>) {
        if let Phase::Exchanging(exchange) = std::mem::replace(&mut self.phase, Phase::Replied) {
            self.phase = run(exchange.answered(answer, call), call);
        }
    }

    /// Asks the token service, with a form that is there in full.
    fn start(&mut self, size: usize, call: &mut Callback<'_>) {
        let phase = std::mem::replace(&mut self.phase, Phase::Replied);
        let next = match (phase, &self.snapshot) {
            (Phase::Reading(headers, address), Some(snapshot)) => {
                exchange(snapshot, &headers, address.as_deref(), size, call)
            }
            _ => Next::Reply(reply::host_failed()),
        };
        self.phase = run(next, call);
    }
}

fn exchange(
    snapshot: &Snapshot,
    headers: &HeaderMap,
    address: Option<&[u8]>,
    size: usize,
    call: &mut Callback<'_>,
) -> Next {
    let body = call.exchange.request_body(size);
    let config = &snapshot.config;
    // Where the client is does not matter to a token.
    let (head, _) = request_head(headers, &snapshot.geo_headers, address);
    note(config, head.authority, call);
    let content_type = headers.values("content-type").first().copied();
    match TokenEndpoint::of_body(config, &head, content_type, &body) {
        Ok(TokenEndpoint::Exchange(request)) => TokenExchange::start(*request, call),
        Ok(TokenEndpoint::NeedsBody) => Next::Reply(reply::host_failed()),
        Err(refusal) => Next::Reply(reply::refuse(config, &refusal, false, None)),
    }
}

/// Whether a request is a form for the token endpoint.
fn is_form(headers: &HeaderMap) -> bool {
    let is_at_endpoint = |path: &[u8]| in_token_path(path).is_some() && !path.contains(&b'?');
    headers.iter().any(|pair| pair == (b":method", b"POST"))
        && headers.iter().any(|(name, value)| name == b":path" && is_at_endpoint(value))
}

/// What the deciding filter would have noted: the request does not come to it.
fn note(config: &Config, authority: &[u8], call: &mut Callback<'_>) {
    call.set_state(StateKey::Kind, Kind::Token.as_str().as_bytes());
    if let Some(front) = config.fronts().find(authority) {
        call.set_state(StateKey::Front, config.fronts().name(front).as_bytes().to_vec());
    }
}

fn run(next: Next, call: &mut Callback<'_>) -> Phase {
    next.settled(call).map_or(Phase::Replied, Phase::Exchanging)
}
