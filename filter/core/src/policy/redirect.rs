//! Sending a client to where the content is, instead of carrying the content to the client.

use super::{Choice, Decision, Facts, Forward};
use crate::config::ids::{RuleId, StoreId};
use crate::config::{Config, RedirectClass, Rule};
use crate::grammar::Digest;
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
/// is sent there, or to the first backend, or a backend is asked.
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
    if let Some(blob) = stored_blob((id, rule), request, facts, forward.choice) {
        match facts.in_store {
            None => return Decision::Probe(blob),
            Some(Presence::Present) => return Decision::Store(blob),
            Some(Presence::Absent | Presence::Unknown) => {}
        }
    }
    let class = class(request.endpoint.class());
    let region = facts.locality.region;
    let sends_away = rule.redirecting().zip(class);
    if sends_away.is_some_and(|(redirecting, class)| redirecting.sends_away(region, class)) {
        Decision::Redirect(forward)
    } else {
        Decision::Forward(forward)
    }
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
