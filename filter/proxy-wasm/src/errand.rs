//! What a front's token endpoint does for one client: ask a token service, and tell what it says.
//!
//! The call is the request's own. A client that goes away takes nothing with it but its own answer.

use std::time::Duration;

use portolan_core::TokenErrand;
use portolan_core::reply::{self, Reply, ServiceAnswer};
use portolan_core::token::{
    self, Discovery, MAXIMUM_REDIRECTS, Pinned, Redirected, TokenCall, repository_target,
};
use portolan_driver::{HeaderMap, Place};
use proxy_wasm::hostcalls;

use crate::host;
use crate::worker::look_up;

/// How long a token service may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to the token endpoint on its way.
pub(crate) struct Running {
    errand: TokenErrand,
    step: Step,
    redirects: u8,
    /// What the service is asked, once it is known.
    call: Option<TokenCall>,
}

/// Who is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The backend, where its tokens come from.
    Registry,
    /// The same, at the repository: its `/v2/` is for everybody.
    Repository,
    /// The token service.
    Service,
}

/// What is next.
pub(crate) enum Next {
    /// An answer of the service, or of the backend, is waited for.
    Wait(Box<Running>),
    /// The client gets this.
    Reply(Reply),
}

/// Starts: with the service if it is known, else with the backend, which is asked where it is.
pub(crate) fn start(errand: TokenErrand) -> Next {
    let running = Running { errand, step: Step::Registry, redirects: 0, call: None };
    match (
        running.errand.realm.clone(),
        look_up(|lookups, _| lookups.pinned(&running.place()).cloned()),
    ) {
        (Some(realm), _) => running.ask_service(&realm, None),
        (None, Some(pinned)) => running.ask_pinned(&pinned),
        (None, None) => {
            let target = format!("{}/v2/", running.errand.base_path);
            running.ask_backend(Step::Registry, &target)
        }
    }
}

impl Running {
    fn place(&self) -> Place {
        Place {
            cluster: self.errand.cluster.clone(),
            authority: self.errand.authority.clone(),
            base_path: self.errand.base_path.clone(),
        }
    }

    /// Goes on with the answer to the call.
    pub(crate) fn answered(self, body_size: usize) -> Next {
        let headers = host::call::header_map();
        let status = headers.as_ref().and_then(HeaderMap::status).unwrap_or(503);
        let values =
            |name| headers.as_ref().map(|headers| headers.values(name)).unwrap_or_default();
        let places = values("location");
        let location = if places.len() == 1 { places.first().copied() } else { None };
        let is_get = !matches!(self.call, Some(TokenCall::Post { .. }));
        if let Some(Redirected::To(target)) =
            token::redirected(status, location, &self.errand.authority, is_get)
            && self.redirects < MAXIMUM_REDIRECTS
        {
            return self.follow(target);
        }
        if self.step != Step::Service {
            return self.discovered(status, &values("www-authenticate"));
        }
        let retry_after = values("retry-after");
        let body = host::call::body(body_size);
        let answer =
            ServiceAnswer { status, retry_after: retry_after.first().copied(), body: &body };
        let front = self.errand.origin.challenge();
        Next::Reply(reply::token_answer(answer, self.errand.tag.as_deref(), &front))
    }

    fn discovered(self, status: u16, challenges: &[&[u8]]) -> Next {
        match token::discover(status, challenges, &self.errand.authority) {
            Discovery::Pinned(pinned) => {
                let pinned = look_up(|lookups, _| lookups.pin(self.place(), pinned).clone());
                self.ask_pinned(&pinned)
            }
            Discovery::Open if self.step == Step::Registry => {
                let target = |scope: &String| repository_target(&self.errand.base_path, scope);
                match self.errand.scopes.iter().find_map(target) {
                    Some(target) => self.ask_backend(Step::Repository, &target),
                    None => self.unknown(),
                }
            }
            Discovery::Open | Discovery::Elsewhere | Discovery::Unavailable => self.unknown(),
        }
    }

    fn unknown(&self) -> Next {
        log::warn!(
            "portolan: `{}` does not say where its tokens come from, or says another \
             host; write that URL as `realm` in its `auth`",
            self.errand.backend
        );
        Next::Reply(reply::token_unavailable())
    }

    /// The same again, at another place of the same host.
    fn follow(mut self, target: String) -> Next {
        self.redirects = self.redirects.saturating_add(1);
        match self.call.take() {
            None => {
                let step = self.step;
                self.ask_backend(step, &target)
            }
            Some(TokenCall::Get { .. }) => self.call(TokenCall::Get { target }),
            Some(TokenCall::Post { body, .. }) => self.call(TokenCall::Post { target, body }),
        }
    }

    fn ask_backend(mut self, step: Step, target: &str) -> Next {
        self.step = step;
        self.send("GET", target, None)
    }

    fn ask_pinned(self, pinned: &Pinned) -> Next {
        self.ask_service(&pinned.target, pinned.service.as_deref())
    }

    fn ask_service(mut self, realm: &str, service: Option<&str>) -> Next {
        self.step = Step::Service;
        let service = self.errand.service.as_deref().or(service);
        let call = self.errand.request.for_realm(realm, service, &self.errand.scopes);
        self.call(call)
    }

    fn call(mut self, call: TokenCall) -> Next {
        self.call = Some(call.clone());
        match call {
            TokenCall::Get { target } => self.send("GET", &target, None),
            TokenCall::Post { target, body } => self.send("POST", &target, Some(&body)),
        }
    }

    fn send(self, method: &str, target: &str, body: Option<&str>) -> Next {
        let length = body.unwrap_or_default().len().to_string();
        let mut headers = vec![
            (":method", method),
            (":path", target),
            (":authority", self.errand.authority.as_str()),
            ("accept", "application/json"),
            ("user-agent", "portolan"),
        ];
        if let Some(authorization) =
            self.errand.authorization.as_ref().filter(|_| self.step == Step::Service)
        {
            headers.push(("authorization", authorization.expose()));
        }
        if body.is_some() {
            headers.push(("content-type", "application/x-www-form-urlencoded"));
            headers.push(("content-length", &length));
        }
        let body = body.map(str::as_bytes);
        match hostcalls::dispatch_http_call(
            &self.errand.cluster,
            headers,
            body,
            vec![],
            CALL_TIMEOUT,
        ) {
            Ok(_) => Next::Wait(Box::new(self)),
            Err(_) => Next::Reply(reply::token_unavailable()),
        }
    }
}
