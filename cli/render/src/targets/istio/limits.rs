//! What a level cannot express, and the refusal of a policy that needs it. docs/istio.md has the
//! same table.

use portolan_command::policy_file::{Diagnostic, LoadedPolicy};

use super::arguments::Level;
use crate::targets::found;

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
pub(super) const LIMITS: [Limit; 18] = [
    Limit {
        field: "backends.NAME.connect_proxy",
        what: "a proxy that is asked to connect",
        needs: None,
        advice: "let Istio send what leaves the mesh through it",
        find: found::connect_proxies,
    },
    Limit {
        field: "rules[].chains.REGION",
        what: "several backends, one after the other",
        needs: Some(Level::Full),
        advice: "or leave one backend in it",
        find: found::chains,
    },
    Limit {
        field: "rules[].owner",
        what: "an owner that is not the one backend of every chain: who asks whether it has a manifest is answered by \
               the others while it is down",
        needs: Some(Level::Full),
        advice: "or make the owner the backend of every chain",
        find: found::owners,
    },
    Limit {
        field: "backends.NAME.credential",
        what: "the proxy's own credential",
        needs: Some(Level::Full),
        advice: "or have clients sign in at the registry",
        find: found::credentials,
    },
    Limit {
        field: "backends.NAME.auth",
        what: "tokens, which the filter fetches from their service",
        needs: Some(Level::Full),
        advice: "or leave it out for a registry that is open",
        find: found::tokens,
    },
    Limit {
        field: "backends.NAME.redirect_handling",
        what: "redirects that the proxy follows",
        needs: Some(Level::Full),
        advice: "or leave them to clients: `pass`",
        find: found::followed_redirects,
    },
    Limit {
        field: "backends.NAME.health_check",
        what: "how a backend is asked whether it is well",
        needs: Some(Level::Full),
        advice: "or leave it out: with one backend for each request nothing depends on it",
        find: found::health_checks,
    },
    Limit {
        field: "backends.NAME.ejection",
        what: "when failed requests take a backend out",
        needs: Some(Level::Full),
        advice: "or leave it out: with one backend for each request nothing depends on it",
        find: found::ejections,
    },
    Limit {
        field: "blob_stores.NAME",
        what: "stores that the filter asks what they have",
        needs: Some(Level::Full),
        advice: "or redirect to backends",
        find: found::blob_stores,
    },
    Limit {
        field: "fronts.NAME.auth",
        what: "clients that prove who they are: `upstream` or `basic`",
        needs: Some(Level::Full),
        advice: "or leave it out for a front that everybody may use",
        find: found::fronts_with_auth,
    },
    Limit {
        field: "fronts.NAME.cors",
        what: "web pages that may use a front",
        needs: Some(Level::Full),
        advice: "or leave it out",
        find: found::fronts_with_cors,
    },
    Limit {
        field: "clients.geo.database",
        what: "places of addresses by a database, a file in the gateway's pods",
        needs: Some(Level::Full),
        advice: "or write the networks of regions, or take geo headers from proxies",
        find: found::geo_database,
    },
    Limit {
        field: "caches.NAME",
        what: "shared caches: their nodes are filled at a listener that Istio does not start",
        needs: None,
        advice: "leave it out, and the stations of chains that name it",
        find: found::caches,
    },
    Limit {
        field: "clients.proxy_protocol",
        what: "balancers that speak the PROXY protocol",
        needs: None,
        advice: "leave it out; Istio has `proxyProtocol` in the `gatewayTopology` of its `ProxyConfig`",
        find: found::proxy_protocol,
    },
    Limit {
        field: "fronts.NAME.tls",
        what: "certificates of fronts in files",
        needs: None,
        advice: "leave it out, and name the Secret of the gateway's certificate with `--tls-credential`",
        find: found::fronts_with_tls,
    },
    Limit {
        field: "fronts.NAME.health, fronts.NAME.ping: all_backends",
        what: "answers about how the backends are: the filter asks Envoy by a listener inside of it",
        needs: None,
        advice: "leave it out; Istio's own probe of the gateway is `/healthz/ready` on port 15021",
        find: found::fronts_with_health,
    },
    Limit {
        field: "fronts.NAME.metrics",
        what: "metrics at a front: the filter asks a listener that Istio does not start",
        needs: None,
        advice: "leave it out; Istio's agent serves the gateway's metrics on port 15090",
        find: found::fronts_with_metrics,
    },
    Limit {
        field: "rules[].client_redirects",
        what: "redirects to the first of several backends that is up: the filter asks Envoy by a listener inside of it",
        needs: None,
        advice: "leave one backend in the chains of the rule",
        find: found::redirects_by_health,
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
