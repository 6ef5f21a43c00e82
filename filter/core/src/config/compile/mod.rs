//! From the wire form to the compiled form: every reference is resolved, every contradiction
//! between two places is a mistake at the later one.
//!
//! The stages are kept apart (`inline(never)`): of all in one function Envoy would make machine
//! code for a second at each start, and hold twenty megabytes while it does.

pub(crate) mod access;
pub(crate) mod auth;
pub(crate) mod budgets;
pub(crate) mod clients;
pub(crate) mod fingerprints;
pub(crate) mod loops;
pub(crate) mod names;
pub(crate) mod per_region;
pub(crate) mod regions;
pub(crate) mod scope;
pub(crate) mod services;

use crate::config::backend::compile as backends;
use crate::config::backend::followed_redirects::compile as followed_redirects;
use crate::config::backend_list::ListTable;
use crate::config::blob_store::compile as blob_stores;
use crate::config::cache::compile as caches;
use crate::config::compiled::Config;
use crate::config::front::compile as fronts;
use crate::config::mistake::Mistakes;
use crate::config::rule::compile as rules;
use crate::config::wire::PolicyWire;
use names::ids_by_name;

/// Compiles a policy. `None` is returned only together with at least one mistake.
pub(crate) fn compile(wire: PolicyWire, mistakes: &Mistakes) -> Option<Config> {
    budgets::check(&wire, mistakes);
    let (clients, geo_source) = clients::compile(wire.clients, &wire.networks, mistakes);
    let regions = regions::compile(
        wire.regions.as_deref(),
        &wire.networks,
        &clients.trusted_proxies,
        geo_source,
        mistakes,
    );
    let backend_ids =
        ids_by_name(wire.backends.iter().flatten().map(|backend| backend.name.as_str()));
    let region_ids = ids_by_name(wire.regions.iter().flatten().map(|region| region.name.as_str()));
    let credentials = auth::credentials(wire.credentials, mistakes);
    let (facts, auth_domains) = auth::facts(wire.backends.as_deref(), &credentials, mistakes);
    let scope = auth::Scope {
        backends: &backend_ids,
        facts: &facts,
        auth_domains: &auth_domains,
        rules: wire.rules.as_deref().unwrap_or_default(),
        mistakes,
    };
    let mut table = ListTable::default();
    let label_ids = ids_by_name(wire.networks.iter().map(|(label, _)| label.as_str()));
    let mut fronts =
        fronts::compile(wire.fronts.as_deref(), &scope, &label_ids, &mut table, mistakes);
    let store_ids = ids_by_name(wire.blob_stores.iter().flatten().map(|store| store.name.as_str()));
    let cache_ids = ids_by_name(wire.caches.iter().flatten().map(|cache| cache.name.as_str()));
    let drained = regions::drained(wire.regions.as_deref().unwrap_or_default(), mistakes);
    let region_names = per_region::RegionNames::new(&region_ids, drained);
    let scope = scope::Scope {
        backends: &backend_ids,
        drained_backends: wire.backends.iter().flatten().map(|backend| backend.drained).collect(),
        regions: &region_names,
        labels: &label_ids,
        stores: &store_ids,
        caches: &cache_ids,
        fills_caches: wire.fills_caches,
        access: access::Checks { fronts: &fronts, facts: &facts, mistakes },
        mistakes,
    };
    let rules = rules::compile(wire.rules, &scope, &mut table);
    let caches = caches::compile(wire.caches.as_deref(), scope.drained_backends.len(), mistakes);
    let blob_stores = blob_stores::compile(wire.blob_stores, mistakes);
    let mut backends = backends::compile(wire.backends, &facts, &region_names, mistakes)?;
    followed_redirects::keep_apart(&mut fronts, &backends, mistakes);
    let mut blob_stores = blob_stores?;
    if wire.cluster_fingerprints {
        fingerprints::apply(&mut fronts, &mut backends, &mut blob_stores, &credentials);
    }
    loops::refuse(&fronts, wire.fronts.as_deref(), &backends, &blob_stores, mistakes);
    let registries = backends.len();
    backends.extend(caches::members(&caches, wire.cluster_fingerprints));
    let lists = table.into_lists(&backends);
    services::keep_apart(&fronts, &backends, &blob_stores, &lists, mistakes);
    Some(Config {
        fronts,
        backends,
        registries,
        caches,
        fills_caches: wire.fills_caches,
        blob_stores,
        credentials,
        auth_domains,
        regions: regions?,
        published: wire.published,
        clients,
        rules,
        lists,
        fingerprint: None,
    })
}
