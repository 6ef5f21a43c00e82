//! Sending a client to where the content is, instead of carrying the content to the client.

use super::{Choice, Decision, Facts, Forward};
use crate::config::ids::{RuleId, StoreId};
use crate::config::{Config, List, RedirectClass, Rule};
use crate::grammar::Digest;
use crate::health::{Examined, State};
use crate::probe::Presence;
use crate::registry::{Class, Endpoint, RegistryRequest};

/// A blob that a store may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// The rule that names the store.
    pub rule: RuleId,
    /// The store.
    pub store: StoreId,
    /// The blob.
    pub digest: Digest<'static>,
}

/// What becomes of a request that is served: the host is asked whether a store has it, or the client
/// is sent there, or to the first backend that is up, or a backend is asked.
///
/// How the backends are is asked for before a store is: a request waits in the store's queue only if
/// all else is known.
pub(super) fn instead_of<'c>(
    config: &'c Config,
    request: &RegistryRequest<'_>,
    facts: &Facts<'_>,
    forward: Forward<'c>,
) -> Decision<'c> {
    let rule = forward.rule.and_then(|id| Some((id, config.rules().get(id)?)));
    let Some((id, rule)) = rule.filter(|_| request.method.is_read()) else {
        return Decision::Forward(forward);
    };
    let class = class(request.endpoint.class());
    let region = facts.locality.region;
    let sends_away = rule
        .redirecting()
        .zip(class)
        .is_some_and(|(redirecting, class)| redirecting.sends_away(region, class));
    if sends_away && forward.list.backends().len() > 1 && facts.health.is_none() {
        return Decision::Examine;
    }
    if let Some(blob) = stored_blob((id, rule), request, facts, forward.choice) {
        match facts.in_store {
            None => return Decision::Probe(blob),
            Some(Presence::Present) => return Decision::Store(blob),
            Some(Presence::Absent | Presence::Unknown) => {}
        }
    }
    if sends_away {
        let place = first_up(config, forward.list, facts.health);
        Decision::Redirect(forward, place)
    } else {
        Decision::Forward(forward)
    }
}

/// The place of the first backend that is up. Nobody falls back for a client that was sent away, so it is
/// not sent to one that is known to be down. Where none is up, or nobody knows, the checks may be
/// what is wrong: it is the first.
fn first_up(config: &Config, list: &List, health: Option<Examined<'_>>) -> usize {
    let mut backends = list.backends().iter().filter_map(|id| config.backend(*id));
    let is_up = |cluster| health.is_some_and(|health| health.of(cluster) == Some(State::Up));
    backends.position(|backend| is_up(backend.cluster())).unwrap_or(0)
}

/// The blob in the store of the client's region. Only what any backend of the chain may answer is
/// looked for there: what is asked before a push is the owner's to answer.
fn stored_blob(
    (rule_id, rule): (RuleId, &Rule),
    request: &RegistryRequest<'_>,
    facts: &Facts<'_>,
    choice: Choice,
) -> Option<StoredBlob> {
    let Endpoint::Blob { digest, .. } = &request.endpoint else { return None };
    let locality = facts.locality;
    let store = rule.redirecting()?.store(locality.region, locality.label)?;
    (choice == Choice::Nearest).then(|| StoredBlob {
        rule: rule_id,
        store,
        digest: digest.clone().into_owned(),
    })
}

/// The policy's word for a class; `None` for what is never redirected.
const fn class(class: Class) -> Option<RedirectClass> {
    match class {
        Class::ManifestByTag | Class::ManifestByDigest => Some(RedirectClass::Manifests),
        Class::Blob => Some(RedirectClass::Blobs),
        Class::Tags => Some(RedirectClass::Tags),
        Class::Referrers => Some(RedirectClass::Referrers),
        Class::Ping | Class::Upload | Class::Catalog | Class::Extension => None,
    }
}
