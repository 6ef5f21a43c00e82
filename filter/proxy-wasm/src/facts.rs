//! What has to be found out before a request can be planned to its end.

use std::cell::OnceCell;
use std::rc::Rc;

use portolan_core::config::Verifier;
use portolan_core::health::{Examined, Health as Report};
use portolan_core::policy::StoredBlob;
use portolan_core::probe::Presence;
use portolan_core::{Action, Password, Plan, RequestHead};
use portolan_driver::{Health, Learned};

use crate::policy::{self, Policy};
use crate::pushes;
use crate::worker::look_up;

/// What has been found out so far.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) password: Option<Password>,
    pub(crate) health: Backends,
    pub(crate) in_store: Option<Presence>,
}

impl Facts {
    /// The same, with what was learned meanwhile.
    pub(crate) fn with(mut self, learned: Learned) -> Self {
        match learned {
            Learned::Password(password) => self.password = Some(password),
            Learned::Health(health) => self.health = Backends::of(health),
            Learned::Blob(presence) => self.in_store = Some(presence),
            Learned::Token(_) => {}
        }
        self
    }
}

/// How the backends are.
#[derive(Clone, Default)]
pub(crate) enum Backends {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// Envoy did not say.
    Unknown,
    /// It did.
    Known(Rc<Report>),
}

impl Backends {
    /// What Envoy answered, if it did.
    fn of(health: Option<Rc<Report>>) -> Self {
        health.map_or(Self::Unknown, Self::Known)
    }

    /// What is known, if need be from an earlier answer.
    fn or_known(&self) -> Self {
        match self {
            Self::Unasked => {
                look_up(|lookups, now| lookups.known_health(now)).map_or(Self::Unasked, Self::Known)
            }
            asked => asked.clone(),
        }
    }
}

/// Finds out about one request.
pub(crate) struct Inquiry<'a> {
    policy: &'a Policy,
    context: u32,
    facts: &'a Facts,
    health: OnceCell<Backends>,
}

/// What came of it.
pub(crate) enum Found {
    /// Something that the plan wanted to know.
    Fact,
    /// An answer has to be waited for; this is what is known meanwhile.
    Wait(Box<Facts>),
    /// The plan wants to know nothing.
    Nothing,
}

impl<'a> Inquiry<'a> {
    pub(crate) const fn new(policy: &'a Policy, context: u32, facts: &'a Facts) -> Self {
        Self { policy, context, facts, health: OnceCell::new() }
    }

    /// What is known before anything is planned. It saves it to plan again.
    pub(crate) fn begin(&'a self, head: &mut RequestHead<'a>) {
        head.password = self.facts.password;
        head.in_store = self.facts.in_store;
        if self.policy.redirects_by_health
            && let Backends::Known(known) = self.health()
        {
            head.health = Some(Examined::Known(known));
        }
    }

    /// Finds out what a plan wants to know, for the next one.
    pub(crate) fn find_out(&'a self, plan: &Plan<'_>, head: &mut RequestHead<'a>) -> Found {
        match &plan.action {
            Action::Examine => match self.health() {
                Backends::Known(health) => head.health = Some(Examined::Known(health)),
                Backends::Unasked => {
                    let is_optional = plan.can_do_without_health();
                    match look_up(|lookups, now| lookups.health(self.context, is_optional, now)) {
                        Health::Waits => return Found::Wait(Box::new(self.known(head))),
                        Health::Known(_) | Health::DoWithout => {
                            head.health = Some(Examined::Unknown);
                        }
                    }
                }
                Backends::Unknown => head.health = Some(Examined::Unknown),
            },
            Action::Ask(question) => head.recently_pushed = Some(pushes::is_recent(*question)),
            Action::Verify(verifier) => return self.verify(verifier, head),
            Action::Probe(blob) => return self.probe(blob, head),
            _ => return Found::Nothing,
        }
        Found::Fact
    }

    fn health(&self) -> &Backends {
        self.health.get_or_init(|| self.facts.health.or_known())
    }

    fn verify(&self, verifier: &Verifier, head: &mut RequestHead<'_>) -> Found {
        let value = head.authorization.unwrap_or_default();
        let address = || policy::client_address().unwrap_or_default();
        let found =
            look_up(|lookups, now| lookups.password(verifier, value, address, self.context, now));
        if found.is_none() {
            return Found::Wait(Box::new(self.known(head)));
        }
        head.password = found;
        Found::Fact
    }

    fn probe(&self, blob: &StoredBlob, head: &mut RequestHead<'_>) -> Found {
        let store = self.policy.config.blob_store(blob.store);
        let found = match store {
            None => Some(Presence::Unknown),
            Some(store) => {
                look_up(|lookups, now| lookups.blob(store, &blob.digest, self.context, now))
            }
        };
        if found.is_none() {
            return Found::Wait(Box::new(self.known(head)));
        }
        head.in_store = found;
        Found::Fact
    }

    /// What is known of the request so far. One that did not get an answer does not ask again.
    fn known(&self, head: &RequestHead<'_>) -> Facts {
        let health = match (head.health, self.health.get()) {
            (None, _) => Backends::Unasked,
            (Some(Examined::Known(_)), Some(known)) => known.clone(),
            (Some(_), _) => Backends::Unknown,
        };
        Facts { password: head.password, health, in_store: head.in_store }
    }
}
