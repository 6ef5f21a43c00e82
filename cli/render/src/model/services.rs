//! The services that only the filter itself asks: token services, verifiers of passwords, blob
//! stores.

use portolan_core::config::{Backend, BackendAuth, BackendUrl, BlobStore, Config, FrontAuth, Tls};
use portolan_core::contract::{clusters, without_fingerprint};

use super::upstream::{Destination, UpstreamFilters};
use crate::options::Options;

/// All of them.
pub(crate) struct Services<'p> {
    /// Those that have a cluster here.
    pub(crate) all: Vec<Service<'p>>,
    /// The clusters that the policy names itself, by the path of what they are for: who writes a
    /// name means a cluster of their own.
    pub(crate) of_the_user: Vec<(String, &'p str)>,
}

/// A service with a cluster.
pub(crate) struct Service<'p> {
    /// What the cluster is called.
    pub(crate) cluster: &'p str,
    /// What is in the names of its secrets.
    pub(crate) name: String,
    /// Where it is.
    pub(crate) url: &'p BackendUrl,
    /// How its certificate is verified.
    pub(crate) tls: Tls,
    /// The filters of its requests.
    pub(crate) filters: Option<UpstreamFilters<'p>>,
    /// Whether it is asked about content, which a cold start may do very often at once.
    pub(crate) is_asked_about_content: bool,
    /// The proxy that it is reached through.
    pub(crate) proxy: Option<&'p BackendUrl>,
}

impl<'p> Services<'p> {
    /// Those of a policy. Without the filter nobody asks any.
    pub(super) fn of(config: &'p Config, options: &'p Options) -> Self {
        let all = options.filter.as_ref().map(|_| with_clusters(config, options));
        Self { all: all.unwrap_or_default(), of_the_user: of_the_user(config) }
    }
}

fn with_clusters<'p>(config: &'p Config, options: &'p Options) -> Vec<Service<'p>> {
    let backends = config.backends().iter();
    let tokens = backends.filter_map(|backend| token_service(config, backend, options));
    let stores = config.blob_stores().iter().filter_map(blob_store);
    tokens.chain(verifiers(config)).chain(stores).collect()
}

/// The clusters that the policy names itself, by the path of what they are for: who writes a name
/// means a cluster of their own.
fn of_the_user(config: &Config) -> Vec<(String, &str)> {
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

/// Whether a cluster is made here: it has the name that we would give it, perhaps with a
/// fingerprint.
fn is_ours(cluster: &str, name: &str) -> bool {
    without_fingerprint(cluster) == name
}

/// What the cluster is called by which the filter asks a blob store what it has; also what is in
/// the names of its secrets, where a backend may have the same name.
fn probe_cluster(store: &BlobStore) -> String {
    clusters::blob_store(store.name())
}

/// Clients are sent to a store; only the filter's questions go there through this cluster.
fn blob_store(store: &BlobStore) -> Option<Service<'_>> {
    let name = probe_cluster(store);
    is_ours(store.cluster(), &name).then(|| Service {
        cluster: store.cluster(),
        name,
        url: store.url().origin(),
        tls: store.tls().clone(),
        filters: None,
        is_asked_about_content: true,
        proxy: None,
    })
}

fn token_cluster(backend: &Backend) -> String {
    clusters::token_service(backend.name())
}

/// The token service of a backend: at the realm's host, or, as long as that is not known, at the
/// backend's own, which is the only one that it may turn out to be.
fn token_service<'p>(
    config: &'p Config,
    backend: &'p Backend,
    options: &'p Options,
) -> Option<Service<'p>> {
    let BackendAuth::Token(service) = backend.auth() else { return None };
    let name = token_cluster(backend);
    if !is_ours(service.cluster(), &name) {
        return None;
    }
    let url = service.realm().map_or(backend.url(), |realm| realm.origin());
    let (name, tls) = if url.host() == backend.url().host() {
        (backend.name().to_owned(), backend.tls().clone())
    } else {
        (name, publicly(url))
    };
    Some(Service {
        cluster: service.cluster(),
        name,
        url,
        tls,
        filters: UpstreamFilters::of(config, Destination::TokenService(backend), options),
        is_asked_about_content: false,
        proxy: backend.connect_proxy(),
    })
}

fn verifiers(config: &Config) -> impl Iterator<Item = Service<'_>> {
    config.fronts().all().iter().filter_map(|front| {
        let FrontAuth::Basic(verifier) = front.auth() else { return None };
        let (name, url) = (clusters::verifier(front.name()), verifier.url());
        is_ours(verifier.cluster(), &name).then(|| Service {
            cluster: verifier.cluster(),
            name,
            url,
            tls: publicly(url),
            filters: None,
            is_asked_about_content: false,
            proxy: None,
        })
    })
}

/// A host of which the policy says nothing more: verified by its name and the system's CA
/// certificates.
pub(crate) fn publicly(url: &BackendUrl) -> Tls {
    Tls { server_name: url.host().to_owned(), ca_file: None, client: None }
}
