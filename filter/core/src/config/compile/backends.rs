//! Backends: one cluster each, unambiguous name rewrites, TLS settings that make sense.

use super::Once;
use crate::config::backend::{Backend, Tls};
use crate::config::backend_url::Scheme;
use crate::config::mistake::{Mistakes, Path};
use crate::config::name_mapping::{NameMapping, NameRewrite};
use crate::config::wire::BackendWire;

pub(super) fn compile(wire: Option<Vec<BackendWire>>, mistakes: &Mistakes) -> Option<Vec<Backend>> {
    let root = Path::Root.key("backends");
    if wire.as_ref().is_some_and(Vec::is_empty) {
        mistakes.add(&root, "there is no backend; write at least one with its `url`");
    }
    let mut clusters = Once::new(mistakes);
    let mut all = Some(Vec::new());
    for backend in wire.into_iter().flatten() {
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
        check_rewrites(&backend.names, &path.key("names"), mistakes);
        match (compile_one(backend, &path, mistakes), &mut all) {
            (Some(backend), Some(list)) => list.push(backend),
            _ => all = None,
        }
    }
    all
}

fn compile_one(wire: BackendWire, path: &Path<'_>, mistakes: &Mistakes) -> Option<Backend> {
    let url = wire.url?;
    let has_tls = wire.ca_file.is_some() || wire.server_name.is_some();
    if has_tls && url.scheme() == Scheme::Http {
        let message = "the URL is plain `http`; write `https` or leave `tls` out";
        mistakes.add(&path.key("tls"), message);
    }
    let server_name = wire.server_name.unwrap_or_else(|| url.host().to_owned());
    let cluster = wire.cluster.unwrap_or_else(|| wire.name.clone());
    Some(Backend {
        owner_cluster: wire.owner_cluster.unwrap_or_else(|| format!("{cluster}@owner")),
        cluster,
        name: wire.name,
        names: NameMapping::new(wire.names),
        tls: Tls { server_name, ca_file: wire.ca_file },
        resilience: wire.resilience,
        url,
    })
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
