//! Client redirects: a redirect to the place of the content instead of the content.

use super::need::{Facts, Need, StoredBlob};
use crate::client::Locality;
use crate::config::ids::RuleId;
use crate::config::{BackendList, Config, RedirectClass, Rule};
use crate::health::{HealthView, State};
use crate::oci::{Class, Endpoint, RegistryRequest};
use crate::probe::Presence;

/// What becomes of a request that a backend may answer.
#[derive(Clone, Debug)]
pub(super) enum Instead<'c> {
    /// A backend answers it.
    Nothing,
    /// A fact is needed first.
    Need(Need<'c>),
    /// The client is sent to the backend at this place in the list.
    Backend(usize),
    /// The client is sent to the blob in a store.
    Store(StoredBlob),
}

/// Who asks, as far as it matters here.
pub(super) struct Asking<'a> {
    pub(super) locality: &'a Locality,
    pub(super) facts: &'a Facts<'a>,
}

/// What becomes of a request that is served: the host is asked whether a store has it, or the
/// client is sent there, or to the first backend that is up, or a backend is asked. `list` are the
/// backends that may answer; any of them by `is_any`, not only the owner.
pub(super) fn instead_of<'c>(
    config: &'c Config,
    request: &RegistryRequest<'_>,
    asking: &Asking<'_>,
    (id, list): (RuleId, &BackendList),
    is_any: bool,
) -> Instead<'c> {
    let Some(rule) = config.rules().get(id).filter(|_| request.method.is_read()) else {
        return Instead::Nothing;
    };
    let facts = asking.facts;
    let class = class(request.endpoint.class());
    let region = asking.locality.region;
    let sends_away = rule
        .client_redirects()
        .zip(class)
        .is_some_and(|(client_redirects, class)| client_redirects.sends_away(region, class));
    if sends_away && list.backends().len() > 1 && facts.health.is_none() {
        return Instead::Need(Need::BackendHealth { is_optional: true });
    }
    if is_any && let Some(blob) = stored_blob((id, rule), request, asking.locality) {
        match facts.in_store {
            None => return Instead::Need(Need::BlobPresence(blob)),
            Some(Presence::Present) => return Instead::Store(blob),
            Some(Presence::Absent | Presence::Unknown) => {}
        }
    }
    if sends_away {
        Instead::Backend(first_up(config, list, facts.health))
    } else {
        Instead::Nothing
    }
}

/// The place of the first backend that is up. Nobody falls back for a client that was sent away, so
/// it is not sent to one that is known to be down. Where none is up, or nobody knows, the checks
/// may be what is wrong: it is the first.
fn first_up(config: &Config, list: &BackendList, health: Option<HealthView<'_>>) -> usize {
    let mut backends = list.backends().iter().filter_map(|id| config.backend(*id));
    let is_up = |cluster| health.is_some_and(|health| health.of(cluster) == Some(State::Up));
    backends.position(|backend| is_up(backend.cluster())).unwrap_or(0)
}

/// The blob in the store of the client's region. Only what any backend of the chain may answer is
/// looked for there: what is asked before a push is the owner's to answer.
fn stored_blob(
    (rule_id, rule): (RuleId, &Rule),
    request: &RegistryRequest<'_>,
    locality: &Locality,
) -> Option<StoredBlob> {
    let Endpoint::Blob { digest, .. } = &request.endpoint else { return None };
    let store = rule.client_redirects()?.store(locality.region, locality.label)?;
    Some(StoredBlob { rule: rule_id, store, digest: digest.clone().into_owned() })
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
