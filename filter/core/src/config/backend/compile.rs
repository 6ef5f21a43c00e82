//! Backends: one cluster each, unambiguous name rewrites, TLS settings that make sense.

use crate::config::backend::followed_redirects::compile as followed_redirects;
use crate::config::backend::followed_redirects::redirects_cluster;
use crate::config::backend::upload_path::UploadPath;
use crate::config::backend::{Backend, Certificate, Tls};
use crate::config::backend_url::{BackendUrl, Scheme};
use crate::config::compile::auth::{self, BackendFacts};
use crate::config::compile::names::Once;
use crate::config::compile::per_region::RegionNames;
use crate::config::mistake::{Mistakes, Path};
use crate::config::name_mapping::{NameMapping, NameRewrite};
use crate::config::wire::{BackendAuthWire, BackendWire, TlsWire};
use crate::contract::clusters;

#[inline(never)]
pub(crate) fn compile(
    wire: Option<Vec<BackendWire>>,
    facts: &[BackendFacts],
    regions: &RegionNames<'_>,
    mistakes: &Mistakes,
) -> Option<Vec<Backend>> {
    let root = Path::Root.key("backends");
    if wire.as_ref().is_some_and(Vec::is_empty) {
        mistakes.add(&root, "there is no backend; write at least one with its `url`");
    }
    let mut clusters = Once::new(mistakes);
    let mut all = Some(Vec::new());
    for (backend, facts) in wire.into_iter().flatten().zip(facts) {
        let name = backend.name.clone();
        let path = root.key(&name);
        let cluster = backend.cluster.as_ref().unwrap_or(&backend.name);
        let what = format!("the cluster `{cluster}`");
        clusters.claim(cluster.clone(), &name, &what, &path.key("cluster"));
        // A backend may have one cluster for everything, but none of another's.
        if let Some(own) = backend.owner_cluster.as_ref().filter(|own| *own != cluster) {
            let what = format!("the cluster `{own}`");
            clusters.claim(own.clone(), &name, &what, &path.key("owner_cluster"));
        }
        if let BackendAuthWire::Token { cluster: Some(own), .. } = &backend.auth {
            let what = format!("the cluster `{own}`");
            clusters.claim(own.clone(), &name, &what, &path.key("auth"));
        }
        if backend.redirects.follow.is_some() {
            for own in [Scheme::Https, Scheme::Http].map(|scheme| redirects_cluster(&name, scheme))
            {
                let what = format!("the cluster `{own}`");
                clusters.claim(own, &name, &what, &path.key("followed_redirects"));
            }
        }
        check_rewrites(&backend.names, &path.key("names"), mistakes);
        match (compile_one(backend, facts, regions, &path, mistakes), &mut all) {
            (Some(backend), Some(list)) => list.push(backend),
            _ => all = None,
        }
    }
    all
}

#[inline(never)]
fn compile_one(
    wire: BackendWire,
    facts: &BackendFacts,
    regions: &RegionNames<'_>,
    path: &Path<'_>,
    mistakes: &Mistakes,
) -> Option<Backend> {
    let followed_redirects = followed_redirects::compile(wire.redirects, regions, path, mistakes);
    let url = wire.url?;
    if wire.tls.is_written() && url.scheme() == Scheme::Http {
        let message = "the URL is plain `http`; write `https` or leave `tls` out";
        mistakes.add(&path.key("tls"), message);
    }
    if wire.connect_proxy.is_some() && followed_redirects.any_followed() {
        let message = "redirects that are followed do not go through such a proxy; write `redirect_handling: pass`, or leave this out";
        mistakes.add(&path.key("connect_proxy"), message);
    }
    check_upload_paths(&wire.upload_paths, &url, &path.key("upload_paths"), mistakes);
    let cluster = wire.cluster.unwrap_or_else(|| wire.name.clone());
    Some(Backend {
        owner_cluster: wire.owner_cluster.unwrap_or_else(|| clusters::owner(&cluster)),
        cluster,
        names: NameMapping::new(wire.names),
        tls: compile_tls(wire.tls, url.host(), path, mistakes),
        auth: auth::backend_auth(wire.auth, &wire.name),
        auth_domain: facts.auth_domain,
        credential: wire.credential,
        followed_redirects,
        upload_paths: wire.upload_paths,
        connect_proxy: wire.connect_proxy,
        key: wire.name.clone(),
        resilience: wire.resilience,
        name: wire.name,
        url,
    })
}

#[inline(never)]
pub(crate) fn compile_tls(wire: TlsWire, host: &str, path: &Path<'_>, mistakes: &Mistakes) -> Tls {
    let client = match (wire.certificate_file, wire.key_file) {
        (Some(certificate_file), Some(key_file)) => {
            Some(Certificate { certificate_file, key_file })
        }
        (None, None) => None,
        _ => {
            let message =
                "a certificate goes with its key; write `certificate_file` and `key_file`";
            mistakes.add(&path.key("tls"), message);
            None
        }
    };
    let server_name = wire.server_name.unwrap_or_else(|| host.to_owned());
    Tls { server_name, ca_file: wire.ca_file, client }
}

/// What is below such a path is not looked at: no name of a repository is known to be in it.
fn check_upload_paths(
    paths: &[UploadPath],
    url: &BackendUrl,
    place: &Path<'_>,
    mistakes: &Mistakes,
) {
    for (index, path) in paths.iter().enumerate().filter(|(_, path)| path.meets_the_api(url)) {
        let message = format!(
            "`{}` is where the API of a registry is, `/v2/`, or above it; write the path outside of it \
             that the registry goes on with uploads at",
            path.as_str()
        );
        mistakes.add(&place.item(index), message);
    }
}

/// Two rewrites with the same prefix on either side cannot be undone without guessing.
fn check_rewrites(rewrites: &[NameRewrite], path: &Path<'_>, mistakes: &Mistakes) {
    let mut front = Once::new(mistakes);
    let mut backend = Once::new(mistakes);
    for (index, rewrite) in rewrites.iter().enumerate() {
        let item = path.item(index);
        let place = format!("names[{index}]");
        let what = |prefix| format!("the prefix `{prefix}`");
        front.claim(&rewrite.front, &place, &what(&rewrite.front), &item.key("front"));
        backend.claim(&rewrite.backend, &place, &what(&rewrite.backend), &item.key("backend"));
    }
}
