//! Requests that a cache may answer.
//!
//! A cache holds content by its digest and knows no repositories: it would serve any content to any
//! client. So a request goes there only after admission ([`super::admission`]), and only if a
//! registry has said that this repository has this content.

use super::need::{Content, Facts, Need};
use crate::client::Locality;
use crate::config::ids::{BackendId, ListId};
use crate::config::{Cache, Config, Front, FrontAuth, Rule};
use crate::grammar::Digest;
use crate::oci::{Endpoint, Method, Reference, RegistryRequest, query};
use crate::probe::Presence;

/// What becomes of a request at the cache of its region.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// There is none, or the request is none that a cache may answer.
    #[default]
    None,
    /// It is asked before the registries.
    Asked(BackendId),
    /// It is not asked, though the request is for content that it may have.
    Bypassed(BackendId),
}

/// Where a request goes that any backend of a chain may answer.
#[derive(Debug)]
pub(super) enum Route<'c> {
    /// To the registries.
    Registries(CacheUse),
    /// To the cache, and by this list to the registries behind it.
    Cache(BackendId, ListId),
    /// A fact is needed first.
    Need(Need<'c>),
}

/// What is known of a request whose backends are chosen.
pub(super) struct Chosen<'a> {
    pub(super) front: &'a Front,
    pub(super) rule: &'a Rule,
    /// The policy's name of the repository.
    pub(super) name: &'a str,
    pub(super) locality: &'a Locality,
}

/// Whether the cache of the region is asked.
pub(super) fn route<'c>(
    config: &'c Config,
    request: &RegistryRequest<'_>,
    chosen: &Chosen<'_>,
    facts: &Facts<'_>,
) -> Route<'c> {
    let Chosen { front, rule, name, locality } = *chosen;
    let list = rule.chain(locality.region).and_then(|chain| chain.lists(name).cached);
    let found = list.filter(|_| may_be_cached(request)).and_then(|id| {
        let first = *config.list(id)?.backends().first()?;
        Some((id, first, config.cache(first)?))
    });
    let Some((id, member, cache)) = found else { return Route::Registries(CacheUse::None) };
    // What its clients may read is between them and the registries.
    if matches!(front.auth(), FrontAuth::Upstream { .. }) {
        return Route::Registries(CacheUse::Bypassed(member));
    }
    match facts.in_repository {
        Some(Presence::Present) => Route::Cache(member, id),
        Some(Presence::Absent | Presence::Unknown) => Route::Registries(CacheUse::Bypassed(member)),
        None => {
            let region = config.regions().name(locality.region);
            let target = fill_target(&request.endpoint, name, front.name(), region);
            Route::Need(Need::Content(Content { cache, target }))
        }
    }
}

/// Whether a cache may answer a request: a `GET` of a blob or of a manifest by its digest.
#[must_use]
pub fn may_be_cached(request: &RegistryRequest<'_>) -> bool {
    let is_kept = |digest: &Digest<'_>| Cache::keeps(digest.algorithm());
    request.method == Method::Get && content(&request.endpoint).is_some_and(is_kept)
}

/// The digest of content that an endpoint names by it: a blob, or a manifest by its digest.
#[must_use]
pub fn content<'r>(endpoint: &'r Endpoint<'_>) -> Option<&'r Digest<'r>> {
    match endpoint {
        Endpoint::Blob { digest, .. }
        | Endpoint::Manifest { reference: Reference::Digest(digest), .. } => Some(digest),
        _ => None,
    }
}

/// Whether a `Range` asks for all there is (RFC 9110 section 14.1.2): some clients begin so. A node
/// would fetch the content twice.
#[must_use]
pub fn is_whole(range: &[u8]) -> bool {
    range.eq_ignore_ascii_case(b"bytes=0-")
}

/// The parameters by which a fill says whose chain it goes through.
const FRONT: &str = "front";
const REGION: &str = "region";
/// The parameter by which a cache is asked before the chain.
pub const THROUGH: &str = "through";

/// Path and query by which content is asked for at a node, and by the node at what fills it.
#[must_use]
pub fn fill_target(endpoint: &Endpoint<'_>, name: &str, front: &str, region: &str) -> String {
    let path = endpoint.path("", name);
    // What a parser has taken for names and a digest is ASCII, and so are names of the policy, none
    // of which needs an escape.
    format!("{}?{FRONT}={front}&{REGION}={region}", String::from_utf8_lossy(&path))
}

/// The same of a manifest by its digest.
#[must_use]
pub fn manifest_target(digest: &Digest<'_>, name: &str, front: &str, region: &str) -> String {
    format!("/v2/{name}/manifests/{}?{FRONT}={front}&{REGION}={region}", digest.as_str())
}

/// The same for what is wanted from a cache and its nodes, before any registry.
#[must_use]
pub fn target_through(fill_target: &str, cache: &str) -> String {
    format!("{fill_target}&{THROUGH}={cache}")
}

/// Whose chain a fill goes through, as its query says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OfFill {
    /// The front.
    pub front: String,
    /// The region.
    pub region: String,
    /// The cache whose nodes are asked first. Only this Envoy asks so, never a node.
    pub through: Option<String>,
}

impl OfFill {
    /// Reads the query.
    #[must_use]
    pub fn read(sent: &[u8]) -> Option<Self> {
        let value = |key| {
            let value = query::value(sent, key).ok()??;
            String::from_utf8(value.into_owned()).ok()
        };
        Some(Self { front: value(FRONT)?, region: value(REGION)?, through: value(THROUGH) })
    }

    /// The cache that a target of [`target_through`] names.
    #[must_use]
    pub fn cache_of(target: &[u8]) -> Option<String> {
        let mut parts = target.splitn(2, |byte| *byte == b'?').skip(1);
        Self::read(parts.next()?)?.through
    }
}

#[cfg(test)]
#[path = "cache/tests.rs"]
mod tests;
