//! A request that fills a cache: of a node, or of the filter when it asks whether a repository has
//! some content.
//!
//! The request of the client was admitted before. Here the content is fetched for that client,
//! through the chain without its cache; through the cache only where this Envoy wants what a tag
//! was (`stale_tags`). Only nodes and this Envoy reach the fill listener; the renderer sees to
//! that.

use super::action::Plan;
use super::end::End;
use super::forwarding::{RequestContext, forwarding, rule_name};
use super::head::RequestHead;
use crate::client::Locality;
use crate::config::ids::{FrontId, ListId, RegionId};
use crate::config::{Config, Rule};
use crate::content::Expected;
use crate::oci::{Method, RegistryRequest, parse};
use crate::policy::cache::{self, OfFill};
use crate::policy::{CacheUse, Choice, Forward, Mounting, Naming, Refusal};
use crate::record::{Decided, Kind};
use crate::reply;

/// Plans a request that fills a cache.
pub(super) fn plan<'c>(config: &'c Config, head: &RequestHead<'_>, locality: Locality) -> Plan<'c> {
    let region = config.regions().name(locality.region);
    let mut record = Decided::new(None, region, None, Kind::Other);
    let end = decide(config, head, &mut record).unwrap_or_else(|refusal| {
        End::reply(reply::refuse(config, &refusal, matches!(head.method, b"GET" | b"HEAD"), None))
    });
    let End { action, why, rule, sent_to } = end;
    (record.rule, record.sent_to) = (rule, sent_to);
    record.reason = format!("fill; {why}");
    Plan {
        action,
        record,
        locality,
        naming: Naming::default(),
        repository: None,
        says_backend: false,
    }
}

fn decide<'c>(
    config: &'c Config,
    head: &RequestHead<'_>,
    record: &mut Decided<'c>,
) -> Result<End<'c>, Refusal> {
    let request = parse(head.method, head.target)?;
    let class = request.endpoint.class();
    record.class = Some(class);
    record.kind = Kind::of(class, request.method.is_read());
    if !is_content(&request) {
        return Err(Refusal::Unsupported(class));
    }
    let whose = request.query.and_then(OfFill::read).ok_or(Refusal::RepositoryUnknown)?;
    let OfFill { front, region, through } = whose;
    let front = config.fronts().all().iter().find(|one| one.name() == front);
    let front = front.ok_or(Refusal::FrontUnknown)?;
    let mut regions = config.regions().ids();
    let region = regions.find(|id| config.regions().name(*id) == region);
    let region = region.ok_or(Refusal::RepositoryUnknown)?;
    record.region = config.regions().name(region);
    record.front = Some(front.name());
    let name = request.endpoint.repository().map_or("", |name| name.as_str());
    let forward = forward(config, (front.id(), region), name, through.as_deref())?;
    // The query was for this filter.
    let request = RegistryRequest { query: None, ..request };
    let naming = Naming::default();
    let asked = RequestContext { front, region, naming: &naming, name, request: &request, head };
    let rule = rule_name(config, &forward);
    let forwarding = forwarding(config, forward, &asked, None).ok_or(Refusal::RepositoryUnknown)?;
    Ok(End::forward(forwarding, rule))
}

fn forward<'c>(
    config: &'c Config,
    (front, region): (FrontId, RegionId),
    name: &str,
    through: Option<&str>,
) -> Result<Forward<'c>, Refusal> {
    let id = config.rules().find(front, name).ok_or(Refusal::RepositoryUnknown)?;
    let chain = config.rules().get(id).and_then(|rule: &Rule| rule.chain(region));
    let lists = chain.ok_or(Refusal::RepositoryUnknown)?.lists(name);
    let list_id = match through {
        Some(cache) => behind(config, lists.cached, cache).ok_or(Refusal::RepositoryUnknown)?,
        None => lists.digests,
    };
    let list = config.list(list_id).ok_or(Refusal::RepositoryUnknown)?;
    Ok(Forward {
        rule: Some(id),
        list,
        list_id,
        choice: Choice::Nearest,
        authority: None,
        mounting: Mounting::Unasked,
        cache: CacheUse::None,
        stale_tag: None,
    })
}

/// The list behind a cache, if it is the one of that name.
fn behind(config: &Config, cached: Option<ListId>, cache: &str) -> Option<ListId> {
    let first = config.list(cached?)?.backends().first()?;
    config.cache(*first).filter(|found| found.name() == cache).and(cached)
}

/// Content by a digest that can be checked, and nothing else: a cache is asked for nothing else.
fn is_content(request: &RegistryRequest<'_>) -> bool {
    let digest = cache::content(&request.endpoint);
    digest.is_some_and(|digest| Expected::new(digest, None).is_some())
        && matches!(request.method, Method::Get | Method::Head)
}
