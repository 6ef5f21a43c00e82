//! The steps of fetching one token of the proxy's own.

use std::fmt;

use super::answer::{Denial, Outcome, ServiceReply, TokenFault, fault, read};
use super::discovery::{Discovery, Pinned, discover, repository_target};
use super::managed::{other_scope, target};
use super::redirect::{MAXIMUM_REDIRECTS, Redirected, redirected};

/// For what a token is fetched, and where. Everything that is remembered is remembered under all of
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The Envoy cluster of the token service.
    pub cluster: String,
    /// `host[:port]` of the token service.
    pub authority: String,
    /// Path and query of the service. Empty if the backend has to be asked for them, at the same
    /// authority.
    pub realm: String,
    /// The path before `/v2/` at the backend.
    pub base_path: String,
    /// The name of the backend at the service; empty for none.
    pub service: String,
    /// What the token is for.
    pub scope: String,
    /// The name of the credential that Envoy puts into the request; empty for an anonymous one.
    pub credential: String,
}

/// One token to fetch.
#[derive(Clone, Debug)]
pub struct Fetch {
    source: Source,
    step: Step,
    redirects: u8,
    has_other_scope: bool,
    complaint: Option<Complaint>,
}

/// Who is asked, and what.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    /// The backend, where its tokens come from.
    Registry(String),
    /// The same, at the repository: `/v2/` is for everybody.
    Repository(String),
    /// The token service.
    Service(String),
}

/// What is next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask again: [`Fetch::target`] has changed.
    Ask,
    /// Remember where the backend's tokens come from, then ask again.
    Pin(Pinned),
    /// It is over.
    Settle(Outcome),
}

/// What the operator has to mend; in the policy's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complaint {
    /// The backend names a token service at another host.
    RealmElsewhere,
    /// The token service redirects to another host, or for ever.
    RedirectElsewhere,
    /// The credential was refused with this status.
    Credential(u16),
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealmElsewhere => formatter.write_str(
                "the backend says that its tokens come from another host; write that URL as \
                 `realm` in its `auth`",
            ),
            Self::RedirectElsewhere => formatter.write_str(
                "the token service redirects to another host, or in a circle; write the URL where \
                 it ends as `realm` in the backend's `auth`",
            ),
            Self::Credential(401) => formatter.write_str(
                "the token service answers 401: the credential is wrong, or has ended; replace its file",
            ),
            Self::Credential(status) => write!(
                formatter,
                "the token service answers {status}: the credential is wrong, has ended, or may not \
                 have what was asked for"
            ),
        }
    }
}

impl Fetch {
    /// Begins: at the service if it is known, by the policy or by what was found before.
    #[must_use]
    pub fn new(source: Source, pinned: Option<&Pinned>) -> Self {
        let step = Step::Registry(format!("{}/v2/", source.base_path));
        let mut fetch =
            Self { source, step, redirects: 0, has_other_scope: false, complaint: None };
        if fetch.source.realm.is_empty() {
            if let Some(pinned) = pinned {
                fetch.find(pinned);
            }
        } else {
            fetch.ask_service();
        }
        fetch
    }

    /// What the token is for, and where it comes from.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The path and query that are asked now.
    #[must_use]
    pub fn target(&self) -> &str {
        match &self.step {
            Step::Registry(target) | Step::Repository(target) | Step::Service(target) => target,
        }
    }

    /// The credential that goes with it: none to a backend, which is only asked for a challenge.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        let is_sent = matches!(self.step, Step::Service(_)) && !self.source.credential.is_empty();
        is_sent.then_some(self.source.credential.as_str())
    }

    /// What the operator has to mend, if anything came up.
    #[must_use]
    pub const fn complaint(&self) -> Option<Complaint> {
        self.complaint
    }

    /// Goes on with where the tokens come from.
    pub fn find(&mut self, pinned: &Pinned) {
        self.source.realm.clone_from(&pinned.target);
        if self.source.service.is_empty() {
            self.source.service = pinned.service.clone().unwrap_or_default();
        }
        self.ask_service();
    }

    /// Goes on with an answer.
    pub fn answered(&mut self, reply: &ServiceReply<'_>) -> Next {
        let authority = &self.source.authority;
        if let Some(redirect) = redirected(reply.status, reply.location, authority, true) {
            return self.follow(redirect);
        }
        let found = || discover(reply.status, reply.challenges, authority);
        match self.step {
            Step::Service(_) => self.served(reply),
            Step::Registry(_) if reply.status == 429 => {
                Next::Settle(Outcome::Unavailable { why: fault(reply) })
            }
            Step::Registry(_) => {
                let found = found();
                self.discovered(found)
            }
            Step::Repository(_) => match found() {
                Discovery::Unavailable if reply.status < 500 => denied(),
                found => self.discovered(found),
            },
        }
    }

    fn discovered(&mut self, found: Discovery) -> Next {
        match found {
            Discovery::Pinned(pinned) => Next::Pin(pinned),
            Discovery::Open => match self.beside_the_ping() {
                Some(target) => {
                    self.step = Step::Repository(target);
                    Next::Ask
                }
                None => denied(),
            },
            Discovery::Elsewhere => {
                self.complaint = Some(Complaint::RealmElsewhere);
                denied()
            }
            Discovery::Unavailable => unavailable(503),
        }
    }

    /// A read finds out by itself: without a token it is refused, says where tokens are, and is
    /// tried again. A write is not tried again.
    fn beside_the_ping(&self) -> Option<String> {
        let is_read = self.source.scope.ends_with(":pull");
        let is_first = matches!(self.step, Step::Registry(_));
        (is_first && !is_read)
            .then(|| repository_target(&self.source.base_path, &self.source.scope))
            .flatten()
    }

    fn served(&mut self, reply: &ServiceReply<'_>) -> Next {
        if reply.status == 400
            && !self.has_other_scope
            && let Some(scope) = other_scope(&self.source.scope)
        {
            self.has_other_scope = true;
            self.source.scope = scope;
            self.ask_service();
            return Next::Ask;
        }
        let with_credential = self.credential().is_some();
        if with_credential && matches!(reply.status, 401 | 403) {
            self.complaint = Some(Complaint::Credential(reply.status));
        }
        Next::Settle(read(reply, with_credential))
    }

    fn follow(&mut self, redirect: Redirected) -> Next {
        self.redirects = self.redirects.saturating_add(1);
        match redirect {
            Redirected::To(target) if self.redirects <= MAXIMUM_REDIRECTS => {
                self.step = match self.step {
                    Step::Registry(_) => Step::Registry(target),
                    Step::Repository(_) => Step::Repository(target),
                    Step::Service(_) => Step::Service(target),
                };
                Next::Ask
            }
            _ => {
                self.complaint = Some(Complaint::RedirectElsewhere);
                denied()
            }
        }
    }

    fn ask_service(&mut self) {
        let Source { realm, service, scope, .. } = &self.source;
        let service = Some(service.as_str()).filter(|service| !service.is_empty());
        self.step = Step::Service(target(realm, service, scope));
    }
}

const fn denied() -> Next {
    Next::Settle(Outcome::Denied(Denial::Access))
}

const fn unavailable(status: u16) -> Next {
    Next::Settle(Outcome::Unavailable { why: TokenFault::Status(status) })
}

#[cfg(test)]
mod tests;
