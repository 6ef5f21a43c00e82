//! The clusters that only the filter itself calls: token services, verifiers of passwords, blob stores.

use portolan_core::config::{Backend, BackendAuth, BackendUrl, BlobStore, Config, FrontAuth, Tls};
use portolan_core::contract::{clusters, without_fingerprint};
use serde_json::Value;

use super::options::Options;
use super::small_cluster::{CALLS, Most, cluster};
use super::upstream_filters::{self, Destination};
use super::{egress, upstream_tls};

/// All of them. Without the filter nobody calls any.
pub(super) fn all(config: &Config, options: &Options) -> Vec<Value> {
    if options.filter.is_none() {
        return Vec::new();
    }
    let tokens = config.backends().iter().filter_map(|each| token_service(config, each, options));
    let stores = config.blob_stores().iter().filter_map(|store| blob_store(store, options));
    tokens.chain(verifiers(config, options)).chain(stores).collect()
}

/// The clusters that the policy names itself, by the path of what they are for: who writes a name means
/// a cluster of their own.
pub(super) fn of_the_user(config: &Config) -> Vec<(String, &str)> {
    let tokens = config.backends().iter().filter_map(|backend| {
        let BackendAuth::Token(service) = backend.auth() else { return None };
        let path = format!("backends.{}.auth.token.cluster", backend.name());
        (!is_ours(service.cluster(), &token_cluster(backend))).then(|| (path, service.cluster()))
    });
    let verifiers = config.fronts().all().iter().filter_map(|front| {
        let FrontAuth::Basic(verifier) = front.auth() else { return None };
        let path = format!("fronts.{}.auth.basic.cluster", front.name());
        (!is_ours(verifier.cluster(), &clusters::verifier(front.name())))
            .then(|| (path, verifier.cluster()))
    });
    let stores = config.blob_stores().iter().filter_map(|store| {
        let path = format!("blob_stores.{}.cluster", store.name());
        (!is_ours(store.cluster(), &probe_cluster(store))).then(|| (path, store.cluster()))
    });
    tokens.chain(verifiers).chain(stores).collect()
}

/// Whether a cluster is made here: it has the name that we would give it, perhaps with a fingerprint.
fn is_ours(cluster: &str, name: &str) -> bool {
    without_fingerprint(cluster) == name
}

/// What the cluster is called by which the filter asks a blob store what it has; also what is in the names of its
/// secrets, where a backend may have the same name.
pub(super) fn probe_cluster(store: &BlobStore) -> String {
    clusters::blob_store(store.name())
}

/// Clients are sent to a store; only the filter's questions go there through this cluster.
fn blob_store(store: &BlobStore, options: &Options) -> Option<Value> {
    let (name, url) = (probe_cluster(store), store.url().origin());
    let transport = upstream_tls::transport(&name, url, store.tls(), options);
    is_ours(store.cluster(), &name)
        .then(|| cluster(store.cluster(), url, transport, Vec::new(), QUESTIONS))
}

fn token_cluster(backend: &Backend) -> String {
    clusters::token_service(backend.name())
}

/// The token service of a backend: at the realm's host, or, as long as that is not known, at the backend's
/// own, which is the only one that it may turn out to be.
fn token_service(config: &Config, backend: &Backend, options: &Options) -> Option<Value> {
    let BackendAuth::Token(service) = backend.auth() else { return None };
    let name = token_cluster(backend);
    if !is_ours(service.cluster(), &name) {
        return None;
    }
    let url = service.realm().map_or(backend.url(), |realm| realm.origin());
    let filters = upstream_filters::filters(config, Destination::TokenService(backend), options);
    // On one host there is one operator, who has the same CA and the same idea of who may come.
    let transport = if url.host() == backend.url().host() {
        upstream_tls::transport(backend.name(), url, backend.tls(), options)
    } else {
        upstream_tls::transport(&name, url, &publicly(url), options)
    };
    let all = cluster(service.cluster(), url, transport, filters, CALLS);
    Some(egress::through(all, url, backend.connect_proxy()))
}

fn verifiers(config: &Config, options: &Options) -> Vec<Value> {
    let fronts = config.fronts().all().iter();
    let clusters = fronts.filter_map(|front| {
        let FrontAuth::Basic(verifier) = front.auth() else { return None };
        let (name, url) = (clusters::verifier(front.name()), verifier.url());
        let transport = upstream_tls::transport(&name, url, &publicly(url), options);
        is_ours(verifier.cluster(), &name)
            .then(|| cluster(verifier.cluster(), url, transport, Vec::new(), CALLS))
    });
    clusters.collect()
}

/// A host of which the policy says nothing more: verified by its name and the system's CA certificates.
fn publicly(url: &BackendUrl) -> Tls {
    Tls { server_name: url.host().to_owned(), ca_file: None, client: None }
}

/// Each worker bounds its own questions (512), of which a cold start may make many at once.
const QUESTIONS: Most = Most { connections: 256, requests: 65_536 };
