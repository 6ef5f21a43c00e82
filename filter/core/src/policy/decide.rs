//! The decision.

use super::mount::{self, Mounting};
use crate::client::Locality;
use crate::config::ids::{BackendId, RuleId};
use crate::config::{Chain, Config, Rule};
use crate::registry::{Class, Endpoint, Method, Reference, RegistryRequest, RequestError};

/// What is to be done with a request that may be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision<'c> {
    /// Answer that this is a registry (distribution spec, end-1).
    Ping,
    /// Let a backend answer.
    Forward(Forward<'c>),
}

/// Which backends may answer, and why these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward<'c> {
    /// The rule that matched.
    pub rule: RuleId,
    /// The backends that may answer, in the order in which they are tried; never empty.
    pub backends: &'c [BackendId],
    /// Why these.
    pub choice: Choice,
    /// What becomes of the wish to mount a blob from another repository.
    pub mounting: Mounting,
}

/// Why a list of backends was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// A digest: the whole chain of the client's region.
    Nearest,
    /// A tag, a list of tags or referrers: the replicas of the region's chain.
    Replica,
    /// A write: the owner of the repository and nobody else.
    OwnerForWrite,
    /// A check whether content exists, on a repository that takes pushes: the owner. A copy on
    /// a nearer backend would make the client skip an upload that the owner then misses.
    OwnerForExistence,
}

impl Choice {
    /// The word for logs and for `portolan explain`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Replica => "nearest replica",
            Self::OwnerForWrite => "owner, for a write",
            Self::OwnerForExistence => "owner, for an existence check",
        }
    }
}

/// Why a request is not served. The client, or the policy, is to blame; never an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request is not one of the distribution spec.
    Request(RequestError),
    /// No front has this authority.
    FrontUnknown,
    /// No rule matches this repository.
    RepositoryUnknown,
    /// The class is not offered: the catalogue and extensions.
    Unsupported(Class),
    /// The rule has no owner, so the repository takes no writes.
    PullOnly(RuleId),
    /// The name is too long once the backend's prefix is on it.
    NameTooLong(RuleId),
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

/// Decides one request.
///
/// # Errors
///
/// The refusal that the client gets.
pub fn decide<'c>(
    config: &'c Config,
    request: &RegistryRequest<'_>,
    locality: &Locality,
) -> Result<Decision<'c>, Refusal> {
    let name = match (&request.endpoint, request.endpoint.repository()) {
        (Endpoint::Ping, _) => return Ok(Decision::Ping),
        (Endpoint::Extension { .. }, _) | (_, None) => {
            return Err(Refusal::Unsupported(request.endpoint.class()));
        }
        (_, Some(name)) => name.as_str(),
    };
    let id = config.rules().find(name).ok_or(Refusal::RepositoryUnknown)?;
    let rule = config.rules().get(id).ok_or(Refusal::RepositoryUnknown)?;
    let chain = rule.chain(locality.region).ok_or(Refusal::RepositoryUnknown)?;
    let (choice, backends) = choose(rule, chain, request).ok_or(Refusal::PullOnly(id))?;
    if !fits(config, backends, name) {
        return Err(Refusal::NameTooLong(id));
    }
    let mounting = mount::decide(config, rule, request)?;
    Ok(Decision::Forward(Forward { rule: id, backends, choice, mounting }))
}

/// The backends of a request, or `None` for a write that has no owner to go to.
fn choose<'c>(
    rule: &'c Rule,
    chain: &'c Chain,
    request: &RegistryRequest<'_>,
) -> Option<(Choice, &'c [BackendId])> {
    let owner = rule.owner_as_list();
    let class = request.endpoint.class();
    if class == Class::Upload || !request.method.is_read() {
        return (!owner.is_empty()).then_some((Choice::OwnerForWrite, owner));
    }
    let by_digest = matches!(
        &request.endpoint,
        Endpoint::Blob { .. } | Endpoint::Manifest { reference: Reference::Digest(_), .. }
    );
    Some(if by_digest && request.method == Method::Head && !owner.is_empty() {
        (Choice::OwnerForExistence, owner)
    } else if by_digest {
        (Choice::Nearest, chain.for_digests())
    } else {
        (Choice::Replica, chain.for_tags())
    })
}

/// Whether the name, as each backend writes it, is within the limit that clients and
/// registries share (distribution spec, "Pulling manifests": 255 characters).
fn fits(config: &Config, backends: &[BackendId], name: &str) -> bool {
    let mut mapped = backends.iter().filter_map(|id| config.backend(*id));
    mapped.all(|backend| backend.names().length_at_backend(name) <= MAXIMUM_NAME)
}

/// The longest repository name, in bytes.
const MAXIMUM_NAME: usize = 255;
