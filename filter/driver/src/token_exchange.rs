//! The token endpoint of a front for one client: a call of a token service, and its answer.
//!
//! ```text
//! Registry ──▶ Repository ──▶ Service ──▶ reply      where the service has to be found first
//!     └───────────────────────▲
//! Service ──▶ reply                                  where it is known
//! ```
//!
//! The call is the request's own. A client that goes away takes nothing with it but its own answer.

use std::time::Duration;

use portolan_core::ExchangeRequest;
use portolan_core::reply::{self, Reply, ServiceAnswer};
use portolan_core::token::{
    self, Discovery, MAXIMUM_REDIRECTS, Pinned, Redirected, TokenCall, repository_target,
};

use crate::call::{Call, CallAnswer};
use crate::callback::Callback;
use crate::lookups::Place;

/// How long a token service may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// What counts as the status of a call without an answer.
const NO_ANSWER: u16 = 503;

/// A request to the token endpoint on its way.
#[derive(Debug)]
pub(crate) struct TokenExchange {
    request: ExchangeRequest,
    step: Step,
    redirects: u8,
    /// What the service is asked, once it is known.
    asked: Option<TokenCall>,
}

/// Who is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The backend, where its tokens come from.
    Registry,
    /// The same, at the repository: its `/v2/` is for everybody.
    Repository,
    /// The token service.
    Service,
}

/// What is next.
#[derive(Debug)]
pub(crate) enum Next {
    /// An answer of the service, or of the backend, is waited for.
    Wait(Box<TokenExchange>),
    /// The client gets this.
    Reply(Reply),
}

impl Next {
    /// What an answer is waited for with; `None` when the client has its reply.
    pub(crate) fn settled(self, call: &mut Callback<'_>) -> Option<Box<TokenExchange>> {
        match self {
            Self::Wait(exchange) => Some(exchange),
            Self::Reply(reply) => {
                call.reply(reply);
                None
            }
        }
    }
}

impl TokenExchange {
    /// Starts: with the service if it is known, else with the backend, which is asked where it is.
    pub(crate) fn start(request: ExchangeRequest, call: &mut Callback<'_>) -> Next {
        let mut exchange = Self { request, step: Step::Registry, redirects: 0, asked: None };
        if let Some(realm) = exchange.request.realm.take() {
            return exchange.ask_service(&realm, None, call);
        }
        if let Some(pinned) = call.memory.lookups.pinned(&exchange.place()).cloned() {
            return exchange.ask_pinned(&pinned, call);
        }
        let target = format!("{}/v2/", exchange.request.base_path);
        exchange.ask_backend(Step::Registry, &target, call)
    }

    /// Goes on with the answer to the call.
    pub(crate) fn answered(self, answer: &CallAnswer<'_>, call: &mut Callback<'_>) -> Next {
        let status = answer.status().unwrap_or(NO_ANSWER);
        let locations = answer.values("location");
        let location = if let [only] = locations.as_slice() { Some(*only) } else { None };
        let is_get = !matches!(self.asked, Some(TokenCall::Post { .. }));
        if let Some(Redirected::To(target)) =
            token::redirected(status, location, &self.request.authority, is_get)
            && self.redirects < MAXIMUM_REDIRECTS
        {
            return self.follow(target, call);
        }
        if self.step != Step::Service {
            return self.discovered(status, &answer.values("www-authenticate"), call);
        }
        let retry_after = answer.values("retry-after").first().copied();
        let answer = ServiceAnswer { status, retry_after, body: answer.body };
        let front = self.request.front_realm.challenge();
        Next::Reply(reply::token_answer(answer, self.request.tag.as_deref(), &front))
    }

    fn place(&self) -> Place {
        Place {
            cluster: self.request.cluster.clone(),
            authority: self.request.authority.clone(),
            base_path: self.request.base_path.clone(),
        }
    }

    fn discovered(self, status: u16, challenges: &[&[u8]], call: &mut Callback<'_>) -> Next {
        match token::discover(status, challenges, &self.request.authority) {
            Discovery::Pinned(pinned) => {
                let pinned = call.memory.lookups.pin(self.place(), pinned).clone();
                self.ask_pinned(&pinned, call)
            }
            Discovery::Open if self.step == Step::Registry => {
                let target = |scope: &String| repository_target(&self.request.base_path, scope);
                match self.request.scopes.iter().find_map(target) {
                    Some(target) => self.ask_backend(Step::Repository, &target, call),
                    None => self.unknown(call),
                }
            }
            Discovery::Open | Discovery::Elsewhere | Discovery::Unavailable => self.unknown(call),
        }
    }

    fn unknown(&self, call: &mut Callback<'_>) -> Next {
        call.warn(format!(
            "portolan: `{}` does not say where its tokens come from, or says another \
             host; write that URL as `realm` in its `auth`",
            self.request.backend
        ));
        Next::Reply(reply::token_unavailable())
    }

    /// The same again, at another place of the same host.
    fn follow(mut self, target: String, call: &mut Callback<'_>) -> Next {
        self.redirects = self.redirects.saturating_add(1);
        match self.asked.take() {
            None => {
                let step = self.step;
                self.ask_backend(step, &target, call)
            }
            Some(TokenCall::Get { .. }) => self.ask(TokenCall::Get { target }, call),
            Some(TokenCall::Post { body, .. }) => self.ask(TokenCall::Post { target, body }, call),
        }
    }

    fn ask_backend(mut self, step: Step, target: &str, call: &mut Callback<'_>) -> Next {
        self.step = step;
        self.send("GET", target, None, call)
    }

    fn ask_pinned(self, pinned: &Pinned, call: &mut Callback<'_>) -> Next {
        self.ask_service(&pinned.target, pinned.service.as_deref(), call)
    }

    fn ask_service(mut self, realm: &str, service: Option<&str>, call: &mut Callback<'_>) -> Next {
        self.step = Step::Service;
        let service = self.request.service.as_deref().or(service);
        let asked = self.request.request.for_realm(realm, service, &self.request.scopes);
        self.ask(asked, call)
    }

    fn ask(mut self, asked: TokenCall, call: &mut Callback<'_>) -> Next {
        self.asked = Some(asked.clone());
        match asked {
            TokenCall::Get { target } => self.send("GET", &target, None, call),
            TokenCall::Post { target, body } => self.send("POST", &target, Some(body), call),
        }
    }

    fn send(
        self,
        method: &str,
        target: &str,
        form: Option<String>,
        call: &mut Callback<'_>,
    ) -> Next {
        let mut made = Call::new(method, target, &self.request.authority)
            .to(&self.request.cluster, TIMEOUT)
            .with("accept", "application/json");
        if self.step == Step::Service
            && let Some(authorization) = &self.request.authorization
        {
            made = made.with("authorization", authorization.expose());
        }
        if let Some(form) = form {
            made = made.with_form(form);
        }
        call.call(made);
        Next::Wait(Box::new(self))
    }
}
