//! What Envoy Gateway cannot express, and the refusal of a policy that needs it.
//! docs/envoy-gateway.md has the same table.

use portolan_command::policy_file::{Diagnostic, LoadedPolicy};

use super::module::Module;
use crate::targets::found;

/// A field of the policy, or what a field may need.
pub(super) struct Limit {
    /// The field as docs/policy.md has it.
    pub(super) field: &'static str,
    /// What of it is meant.
    pub(super) what: &'static str,
    /// What has it.
    pub(super) needs: Needs,
    /// What to do instead.
    advice: &'static str,
    /// Where a policy has it.
    find: fn(&LoadedPolicy) -> Vec<String>,
}

/// What a field needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// The module as a file in the gateway's pods: the filters of attempts run it, and Envoy
    /// Gateway tells clusters, which may have such filters, of no module that it serves.
    File,
    /// Nothing has it.
    Nothing,
}

impl Needs {
    /// As the table has it.
    #[cfg(test)]
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::File => "a file",
            Self::Nothing => "nothing has it",
        }
    }
}

/// All of them.
pub(super) const LIMITS: [Limit; 12] = [
    Limit {
        field: "rules[].chains.REGION",
        what: "several backends, one after the other",
        needs: Needs::File,
        advice: "or leave one backend in it",
        find: found::chains,
    },
    Limit {
        field: "rules[].owner",
        what: "an owner that is not the one backend of every chain: who asks whether it has a manifest is answered by \
               the others while it is down",
        needs: Needs::File,
        advice: "or make the owner the backend of every chain",
        find: found::owners,
    },
    Limit {
        field: "backends.NAME.credential",
        what: "the proxy's own credential",
        needs: Needs::File,
        advice: "or have clients sign in at the registry",
        find: found::credentials,
    },
    Limit {
        field: "backends.NAME.auth",
        what: "tokens that the proxy holds",
        needs: Needs::File,
        advice: "or leave it out for a registry that is open",
        find: found::tokens,
    },
    Limit {
        field: "backends.NAME.redirect_handling",
        what: "redirects that the proxy follows",
        needs: Needs::File,
        advice: "or leave them to clients: `pass`",
        find: found::followed_redirects,
    },
    Limit {
        field: "backends.NAME.connect_proxy",
        what: "a proxy that is asked to connect: Envoy asks it by a listener inside of it",
        needs: Needs::Nothing,
        advice: "leave it out, and lead what leaves the gateway's pods through the proxy by other means",
        find: found::connect_proxies,
    },
    Limit {
        field: "caches.NAME",
        what: "shared caches: their nodes are filled at a listener that Envoy Gateway does not start",
        needs: Needs::Nothing,
        advice: "leave it out, and the stations of chains that name it",
        find: found::caches,
    },
    Limit {
        field: "clients.proxy_protocol",
        what: "balancers that speak the PROXY protocol",
        needs: Needs::Nothing,
        advice: "leave it out, and have the balancer keep the addresses of clients or append to `X-Forwarded-For`",
        find: found::proxy_protocol,
    },
    Limit {
        field: "fronts.NAME.tls",
        what: "certificates of fronts in files",
        needs: Needs::Nothing,
        advice: "leave it out, and name the Secret of the gateway's certificate with `--tls-credential`",
        find: found::fronts_with_tls,
    },
    Limit {
        field: "fronts.NAME.health, fronts.NAME.ping: all_backends",
        what: "answers about how the backends are: the filter asks Envoy by a listener inside of it",
        needs: Needs::Nothing,
        advice: "leave it out; the gateway's own probe is `/ready` on port 19003 of its pods",
        find: found::fronts_with_health,
    },
    Limit {
        field: "fronts.NAME.metrics",
        what: "metrics at a front: the filter asks a listener that Envoy Gateway does not start",
        needs: Needs::Nothing,
        advice: "leave it out; Envoy Gateway has its pods serve metrics on port 19001",
        find: found::fronts_with_metrics,
    },
    Limit {
        field: "rules[].client_redirects",
        what: "redirects to the first of several backends that is up: the filter asks Envoy by a listener inside of it",
        needs: Needs::Nothing,
        advice: "leave one backend in the chains of the rule",
        find: found::redirects_by_health,
    },
];

/// Refuses a policy that needs what nothing has.
///
/// # Errors
///
/// Every reason, at its place in the policy.
pub(super) fn check(policy: &LoadedPolicy) -> Result<(), Vec<Diagnostic>> {
    refuse(all_places(policy, Needs::Nothing))
}

/// Refuses a policy whose attempts pass the filter where they cannot have it.
///
/// # Errors
///
/// Every reason, at its place in the policy; the policy as a whole if no field is the reason.
pub(super) fn check_attempts(
    policy: &LoadedPolicy,
    module: &Module,
) -> Result<(), Vec<Diagnostic>> {
    if matches!(module, Module::File(_)) {
        return Ok(());
    }
    let found = all_places(policy, Needs::File);
    let whole = "the attempts of this policy need the module as a file: render with `--wasm PATH` \
                 (docs/envoy-gateway.md)";
    refuse(if found.is_empty() { vec![policy.mistake("rules", whole.to_owned())] } else { found })
}

fn all_places(policy: &LoadedPolicy, needs: Needs) -> Vec<Diagnostic> {
    let limits = LIMITS.iter().filter(|limit| limit.needs == needs);
    limits
        .flat_map(|limit| {
            let message = message(limit);
            (limit.find)(policy).into_iter().map(move |path| policy.mistake(&path, message.clone()))
        })
        .collect()
}

fn refuse(reasons: Vec<Diagnostic>) -> Result<(), Vec<Diagnostic>> {
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

fn message(limit: &Limit) -> String {
    let Limit { field, what, advice, needs, .. } = limit;
    let said = match needs {
        Needs::File => format!(
            "Envoy Gateway cannot have {what} with a module that it fetches; name the module as a file in the gateway's \
             pods, `--wasm PATH`, {advice}"
        ),
        Needs::Nothing => format!("Envoy Gateway cannot have {what}; {advice}"),
    };
    format!("{said} (docs/envoy-gateway.md, `{field}`)")
}
