//! The fields of a policy that some targets cannot express: the path of each.
//!
//! Each target has a list of its own of what it cannot express; these functions say whether a
//! policy needs it.

use portolan_command::policy_file::{LoadedPolicy, join, view};
use portolan_core::config::{
    Backend, BackendAuth, BackendList, Config, Document, Front, FrontAuth, Geo,
};

/// Credentials of the proxy's own.
pub(super) fn credentials(policy: &LoadedPolicy) -> Vec<String> {
    of_backends(policy, "credential", |backend| backend.credential().is_some())
}

/// Backends whose tokens the filter fetches.
pub(super) fn tokens(policy: &LoadedPolicy) -> Vec<String> {
    of_backends(policy, "auth", |backend| matches!(backend.auth(), BackendAuth::Token(_)))
}

/// Backends that a proxy leads to.
pub(super) fn connect_proxies(policy: &LoadedPolicy) -> Vec<String> {
    of_backends(policy, "connect_proxy", |backend| backend.connect_proxy().is_some())
}

/// Backends whose redirects the proxy follows.
pub(super) fn followed_redirects(policy: &LoadedPolicy) -> Vec<String> {
    of_backends(policy, "redirect_handling", |backend| backend.followed_redirects().any_followed())
}

/// Backends that say how they are asked whether they are well.
pub(super) fn health_checks(policy: &LoadedPolicy) -> Vec<String> {
    written(policy, "backends", "health_check")
}

/// Backends that say when failed requests take them out.
pub(super) fn ejections(policy: &LoadedPolicy) -> Vec<String> {
    written(policy, "backends", "ejection")
}

/// Stores that the filter asks what they have.
pub(super) fn blob_stores(policy: &LoadedPolicy) -> Vec<String> {
    let stores = policy.config.blob_stores().iter();
    stores.map(|store| join("blob_stores", store.name())).collect()
}

/// Caches, which are filled at a listener of their own.
pub(super) fn caches(policy: &LoadedPolicy) -> Vec<String> {
    let caches = policy.config.caches().iter();
    caches.map(|cache| join("caches", cache.name())).collect()
}

/// Fronts whose clients prove who they are.
pub(super) fn fronts_with_auth(policy: &LoadedPolicy) -> Vec<String> {
    of_fronts(policy, "auth", |front| !matches!(front.auth(), FrontAuth::Managed))
}

/// Fronts that web pages may use.
pub(super) fn fronts_with_cors(policy: &LoadedPolicy) -> Vec<String> {
    of_fronts(policy, "cors", |front| front.cors().is_some())
}

/// Fronts with certificates in files.
pub(super) fn fronts_with_tls(policy: &LoadedPolicy) -> Vec<String> {
    of_fronts(policy, "tls", |front| front.tls().is_some())
}

/// Fronts that serve metrics.
pub(super) fn fronts_with_metrics(policy: &LoadedPolicy) -> Vec<String> {
    of_fronts(policy, "metrics", Front::is_scraped)
}

/// The database that places addresses.
pub(super) fn geo_database(policy: &LoadedPolicy) -> Vec<String> {
    let locates = matches!(policy.config.clients().geo(), Geo::Database(_));
    locates.then(|| "clients.geo.database".to_owned()).into_iter().collect()
}

/// Balancers that speak the PROXY protocol.
pub(super) fn proxy_protocol(policy: &LoadedPolicy) -> Vec<String> {
    let speaks = !policy.config.clients().proxy_protocol().is_empty();
    speaks.then(|| "clients.proxy_protocol".to_owned()).into_iter().collect()
}

fn of_fronts(policy: &LoadedPolicy, field: &str, has: fn(&Front) -> bool) -> Vec<String> {
    let fronts = policy.config.fronts().all().iter().filter(|front| has(front));
    fronts.map(|front| of_front(front.name(), field)).collect()
}

fn of_front(front: &str, field: &str) -> String {
    join(&join("fronts", front), field)
}

fn of_backends(policy: &LoadedPolicy, field: &str, has: fn(&Backend) -> bool) -> Vec<String> {
    let backends = policy.config.backends().iter().filter(|backend| has(backend));
    backends.map(|backend| join(&join("backends", backend.name()), field)).collect()
}

/// Where a field is written, whatever its value.
fn written(policy: &LoadedPolicy, part: &str, field: &str) -> Vec<String> {
    let all = view::mapping(view::field(&policy.document, part)).iter();
    let has = all.filter(|(_, fields)| view::field(fields, field).is_some());
    has.map(|(name, _)| join(&join(part, name), field)).collect()
}

/// The rules as they are written, with their paths and what was made of them.
fn rules(policy: &LoadedPolicy) -> impl Iterator<Item = (String, &Document)> {
    let written = view::list(view::field(&policy.document, "rules")).iter();
    written.enumerate().map(|(number, rule)| (format!("rules[{number}]"), rule))
}

/// Chains of several backends.
pub(super) fn chains(policy: &LoadedPolicy) -> Vec<String> {
    let several = |chain: &Document| view::list(Some(chain)).len() > 1;
    rules(policy)
        .flat_map(|(path, rule)| {
            let chains = view::mapping(view::field(rule, "chains")).iter();
            let chains = chains.filter(move |(_, chain)| several(chain));
            chains.map(move |(region, _)| join(&join(&path, "chains"), region))
        })
        .collect()
}

/// The rules that have a list of several backends without a chain that says so.
pub(super) fn owners(policy: &LoadedPolicy) -> Vec<String> {
    if !chains(policy).is_empty() {
        return Vec::new();
    }
    let config = &policy.config;
    let is_long = |name: &str| {
        let mut rules = config.rules().all().iter().filter(|rule| rule.name() == name);
        rules.any(|rule| {
            rule.lists().filter_map(|id| config.list(id)).any(BackendList::has_fallback)
        })
    };
    let named =
        |rule: &Document| view::field(rule, "name").and_then(view::text).is_some_and(is_long);
    let named = rules(policy).filter(|(_, rule)| named(rule)).map(|(path, _)| join(&path, "owner"));
    let found: Vec<String> = named.collect();
    let is_needed = found.is_empty() && config.lists().iter().any(BackendList::has_fallback);
    if is_needed { vec!["rules".to_owned()] } else { found }
}

/// Fronts that tell how backends are.
pub(super) fn fronts_with_health(policy: &LoadedPolicy) -> Vec<String> {
    let fronts = policy.config.fronts().all().iter();
    let asked = fronts.flat_map(|front| {
        let health = front.has_health().then(|| of_front(front.name(), "health"));
        let ping = front.ping_needs_all().then(|| of_front(front.name(), "ping"));
        health.into_iter().chain(ping)
    });
    asked.collect()
}

/// Rules that redirect to the first of several backends that is up.
pub(super) fn redirects_by_health(policy: &LoadedPolicy) -> Vec<String> {
    let config: &Config = &policy.config;
    if !config.redirects_by_health() {
        return Vec::new();
    }
    let client_redirects =
        rules(policy).filter(|(_, rule)| view::field(rule, "client_redirects").is_some());
    client_redirects.map(|(path, _)| join(&path, "client_redirects")).collect()
}
