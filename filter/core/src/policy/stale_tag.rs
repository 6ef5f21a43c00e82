//! Tags that are served as they were: `stale_tags`.
//!
//! A rule may say that a read by tag, while nobody can be asked who may answer for it, is answered
//! with the manifest that the tag stood for last. What that was is a fact that the host keeps, for
//! all workers of a process, in a table of fixed size; the manifest itself is in the cache of the
//! region.

use super::cache::{self, Chosen};
use super::need::Facts;
use super::tag_memory::{TAG_SLOTS, TagQuestion};
use crate::config::{Backend, BackendList, Config, FrontAuth, Rule, stable_hash};
use crate::grammar::Digest;
use crate::oci::{Endpoint, Reference, RegistryRequest};

/// A read by tag that a cache may answer if nobody else can be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StaleTag {
    /// By what an answer is noted.
    pub question: TagQuestion,
    /// Where its manifest is wanted from.
    pub place: CachePlace,
    /// What the tag stood for, if that is known.
    pub digest: Option<Digest<'static>>,
}

/// The cache of a region, for the content of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePlace {
    name: String,
    front: String,
    region: String,
    cache: String,
}

impl CachePlace {
    /// Path and query by which the fill listener is asked for a manifest from the cache.
    #[must_use]
    pub fn target(&self, digest: &Digest<'_>) -> String {
        let Self { name, front, region, cache } = self;
        cache::target_through(&cache::manifest_target(digest, name, front, region), cache)
    }
}

/// What has to be found out of a read by tag, or is known.
#[derive(Debug)]
pub(super) enum Recalled {
    /// The rule says nothing, or no cache could have it.
    Nothing,
    /// What the tag stood for is to be looked up.
    Need(TagQuestion),
    /// It was.
    Known(StaleTag),
}

/// Whether a read by tag may be answered with what the tag was; `list` is that of who may answer
/// for it now.
pub(super) fn recall(
    config: &Config,
    request: &RegistryRequest<'_>,
    chosen: &Chosen<'_>,
    list: &BackendList,
    facts: &Facts<'_>,
) -> Recalled {
    let Chosen { front, rule, name, locality } = *chosen;
    let Some(lifetime) = rule.stale_tags() else { return Recalled::Nothing };
    // What clients may read that log in to registries is between them and those.
    if matches!(front.auth(), FrontAuth::Upstream { .. }) {
        return Recalled::Nothing;
    }
    let cached = rule.chain(locality.region).and_then(|chain| chain.lists(name).cached);
    let member = cached.and_then(|id| config.list(id)?.backends().first());
    let cache = member.and_then(|member| config.cache(*member));
    let (Some(cache), Some(tag)) = (cache, tag(request)) else { return Recalled::Nothing };
    let members = list.backends().iter().filter_map(|id| config.backend(*id));
    let mut sources: Vec<&str> = members.map(Backend::key).collect();
    // Replicas have the same tags, whichever of them a region asks first.
    sources.sort_unstable();
    let key = format!("{} {name}:{tag}", sources.join("+"));
    let question = TagQuestion { slot: slot(name, tag), key, lifetime };
    match facts.tag_was {
        None => Recalled::Need(question),
        Some(digest) => {
            let place = CachePlace {
                name: name.to_owned(),
                front: front.name().to_owned(),
                region: config.regions().name(locality.region).to_owned(),
                cache: cache.name().to_owned(),
            };
            Recalled::Known(StaleTag { question, place, digest: digest.cloned() })
        }
    }
}

/// The slot of a tag that a request writes or deletes, in a rule that keeps tags: what it stood for
/// is to be forgotten if the request succeeds.
#[must_use]
pub fn written_tag(rule: &Rule, name: &str, request: &RegistryRequest<'_>) -> Option<u32> {
    rule.stale_tags().filter(|_| !request.method.is_read())?;
    tag(request).map(|tag| slot(name, tag))
}

fn tag<'r>(request: &'r RegistryRequest<'_>) -> Option<&'r str> {
    match &request.endpoint {
        Endpoint::Manifest { reference: Reference::Tag(tag), .. } => Some(tag.as_str()),
        _ => None,
    }
}

fn slot(name: &str, tag: &str) -> u32 {
    u32::try_from(stable_hash(&format!("{name}:{tag}")) % TAG_SLOTS).unwrap_or(0)
}
