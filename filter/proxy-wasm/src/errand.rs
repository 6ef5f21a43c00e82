//! What a front's token endpoint does for one client: ask a token service, and tell what it says.
//!
//! The call is the request's own. A client that goes away takes nothing with it but its own answer.

use std::time::Duration;

use portolan_core::TokenErrand;
use portolan_core::reply::{self, Reply, ServiceAnswer};
use portolan_core::token::{self, Discovery, Pinned, TokenCall};
use proxy_wasm::hostcalls;

use crate::header_map::HeaderMap;
use crate::host;
use crate::tokens;

/// How long a token service may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A request to the token endpoint on its way.
pub(crate) struct Running {
    errand: TokenErrand,
    discovering: bool,
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
    let running = Running { errand, discovering: false };
    match (running.errand.realm.clone(), tokens::pinned(&running.errand.cluster)) {
        (Some(realm), _) => running.ask_service(&realm, None),
        (None, Some(pinned)) => running.ask_pinned(&pinned),
        (None, None) => running.ask_backend(),
    }
}

impl Running {
    /// Goes on with the answer to the call.
    pub(crate) fn answered(self, body_size: usize) -> Next {
        let headers = host::call::header_map();
        let status = headers.as_ref().and_then(HeaderMap::status).unwrap_or(503);
        let values =
            |name| headers.as_ref().map(|headers| headers.values(name)).unwrap_or_default();
        if self.discovering {
            let challenges = values("www-authenticate");
            return match token::discover(status, &challenges, &self.errand.authority) {
                Discovery::Pinned(pinned) => {
                    tokens::pin(&self.errand.cluster, pinned);
                    match tokens::pinned(&self.errand.cluster) {
                        Some(pinned) => self.ask_pinned(&pinned),
                        None => Next::Reply(reply::token_unavailable()),
                    }
                }
                Discovery::Open | Discovery::Elsewhere | Discovery::Unavailable => {
                    log::warn!(
                        "portolan: `{}` does not say where its tokens come from, or says another \
                         host; write that URL as `realm` in its `auth`",
                        self.errand.backend
                    );
                    Next::Reply(reply::token_unavailable())
                }
            };
        }
        let retry_after = values("retry-after");
        let body = host::call::body(body_size);
        let answer =
            ServiceAnswer { status, retry_after: retry_after.first().copied(), body: &body };
        let front = self.errand.origin.challenge();
        Next::Reply(reply::token_answer(answer, self.errand.tag.as_deref(), &front))
    }

    fn ask_backend(mut self) -> Next {
        self.discovering = true;
        let target = self.errand.discovery.clone();
        self.send("GET", &target, None)
    }

    fn ask_pinned(self, pinned: &Pinned) -> Next {
        self.ask_service(&pinned.target, pinned.service.as_deref())
    }

    fn ask_service(mut self, realm: &str, service: Option<&str>) -> Next {
        self.discovering = false;
        let service = self.errand.service.as_deref().or(service);
        match self.errand.request.for_realm(realm, service, &self.errand.scopes) {
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
            self.errand.authorization.as_ref().filter(|_| !self.discovering)
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
