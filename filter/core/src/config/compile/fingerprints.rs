//! Clusters get names that say what they connect to, where the policy has `cluster_fingerprints`.
//!
//! The name that somebody has written for a cluster of their own stays: they make that cluster.

use crate::config::auth::{BackendAuth, Credential, FrontAuth};
use crate::config::backend::{Backend, Tls};
use crate::config::backend_url::BackendUrl;
use crate::config::blob_store::BlobStore;
use crate::config::front::Fronts;
use crate::contract::{Fingerprint, clusters, with_fingerprint};

/// Renames the clusters of backends, token services, verifiers and blob stores.
#[inline(never)]
pub(super) fn apply(
    fronts: &mut Fronts,
    backends: &mut [Backend],
    stores: &mut [BlobStore],
    credentials: &[Credential],
) {
    let filters = Filters {
        proxy_authenticates: fronts
            .all()
            .iter()
            .any(|front| !matches!(front.auth, FrontAuth::Upstream { .. })),
        follows: backends.iter().any(|backend| backend.followed_redirects.any_followed()),
    };
    for backend in backends {
        let key = with_fingerprint(&backend.name, of_backend(backend, credentials, filters));
        rename(backend, key);
    }
    for store in stores {
        if store.cluster == clusters::blob_store(&store.name) {
            let fingerprint = of_host(store.url.origin(), &store.tls);
            store.cluster = clusters::blob_store(&with_fingerprint(&store.name, fingerprint));
        }
    }
    for front in &mut fronts.list {
        if let FrontAuth::Basic(verifier) = &mut front.auth
            && verifier.cluster == clusters::verifier(&front.name)
        {
            let fingerprint = Fingerprint::of(url(verifier.url()));
            verifier.cluster = clusters::verifier(&with_fingerprint(&front.name, fingerprint));
        }
    }
}

/// What decides, beside the backend itself, which filters its clusters have. Requests that one
/// policy has decided about are carried on by the filters of that policy.
#[derive(Clone, Copy)]
struct Filters {
    proxy_authenticates: bool,
    follows: bool,
}

fn rename(backend: &mut Backend, key: String) {
    let owner = clusters::owner(&backend.cluster);
    let token = clusters::token_service(&backend.name);
    if backend.cluster == backend.name {
        backend.cluster.clone_from(&key);
        if backend.owner_cluster == owner {
            backend.owner_cluster = clusters::owner(&key);
        }
    }
    if let BackendAuth::Token(service) = &mut backend.auth
        && service.cluster == token
    {
        service.cluster = clusters::token_service(&key);
    }
    backend.key = key;
}

/// Which filters a cluster of a backend is rendered with. It changes when what looks at attempts
/// moves between clusters and listeners: the listener of another release would otherwise send
/// requests, while Envoy goes over, to clusters whose attempts nobody looks at there.
const FORM: &str = "attempts in the router";

/// All that decides whom a request reaches, and as whom: URL, TLS, what it wants to see, the
/// proxy's own credential, where redirects are fetched from.
fn of_backend(backend: &Backend, credentials: &[Credential], filters: Filters) -> Fingerprint {
    let mut parts: Vec<String> = url(&backend.url).to_vec();
    parts.push(FORM.to_owned());
    parts.extend(tls(&backend.tls));
    parts.extend(match &backend.auth {
        BackendAuth::Open => vec!["open".to_owned()],
        BackendAuth::Basic { .. } => vec!["basic".to_owned()],
        BackendAuth::Token(service) => {
            let realm = service.realm();
            let realm = realm.map(|realm| format!("{}{}", realm.origin().origin(), realm.target()));
            let texts = [realm.as_deref(), service.service()];
            [vec!["token".to_owned()], texts.into_iter().map(optional).collect()].concat()
        }
    });
    let file = backend.credential.as_ref().and_then(|name| {
        let found = credentials.iter().find(|credential| credential.name() == name)?;
        Some(format!("{name} {}", found.file()))
    });
    parts.push(optional(file.as_deref()));
    let proxy = backend.connect_proxy.as_ref().map(BackendUrl::origin);
    parts.extend(proxy.map(|proxy| format!("through {proxy}")));
    let redirects = &backend.followed_redirects;
    parts.push(optional(redirects.ca_file()));
    let switches = [
        redirects.any_followed(),
        redirects.private_addresses(),
        filters.proxy_authenticates,
        filters.follows,
    ];
    parts.extend(switches.map(|switch| switch.to_string()));
    Fingerprint::of(parts)
}

fn of_host(origin: &BackendUrl, settings: &Tls) -> Fingerprint {
    Fingerprint::of(url(origin).into_iter().chain(tls(settings)))
}

fn url(url: &BackendUrl) -> [String; 2] {
    [url.origin(), url.base_path().to_owned()]
}

fn tls(tls: &Tls) -> [String; 4] {
    let client = tls.client.as_ref();
    [
        tls.server_name.clone(),
        optional(tls.ca_file.as_deref()),
        optional(client.map(|client| client.certificate_file.as_str())),
        optional(client.map(|client| client.key_file.as_str())),
    ]
}

/// What is not there is another thing than an empty text.
fn optional(text: Option<&str>) -> String {
    text.map_or_else(|| "-".to_owned(), |text| format!("={text}"))
}
