//! Blob stores: a cluster each, and TLS settings that make sense.

use crate::config::backend::compile::compile_tls;
use crate::config::backend_url::Scheme;
use crate::config::blob_store::BlobStore;
use crate::config::compile::names::Once;
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::BlobStoreWire;
use crate::contract::clusters;

/// All stores; `None` only together with a mistake.
#[inline(never)]
pub(crate) fn compile(
    wire: Option<Vec<BlobStoreWire>>,
    mistakes: &Mistakes,
) -> Option<Vec<BlobStore>> {
    let root = Path::Root.key("blob_stores");
    let mut clusters = Once::new(mistakes);
    let mut all = Some(Vec::new());
    for store in wire.into_iter().flatten() {
        let name = store.name.clone();
        let path = root.key(&name);
        if name == "none" {
            let message = "`none` is the word for no store; write another name";
            mistakes.add(&path, message);
        }
        if let Some(cluster) = &store.cluster {
            let what = format!("the cluster `{cluster}`");
            clusters.claim(cluster.clone(), &name, &what, &path.key("cluster"));
        }
        match (compile_one(store, &path, mistakes), &mut all) {
            (Some(store), Some(list)) => list.push(store),
            _ => all = None,
        }
    }
    all
}

#[inline(never)]
fn compile_one(wire: BlobStoreWire, path: &Path<'_>, mistakes: &Mistakes) -> Option<BlobStore> {
    let url = wire.url?;
    if wire.tls.is_written() && url.origin().scheme() == Scheme::Http {
        let message = "the URL is plain `http`; write `https` or leave `tls` out";
        mistakes.add(&path.key("tls"), message);
    }
    if wire.tls.certificate_file.is_some() || wire.tls.key_file.is_some() {
        let message = "shows the store a certificate that clients who are sent there do not have; leave \
             `certificate_file` and `key_file` out";
        mistakes.add(&path.key("tls"), message);
    }
    let tls = compile_tls(wire.tls, url.origin().host(), path, mistakes);
    let cluster = wire.cluster.unwrap_or_else(|| clusters::blob_store(&wire.name));
    Some(BlobStore { name: wire.name, cluster, url, tls, probing: wire.probing })
}
