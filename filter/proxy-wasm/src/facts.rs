//! What has to be found out before a request can be planned to its end.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use portolan_core::config::Verifier;
use portolan_core::health::{Examined, Health};
use portolan_core::policy::StoredBlob;
use portolan_core::probe::Presence;
use portolan_core::{Action, Password, Plan, RequestHead};
use proxy_wasm::hostcalls;

use crate::passwords::Place;
use crate::probes::{self, Answer};
use crate::root::Policy;
use crate::stream::Phase;
use crate::{clusters, pushes};

/// How long who knows the passwords may take; they are slow on purpose.
const VERIFICATION_TIMEOUT: Duration = Duration::from_secs(5);

/// What has been found out so far.
#[derive(Clone, Default)]
pub(crate) struct Facts {
    pub(crate) password: Option<Password>,
    pub(crate) health: Backends,
    pub(crate) in_store: Option<Presence>,
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
    Known(Rc<Health>),
}

impl Backends {
    /// What Envoy answered, if it did.
    pub(crate) fn of(health: Option<Rc<Health>>) -> Self {
        health.map_or(Self::Unknown, Self::Known)
    }

    /// What is known, if need be from an earlier answer.
    fn or_known(&self) -> Self {
        match self {
            Self::Unasked => clusters::known().map_or(Self::Unasked, Self::Known),
            asked => asked.clone(),
        }
    }
}

/// Finds out about one request.
pub(crate) struct Inquiry<'a> {
    policy: &'a Rc<Policy>,
    context: u32,
    facts: &'a Facts,
    health: OnceCell<Backends>,
}

/// What came of it.
pub(crate) enum Found {
    /// Something that the plan wanted to know.
    Fact,
    /// An answer has to be waited for.
    Wait(Box<Phase>),
    /// The plan wants to know nothing.
    Nothing,
}

impl<'a> Inquiry<'a> {
    pub(crate) const fn new(policy: &'a Rc<Policy>, context: u32, facts: &'a Facts) -> Self {
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
                Backends::Unasked
                    if !(plan.can_do_without_health() && clusters::enough_ask())
                        && clusters::ask() =>
                {
                    return Found::Wait(Box::new(Phase::Examining(head.password)));
                }
                Backends::Unasked | Backends::Unknown => head.health = Some(Examined::Unknown),
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
        let name = name_of(verifier);
        head.password = Some(match self.policy.verified(&name, value) {
            Some(password) => password,
            None => match self.policy.place_to_verify().filter(|_| ask_about(verifier, value)) {
                Some(place) => {
                    let verification =
                        Verification { verifier: name, value: value.to_vec(), _place: place };
                    return Found::Wait(Box::new(Phase::Verifying(verification)));
                }
                None => Password::Unknown,
            },
        });
        Found::Fact
    }

    fn probe(&self, blob: &StoredBlob, head: &mut RequestHead<'_>) -> Found {
        let (password, health) = (head.password, head.health);
        let known = || Facts { password, health: self.settled(health), in_store: None };
        match probes::ask(self.policy, blob, known, self.context) {
            Answer::Known(presence) => head.in_store = Some(presence),
            Answer::Wait(probing) => return Found::Wait(Box::new(Phase::Probing(probing))),
        }
        Found::Fact
    }

    /// What this request found out of the backends. Who did not get an answer does not ask again.
    fn settled(&self, examined: Option<Examined<'_>>) -> Backends {
        match (examined, self.health.get()) {
            (None, _) => Backends::Unasked,
            (Some(Examined::Known(_)), Some(known)) => known.clone(),
            (Some(_), _) => Backends::Unknown,
        }
    }
}

/// A password that is being looked at.
pub(crate) struct Verification {
    /// Who looks at it.
    pub(crate) verifier: String,
    /// What the client sent.
    pub(crate) value: Vec<u8>,
    /// The client's share of what is looked at.
    _place: Place,
}

/// What a verifier's findings are remembered under: also where it is, as a name may mean another one after
/// a reload.
fn name_of(verifier: &Verifier) -> String {
    let url = verifier.url();
    [verifier.cluster(), &url.origin(), url.base_path()].join(" ")
}

/// Has a password looked at by who knows it; whether the question could be sent.
fn ask_about(verifier: &Verifier, value: &[u8]) -> bool {
    let Ok(value) = std::str::from_utf8(value) else { return false };
    let path = format!("{}/", verifier.url().base_path());
    let headers = vec![
        (":method", "GET"),
        (":path", path.as_str()),
        (":authority", verifier.url().authority()),
        ("authorization", value),
        ("user-agent", "portolan"),
    ];
    let cluster = verifier.cluster();
    hostcalls::dispatch_http_call(cluster, headers, None, vec![], VERIFICATION_TIMEOUT).is_ok()
}
