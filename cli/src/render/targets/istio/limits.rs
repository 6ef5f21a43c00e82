//! What a level cannot express, and the refusal of a policy that needs it. docs/istio.md has the same table.

use portolan_core::config::{Backend, BackendAuth, Config, Document, FrontAuth, Geo, List};

use super::arguments::Level;
use crate::policy_file::{Diagnostic, LoadedPolicy, join, view};

/// A field of the policy, or what a field may need.
pub(super) struct Limit {
    /// The field as docs/policy.md has it.
    pub(super) field: &'static str,
    /// What of it is meant.
    pub(super) what: &'static str,
    /// The level that has it; no level if there is none.
    pub(super) needs: Option<Level>,
    /// What to do where no level has it, or what is behind it.
    pub(super) advice: &'static str,
    /// Where a policy has it.
    find: fn(&LoadedPolicy) -> Vec<String>,
}

/// All of them.
pub(super) const LIMITS: [Limit; 17] = [
    Limit {
        field: "backends.NAME.connect_proxy",
        what: "a proxy that is asked to connect",
        needs: None,
        advice: "let Istio send what leaves the mesh through it",
        find: |policy| {
            of_backends(policy, "connect_proxy", |backend| backend.connect_proxy().is_some())
        },
    },
    Limit {
        field: "rules[].chains.REGION",
        what: "several backends, one after the other",
        needs: Some(Level::Full),
        advice: "or leave one backend in it",
        find: chains,
    },
    Limit {
        field: "rules[].owner",
        what: "an owner that is not the one backend of every chain: who asks whether it has a manifest is answered by \
               the others while it is down",
        needs: Some(Level::Full),
        advice: "or make the owner the backend of every chain",
        find: owners,
    },
    Limit {
        field: "backends.NAME.credential",
        what: "the proxy's own credential",
        needs: Some(Level::Full),
        advice: "or have clients sign in at the registry",
        find: |policy| of_backends(policy, "credential", |backend| backend.credential().is_some()),
    },
    Limit {
        field: "backends.NAME.auth",
        what: "tokens, which the filter fetches from their service",
        needs: Some(Level::Full),
        advice: "or leave it out for a registry that is open",
        find: |policy| {
            of_backends(policy, "auth", |backend| matches!(backend.auth(), BackendAuth::Token(_)))
        },
    },
    Limit {
        field: "backends.NAME.redirects",
        what: "redirects that the proxy follows",
        needs: Some(Level::Full),
        advice: "or leave them to clients: `pass`",
        find: |policy| {
            of_backends(policy, "redirects", |backend| backend.redirects().any_followed())
        },
    },
    Limit {
        field: "backends.NAME.health_check",
        what: "how a backend is asked whether it is well",
        needs: Some(Level::Full),
        advice: "or leave it out: with one backend for each request nothing depends on it",
        find: |policy| written(policy, "backends", "health_check"),
    },
    Limit {
        field: "backends.NAME.ejection",
        what: "when failed requests take a backend out",
        needs: Some(Level::Full),
        advice: "or leave it out: with one backend for each request nothing depends on it",
        find: |policy| written(policy, "backends", "ejection"),
    },
    Limit {
        field: "blob_stores.NAME",
        what: "stores that the filter asks what they have",
        needs: Some(Level::Full),
        advice: "or redirect to backends",
        find: |policy| {
            let stores = policy.config.blob_stores().iter();
            stores.map(|store| join("blob_stores", store.name())).collect()
        },
    },
    Limit {
        field: "fronts.NAME.auth",
        what: "clients that prove who they are: `upstream` or `basic`",
        needs: Some(Level::Full),
        advice: "or leave it out for a front that everybody may use",
        find: |policy| {
            let fronts = policy.config.fronts().all().iter();
            let fronts = fronts.filter(|front| !matches!(front.auth(), FrontAuth::Managed));
            fronts.map(|front| of_front(front.name(), "auth")).collect()
        },
    },
    Limit {
        field: "fronts.NAME.cors",
        what: "web pages that may use a front",
        needs: Some(Level::Full),
        advice: "or leave it out",
        find: |policy| {
            let fronts = policy.config.fronts().all().iter();
            let fronts = fronts.filter(|front| front.cors().is_some());
            fronts.map(|front| of_front(front.name(), "cors")).collect()
        },
    },
    Limit {
        field: "clients.geo.database",
        what: "places of addresses by a database, a file in the gateway's pods",
        needs: Some(Level::Full),
        advice: "or write the networks of regions, or take geo headers from proxies",
        find: |policy| {
            let locates = matches!(policy.config.clients().geo(), Geo::Database(_));
            locates.then(|| "clients.geo.database".to_owned()).into_iter().collect()
        },
    },
    Limit {
        field: "clients.proxy_protocol",
        what: "balancers that speak the PROXY protocol",
        needs: None,
        advice: "leave it out; Istio has `proxyProtocol` in the `gatewayTopology` of its `ProxyConfig`",
        find: |policy| {
            let speaks = !policy.config.clients().proxy_protocol().is_empty();
            speaks.then(|| "clients.proxy_protocol".to_owned()).into_iter().collect()
        },
    },
    Limit {
        field: "fronts.NAME.tls",
        what: "certificates of fronts in files",
        needs: None,
        advice: "leave it out, and name the Secret of the gateway's certificate with `--tls-credential`",
        find: |policy| {
            let fronts = policy.config.fronts().all().iter();
            let fronts = fronts.filter(|front| front.tls().is_some());
            fronts.map(|front| of_front(front.name(), "tls")).collect()
        },
    },
    Limit {
        field: "fronts.NAME.health, fronts.NAME.ping: all_backends",
        what: "answers about how the backends are: the filter asks Envoy by a listener inside of it",
        needs: None,
        advice: "leave it out; Istio's own probe of the gateway is `/healthz/ready` on port 15021",
        find: fronts_with_health,
    },
    Limit {
        field: "fronts.NAME.metrics",
        what: "metrics at a front: the filter asks a listener that Istio does not start",
        needs: None,
        advice: "leave it out; Istio's agent serves the gateway's metrics on port 15090",
        find: |policy| {
            let fronts = policy.config.fronts().all().iter();
            let fronts = fronts.filter(|front| front.is_scraped());
            fronts.map(|front| of_front(front.name(), "metrics")).collect()
        },
    },
    Limit {
        field: "rules[].redirect",
        what: "redirects to the first of several backends that is up: the filter asks Envoy by a listener inside of it",
        needs: None,
        advice: "leave one backend in the chains of the rule",
        find: redirects_by_health,
    },
];

/// Refuses a policy that needs more than a level has.
///
/// # Errors
///
/// Every reason, at its place in the policy.
pub(super) fn check(policy: &LoadedPolicy, level: Level) -> Result<(), Vec<Diagnostic>> {
    let missing = LIMITS.iter().filter(|limit| limit.needs.is_none_or(|needs| needs > level));
    let refused: Vec<Diagnostic> = missing
        .flat_map(|limit| {
            let message = message(limit, level);
            (limit.find)(policy).into_iter().map(move |path| policy.mistake(&path, message.clone()))
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

fn message(limit: &Limit, level: Level) -> String {
    let Limit { field, what, advice, needs, .. } = limit;
    let said = match needs {
        Some(needs) => format!(
            "Istio at `--level {}` cannot have {what}; render with `--level {}`, {advice}",
            level.word(),
            needs.word()
        ),
        None => format!("Istio cannot have {what}; {advice}"),
    };
    format!("{said} (docs/istio.md, `{field}`)")
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

fn chains(policy: &LoadedPolicy) -> Vec<String> {
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
fn owners(policy: &LoadedPolicy) -> Vec<String> {
    if !chains(policy).is_empty() {
        return Vec::new();
    }
    let config = &policy.config;
    let is_long = |name: &str| {
        let mut rules = config.rules().all().iter().filter(|rule| rule.name() == name);
        rules.any(|rule| rule.lists().filter_map(|id| config.list(id)).any(List::has_fallback))
    };
    let named =
        |rule: &Document| view::field(rule, "name").and_then(view::text).is_some_and(is_long);
    let named = rules(policy).filter(|(_, rule)| named(rule)).map(|(path, _)| join(&path, "owner"));
    let found: Vec<String> = named.collect();
    let is_needed = found.is_empty() && config.lists().iter().any(List::has_fallback);
    if is_needed { vec!["rules".to_owned()] } else { found }
}

fn fronts_with_health(policy: &LoadedPolicy) -> Vec<String> {
    let fronts = policy.config.fronts().all().iter();
    let asked = fronts.flat_map(|front| {
        let health = front.has_health().then(|| of_front(front.name(), "health"));
        let ping = front.ping_needs_all().then(|| of_front(front.name(), "ping"));
        health.into_iter().chain(ping)
    });
    asked.collect()
}

fn redirects_by_health(policy: &LoadedPolicy) -> Vec<String> {
    let config: &Config = &policy.config;
    if !config.redirects_by_health() {
        return Vec::new();
    }
    let redirecting = rules(policy).filter(|(_, rule)| view::field(rule, "redirect").is_some());
    redirecting.map(|(path, _)| join(&path, "redirect")).collect()
}
