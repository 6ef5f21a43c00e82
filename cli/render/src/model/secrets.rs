//! Every secret that Envoy reads from a file.

use std::collections::BTreeSet;

use portolan_core::config::credential_usage;
use portolan_core::config::{Backend, BlobStore, Cache, Config, Scheme, redirects_cluster};
use portolan_core::contract::clusters;

use crate::secret::Secret;

/// Every secret that the rendered configuration refers to, each once.
pub(crate) fn all(config: &Config) -> Vec<Secret> {
    let backends = || config.backends().iter();
    let credentials = backends().filter_map(|backend| credential_usage::of(config, backend));
    let credentials = credentials.map(|(credential, _)| Secret::credential(credential));
    let mut seen = BTreeSet::new();
    let stores = config.blob_stores().iter().filter_map(of_store);
    let redirects = backends().filter_map(of_redirects);
    let fronts = config.fronts().all().iter();
    let fronts = fronts.filter_map(|front| Some(Secret::front(front.name(), front.tls()?)));
    let caches = config.caches().iter().flat_map(|cache| of_cache(config, cache));
    let all = credentials
        .chain(backends().flat_map(of_tls))
        .chain(redirects)
        .chain(stores)
        .chain(fronts)
        .chain(caches);
    all.filter(|secret| seen.insert(secret.name().to_owned())).collect()
}

fn of_redirects(backend: &Backend) -> Option<Secret> {
    let ca_file = backend.followed_redirects().ca_file()?;
    Some(Secret::authority(&redirects_cluster(backend.name(), Scheme::Https), ca_file))
}

fn of_store(store: &BlobStore) -> Option<Secret> {
    let ca_file = store.tls().ca_file.as_deref()?;
    Some(Secret::authority(&clusters::blob_store(store.name()), ca_file))
}

/// What is shown to nodes and by which they are verified; the listener that fills them has the
/// same.
fn of_cache(config: &Config, cache: &Cache) -> impl Iterator<Item = Secret> {
    let member = cache.tls().and_then(|tls| Some((tls, config.backend(cache.member())?)));
    member.into_iter().flat_map(|(tls, member)| {
        let name = member.name();
        [Secret::authority(name, &tls.ca_file), Secret::certificate(name, &tls.own)]
    })
}

fn of_tls(backend: &Backend) -> impl Iterator<Item = Secret> {
    let tls = (backend.url().scheme() == Scheme::Https).then(|| backend.tls());
    let name = backend.name();
    let authority = tls.and_then(|tls| Some(Secret::authority(name, tls.ca_file.as_deref()?)));
    let certificate = tls.and_then(|tls| Some(Secret::certificate(name, tls.client.as_ref()?)));
    authority.into_iter().chain(certificate)
}
