//! The walk of a request through the rooms, as the one door a host needs for it.

mod carry;
mod greeting;
mod head;
mod itself;
mod redirect;
mod token_endpoint;
mod withheld;

use std::borrow::Cow;
use std::time::Duration;

pub use head::RequestHead;
pub use token_endpoint::{TokenEndpoint, TokenErrand};
pub use withheld::is_withheld;

use crate::attempt::{Retry, is_password};
use crate::client::{self, Locality};
use crate::config::ids::FrontId;
use crate::config::{Backend, Config, Front, FrontAuth, Rule, Verifier};
use crate::health::Report;
use crate::policy::{
    self, Decision, Facts, Forward, Identity, Naming, Origin, Push, Question, Refusal, StoredBlob,
};
use crate::record::{Kind, Record};
use crate::registry::{self, Class, Endpoint, RegistryRequest, RequestError};
use crate::reply::{self, Reply};
use crate::response::Receipt;
use carry::{Asked, carry, rule_name};
use redirect::Redirection;

/// What is known of a client's password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Password {
    /// It is right.
    Right,
    /// It is wrong.
    Wrong,
    /// Who knows the passwords could not be asked.
    Unknown,
}

/// What a host has to do with a request.
#[derive(Clone, Debug)]
pub struct Plan<'c> {
    /// The action.
    pub action: Action<'c>,
    /// What to write to the log.
    pub record: Record<'c>,
    /// Which region the client is in, and why.
    pub locality: Locality,
    /// How the client names repositories.
    pub naming: Naming,
    /// The policy's name of the repository, where its front has upstreams; elsewhere it is the one
    /// that the client wrote.
    pub repository: Option<String>,
}

impl Plan<'_> {
    /// Whether [`Action::Examine`] may be answered with [`Examined::Unknown`] only because asking would take
    /// too much: the client is then sent to the first backend. A front that says how its backends are has to know.
    #[must_use]
    pub fn can_do_without_health(&self) -> bool {
        self.record.class.is_some_and(|class| class != Class::Ping)
    }
}

/// Forward, or answer.
#[derive(Clone, Debug)]
pub enum Action<'c> {
    /// Let Envoy carry the request to a cluster.
    Forward(Box<Forwarding<'c>>),
    /// Answer it here.
    Reply(Reply),
    /// Find out something and plan again, with [`RequestHead::recently_pushed`] set.
    Ask(Question),
    /// Have the client's `Authorization` looked at and plan again, with
    /// [`RequestHead::password`] set.
    Verify(&'c Verifier),
    /// Find out how the backends are ([`crate::health`]) and plan again, with
    /// [`RequestHead::health`] set.
    Examine,
    /// Answer as the front's token endpoint.
    Token(TokenEndpoint),
    /// Find out whether a blob store has a blob and plan again, with [`RequestHead::in_store`] set.
    Probe(StoredBlob),
}

/// How a request is carried.
#[derive(Clone, Debug)]
pub struct Forwarding<'c> {
    /// The decision behind it.
    pub forward: Forward<'c>,
    /// The Envoy cluster.
    pub cluster: &'c str,
    /// The backend that is asked first.
    pub backend: &'c Backend,
    /// What the response phase needs; it holds the target for each backend.
    pub receipt: Receipt,
    /// Whether a target differs from what the client sent.
    pub target_changed: bool,
    /// Whether this starts an upload. The content type is then replaced by
    /// [`UPLOAD_CONTENT_TYPE`].
    pub starts_upload: bool,
    /// What becomes of the client's `Authorization`, where there is no attempt phase.
    pub authorization: Authorization,
    /// For the attempt phase, where it has anything to do: what each backend is sent.
    pub prepared: Option<Vec<u8>>,
    /// How Envoy goes on to the next backend, where there is one.
    pub retry: Option<Retry>,
    /// How long a read that only one backend can answer waits for the head of the answer; `None` leaves
    /// it to the route.
    pub head_timeout: Option<Duration>,
    /// How long a write may take from the end of its body; `None` for reads.
    pub write_timeout: Option<Duration>,
    /// What to note if the request succeeds.
    pub push: Option<Push>,
}

/// What becomes of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorization {
    /// It stays as it is.
    Kept,
    /// It is taken out.
    Removed,
    /// It gets this value.
    Replaced(Vec<u8>),
}

/// What the body of a request that starts an upload is: nothing, or a whole blob.
///
/// A registry written in Go may read `mount` and `from` out of a body of the type
/// `application/x-www-form-urlencoded` as well, and prefer them to the query. A client could
/// so mount a blob of a repository that the policy would not let it mount from.
pub const UPLOAD_CONTENT_TYPE: &str = "application/octet-stream";

/// Plans one request: parse once, locate once, decide once.
#[must_use]
pub fn plan<'c>(config: &'c Config, head: &RequestHead<'_>) -> Plan<'c> {
    let locality = client::locate(config.regions(), &head.client);
    let front = config.fronts().find(head.authority);
    let mut record = Record {
        front: front.map(|id| config.fronts().name(id)),
        region: config.regions().name(locality.region),
        country: locality.country,
        class: None,
        kind: if token_endpoint::is_at(head.target) { Kind::Token } else { Kind::Other },
        rule: None,
        backend: None,
        reason: String::new(),
    };
    let mut named = Names::default();
    let outcome = beside_the_api(config, front, &locality, head).unwrap_or_else(|| {
        registry::parse(head.deciding_method(), head.target).map_err(Refusal::from).and_then(
            |request| {
                let class = request.endpoint.class();
                record.class = Some(class);
                record.kind = Kind::of(class, request.method.is_read());
                let id = front.ok_or(Refusal::FrontUnknown)?;
                let front = config.fronts().get(id).ok_or(Refusal::FrontUnknown)?;
                named = Names::of(front, head.authority, &request)?;
                act(config, (id, front), &request, &named, &locality, head)
            },
        )
    });
    let (action, why) = conclude(config, outcome, (front, &named.naming), head, &mut record);
    record.reason = format!("{}; {why}", locality.why);
    let Names { naming, repository } = named;
    Plan { action, record, locality, naming, repository }
}

/// What is served outside of `/v2/`: the token endpoint, what a front says of itself, its pages. Nearly every
/// request is to a registry, and must not pay for this.
fn beside_the_api<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Option<Result<Step<'c>, Refusal>> {
    if head.target.starts_with(b"/v2/") {
        return None;
    }
    if token_endpoint::is_at(head.target) {
        return Some(serve_tokens(config, front, locality, head));
    }
    if let Some(step) = itself::liveness(config, head) {
        return Some(Ok(step));
    }
    let front = config.fronts().get(front?)?;
    let page = || Redirection::to_page(front, head.method, head.target);
    itself::answer(config, front, head).map(Ok).or_else(|| Some(page()?.map(Step::Redirect)))
}

/// How a request names its repository, and the policy's name of it where that is another.
#[derive(Default)]
struct Names {
    naming: Naming,
    repository: Option<String>,
}

impl Names {
    fn of(front: &Front, authority: &[u8], request: &RegistryRequest<'_>) -> Result<Self, Refusal> {
        let naming = Naming::of(front, authority, request)?;
        let name = request.endpoint.repository().filter(|_| naming.has_upstreams());
        let repository = name.and_then(|name| naming.to_policy(name.as_str()));
        Ok(Self { repository: repository.map(Cow::into_owned), naming })
    }

    /// The policy's name of the repository; empty if the request is about none.
    fn repository<'n>(&'n self, request: &RegistryRequest<'n>) -> &'n str {
        self.repository.as_deref().unwrap_or_else(|| carry::client_name(request))
    }
}

enum Step<'c> {
    Ping,
    Reply(Reply),
    Examine,
    Ask(Question),
    Verify(&'c Verifier),
    Token(TokenEndpoint),
    Forward(Box<Forwarding<'c>>),
    Probe(StoredBlob),
    Redirect(Redirection<'c>),
}

/// From a step to an action, and the word for it in the log.
fn conclude<'c>(
    config: &'c Config,
    outcome: Result<Step<'c>, Refusal>,
    (front, naming): (Option<FrontId>, &Naming),
    head: &RequestHead<'_>,
    record: &mut Record<'c>,
) -> (Action<'c>, Cow<'static, str>) {
    match outcome {
        Ok(Step::Ping) => (Action::Reply(reply::ping().named(naming)), "ping".into()),
        Ok(Step::Reply(reply)) => {
            let code = reply.code;
            (Action::Reply(reply), code.into())
        }
        Ok(Step::Examine) => (Action::Examine, "health".into()),
        Ok(Step::Ask(question)) => (Action::Ask(question), "asked".into()),
        Ok(Step::Verify(verifier)) => (Action::Verify(verifier), "password".into()),
        Ok(Step::Token(endpoint)) => (Action::Token(endpoint), "token".into()),
        Ok(Step::Probe(blob)) => {
            record.rule = config.rules().get(blob.rule).map(Rule::name);
            (Action::Probe(blob), "asked".into())
        }
        Ok(Step::Redirect(redirection)) => {
            record.rule = redirection.rule;
            record.backend = redirection.to;
            let is_page = redirection.to.is_none();
            let reply = reply::redirect(redirection.location, is_page).named(naming);
            (Action::Reply(reply), redirection.why)
        }
        Ok(Step::Forward(forwarding)) => {
            record.rule = rule_name(config, &forwarding.forward);
            record.backend = Some(forwarding.backend.name());
            let why = forwarding.forward.choice.as_str();
            (Action::Forward(forwarding), why.into())
        }
        Err(refusal) => {
            record.rule = rule_of(config, &refusal);
            let is_read = matches!(head.method, b"GET" | b"HEAD");
            let origin =
                front.and_then(|id| Origin::new(config, id, naming, head.scheme, head.authority));
            let challenge = origin.as_ref().map(Origin::challenge);
            let reply = reply::refuse(config, &refusal, is_read, challenge.as_ref());
            let code = reply.code;
            (Action::Reply(reply.named(naming)), code.into())
        }
    }
}

fn act<'c>(
    config: &'c Config,
    (id, front): (FrontId, &'c Front),
    request: &RegistryRequest<'_>,
    names: &Names,
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Result<Step<'c>, Refusal> {
    // The ping is the front's own answer: there is no one backend that could say who may read it.
    if head.preflight.is_some() && request.endpoint == Endpoint::Ping {
        let allow = request.endpoint.methods();
        return Err(Refusal::Request(RequestError::MethodNotAllowed { allow }));
    }
    let (naming, name) = (&names.naming, names.repository(request));
    let identity = match identify(front, head)? {
        Identified::As(identity) => identity,
        Identified::By(verifier) => return Ok(Step::Verify(verifier)),
    };
    let decision = if request.endpoint == Endpoint::Ping {
        greeting::greet(config, front, identity, head.authorization)?
    } else {
        let RequestHead { recently_pushed, in_store, health, .. } = *head;
        let facts =
            Facts { front, naming, name, identity, locality, recently_pushed, in_store, health };
        policy::decide(config, request, &facts)?
    };
    match decision {
        Decision::Ping if front.ping_needs_all() => match head.health {
            None => Ok(Step::Examine),
            Some(examined) if Report::of(config, front, examined).all_up() => Ok(Step::Ping),
            Some(_) => Err(Refusal::BackendDown),
        },
        Decision::Ping => Ok(Step::Ping),
        Decision::Ask(question) => Ok(Step::Ask(question)),
        Decision::Probe(blob) => Ok(Step::Probe(blob)),
        Decision::Store(blob) => Redirection::to_store(config, &blob)
            .map(Step::Redirect)
            .ok_or(Refusal::RepositoryUnknown),
        Decision::Examine => Ok(Step::Examine),
        Decision::Redirect(forward, place) => {
            let asked = Asked { front, region: locality.region, naming, name, request, head };
            Redirection::to_backend(config, &forward, &asked, place)
                .map(Step::Redirect)
                .ok_or(Refusal::RepositoryUnknown)
        }
        Decision::Forward(forward) => {
            let origin = match front.auth() {
                FrontAuth::Upstream { .. } => {
                    Origin::new(config, id, naming, head.scheme, head.authority)
                }
                FrontAuth::Managed | FrontAuth::Basic(_) => None,
            };
            let asked = Asked { front, region: locality.region, naming, name, request, head };
            let forwarding = carry(config, forward, &asked, origin);
            forwarding
                .map(|forwarding| Step::Forward(Box::new(forwarding)))
                .ok_or(Refusal::RepositoryUnknown)
        }
    }
}

enum Identified<'c> {
    As(Identity),
    By(&'c Verifier),
}

/// Who asks. Only a front with passwords of its own looks; where it does, a wrong one is refused even
/// if none was needed: somebody meant it.
fn identify<'c>(front: &'c Front, head: &RequestHead<'_>) -> Result<Identified<'c>, Refusal> {
    let FrontAuth::Basic(verifier) = front.auth() else {
        return Ok(Identified::As(Identity::Anonymous));
    };
    match (head.authorization, head.password) {
        (None, _) => Ok(Identified::As(Identity::Anonymous)),
        (Some(value), _) if !is_password(value) => Err(Refusal::Unauthenticated),
        (Some(_), None) => Ok(Identified::By(verifier)),
        (Some(_), Some(Password::Right)) => Ok(Identified::As(Identity::Verified)),
        (Some(_), Some(Password::Wrong)) => Err(Refusal::Unauthenticated),
        (Some(_), Some(Password::Unknown)) => Err(Refusal::UnknownPassword),
    }
}

fn path_of(target: &[u8]) -> &[u8] {
    target.split(|byte| *byte == b'?').next().unwrap_or_default()
}

/// The token endpoint; only fronts whose clients have tokens have one.
fn serve_tokens<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Result<Step<'c>, Refusal> {
    let id = front.ok_or(Refusal::FrontUnknown)?;
    let front = config.fronts().get(id).ok_or(Refusal::FrontUnknown)?;
    token_endpoint::serve(config, (id, front), locality, head).map(Step::Token)
}

fn rule_of<'c>(config: &'c Config, refusal: &Refusal) -> Option<&'c str> {
    match refusal {
        Refusal::PullOnly(id)
        | Refusal::WritesOfRule(id)
        | Refusal::NameTooLong(id)
        | Refusal::Denied(id) => config.rules().get(*id).map(Rule::name),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
