//! The plan of a request: its way through the rooms of the core, in one function for hosts.

mod action;
mod builtin_endpoints;
mod client_redirect;
mod end;
mod fill;
mod forwarding;
mod head;
mod identity;
mod ping;
mod token_endpoint;
mod withheld;

use std::borrow::Cow;
use std::fmt::Write as _;

pub use action::{Action, Authorization, Forwarding, Plan, UPLOAD_CONTENT_TYPE};
pub use head::RequestHead;
pub use token_endpoint::{ExchangeRequest, TokenEndpoint};
pub use withheld::is_withheld;

use crate::client::{self, Locality, Why};
use crate::config::ids::FrontId;
use crate::config::{Config, Front, FrontAuth, FrontHost, Rule};
use crate::health::Report;
use crate::oci::{self, Endpoint, RegistryRequest, RequestError};
use crate::policy::{self, Decision, Facts, FrontRealm, Naming, Need, Refusal};
use crate::probe::Presence;
use crate::record::{Decided, Kind};
use crate::reply;
use client_redirect::ClientRedirect;
use end::End;
use forwarding::{RequestContext, forwarding, rule_name};
use identity::{Identified, identify};

/// Plans one request: parse once, locate once, decide once. Where a fact is missing, the plan is to
/// find it out.
#[must_use]
pub fn plan<'c>(config: &'c Config, head: &RequestHead<'_>, facts: &Facts<'_>) -> Plan<'c> {
    let locality = client::locate(config.regions(), &head.client);
    if config.fills_caches() {
        return fill::plan(config, head, locality);
    }
    let front = config.fronts().find(head.authority);
    let mut record = Decided::new(
        front.map(|id| config.fronts().name(id)),
        config.regions().name(locality.region),
        locality.country,
        if token_endpoint::is_at(head) { Kind::Token } else { Kind::Other },
    );
    let mut named = Names::default();
    let outcome = outside_api(config, front, &locality, (head, facts)).unwrap_or_else(|| {
        oci::parse(head.deciding_method(), head.target).map_err(Refusal::from).and_then(|request| {
            let class = request.endpoint.class();
            record.class = Some(class);
            record.kind = Kind::of(class, request.method.is_read());
            let id = front.ok_or_else(|| no_front(head))?;
            let front = config.fronts().get(id).ok_or(Refusal::FrontUnknown)?;
            named = Names::of(front, head.authority, &request)?;
            act(config, (id, front), &request, &named, &locality, (head, facts))
        })
    });
    let end =
        outcome.unwrap_or_else(|refusal| refuse(config, &refusal, (front, &named.naming), head));
    let End { action, why, rule, sent_to } = end;
    (record.rule, record.sent_to) = (rule, sent_to);
    record.reason = reason(&locality.why, &why);
    let Names { naming, repository } = named;
    let front = front.and_then(|id| config.fronts().get(id));
    record.user = front.and_then(|front| identity::verified_user(front, head, facts.password));
    record.registry = naming.upstream().map(|upstream| upstream.name().to_owned());
    let says_backend = front.is_some_and(Front::says_backend);
    Plan { action, record, locality, naming, repository, says_backend }
}

/// Why the client is in its region, and why the request ends where it does, for the log.
fn reason(whence: &Why, why: &str) -> String {
    // About how long it is; it is made for every request.
    const LENGTH: usize = 64;
    let mut reason = String::with_capacity(LENGTH);
    // Nothing can fail that is written into a string.
    let _ = write!(reason, "{whence}; {why}");
    reason
}

/// What is served outside of `/v2/`: the token endpoint, what a front says of itself, its pages.
/// Nearly every request is to a registry, and must not pay for this.
fn outside_api<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    locality: &Locality,
    (head, facts): (&RequestHead<'_>, &Facts<'_>),
) -> Option<Result<End<'c>, Refusal>> {
    if head.target.starts_with(b"/v2/") {
        return None;
    }
    if token_endpoint::is_at(head) {
        return Some(serve_tokens(config, front, locality, head));
    }
    if let Some(reply) = builtin_endpoints::liveness(config, head) {
        return Some(Ok(End::reply(reply)));
    }
    let front = config.fronts().get(front?)?;
    let page = || ClientRedirect::to_page(front, head.method, head.path());
    let to_page = |redirection| End::redirect(redirection, &Naming::default());
    builtin_endpoints::answer(config, front, locality, (head, facts))
        .map(Ok)
        .or_else(|| Some(page()?.map(to_page)))
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
        self.repository.as_deref().unwrap_or_else(|| forwarding::client_name(request))
    }
}

/// Why there is no front for a request.
fn no_front(head: &RequestHead<'_>) -> Refusal {
    if FrontHost::can_be(head.authority) { Refusal::FrontUnknown } else { Refusal::HostInvalid }
}

/// A request that is not served.
fn refuse<'c>(
    config: &'c Config,
    refusal: &Refusal,
    (front, naming): (Option<FrontId>, &Naming),
    head: &RequestHead<'_>,
) -> End<'c> {
    let is_read = matches!(head.method, b"GET" | b"HEAD");
    let front_realm =
        front.and_then(|id| FrontRealm::new(config, id, naming, head.scheme, head.authority));
    let challenge = front_realm.as_ref().map(FrontRealm::challenge);
    let reply = reply::refuse(config, refusal, is_read, challenge.as_ref());
    End { rule: rule_of(config, refusal), ..End::reply(reply.named(naming)) }
}

fn act<'c>(
    config: &'c Config,
    (id, front): (FrontId, &'c Front),
    request: &RegistryRequest<'_>,
    names: &Names,
    locality: &Locality,
    (head, facts): (&RequestHead<'_>, &Facts<'_>),
) -> Result<End<'c>, Refusal> {
    // The ping is the front's own answer: there is no one backend that could say who may read it.
    if head.preflight.is_some() && request.endpoint == Endpoint::Ping {
        let allow = request.endpoint.methods();
        return Err(Refusal::Request(RequestError::MethodNotAllowed { allow }));
    }
    let (naming, name) = (&names.naming, names.repository(request));
    let by_whom = head.asker();
    policy::refuse(config, &by_whom, request, name)?;
    let identity = match identify(front, head, facts.password)? {
        Identified::As(identity) => identity,
        Identified::By(verifier) => return Ok(End::need(config, Need::Password(verifier))),
    };
    // A browser that asks about a request wants the answer of the registry.
    let facts = if head.preflight.is_some() {
        &Facts { in_repository: Some(Presence::Unknown), tag_was: Some(None), ..*facts }
    } else {
        facts
    };
    let decision = if request.endpoint == Endpoint::Ping {
        ping::answer(config, front, identity, head.authorization)?
    } else {
        let asked =
            policy::Asked { front, naming, name, identity, locality, asker: &by_whom, facts };
        policy::decide(config, request, &asked)?
    };
    let asked = RequestContext { front, region: locality.region, naming, name, request, head };
    let redirected = |redirection| End::redirect(redirection, naming);
    match decision {
        Decision::Ping => ping(config, front, naming, facts),
        Decision::Need(need) => Ok(End::need(config, need)),
        Decision::Store(blob) => ClientRedirect::to_store(config, &blob)
            .map(redirected)
            .ok_or(Refusal::RepositoryUnknown),
        Decision::Redirect(forward, place) => {
            ClientRedirect::to_backend(config, &forward, &asked, place)
                .map(redirected)
                .ok_or(Refusal::RepositoryUnknown)
        }
        Decision::Forward(forward) => {
            let front_realm = match front.auth() {
                FrontAuth::Upstream { .. } => {
                    FrontRealm::new(config, id, naming, head.scheme, head.authority)
                }
                FrontAuth::Managed | FrontAuth::Basic(_) => None,
            };
            let rule = rule_name(config, &forward);
            let forwarding = forwarding(config, forward, &asked, front_realm);
            forwarding
                .map(|forwarding| End::forward(forwarding, rule))
                .ok_or(Refusal::RepositoryUnknown)
        }
    }
}

/// The answer to a ping that may be served: some fronts are there only if all their backends are.
fn ping<'c>(
    config: &'c Config,
    front: &Front,
    naming: &Naming,
    facts: &Facts<'_>,
) -> Result<End<'c>, Refusal> {
    if !front.ping_needs_all() {
        return Ok(End::ping(naming));
    }
    match facts.health {
        None => Ok(End::need(config, Need::BackendHealth { is_optional: false })),
        Some(examined) if Report::of(config, front, examined).all_up() => Ok(End::ping(naming)),
        Some(_) => Err(Refusal::BackendDown),
    }
}

/// The token endpoint; only fronts whose clients have tokens have one.
fn serve_tokens<'c>(
    config: &'c Config,
    front: Option<FrontId>,
    locality: &Locality,
    head: &RequestHead<'_>,
) -> Result<End<'c>, Refusal> {
    let id = front.ok_or_else(|| no_front(head))?;
    let front = config.fronts().get(id).ok_or(Refusal::FrontUnknown)?;
    token_endpoint::serve(config, (id, front), locality, head).map(End::token)
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
