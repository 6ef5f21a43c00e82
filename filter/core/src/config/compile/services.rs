//! Checks that clusters for calls of the filter are not clusters for requests of clients.

use crate::config::auth::{BackendAuth, FrontAuth};
use crate::config::backend::Backend;
use crate::config::backend::followed_redirects::redirects_cluster;
use crate::config::backend_list::BackendList;
use crate::config::backend_url::Scheme;
use crate::config::blob_store::BlobStore;
use crate::config::front::Fronts;
use crate::config::mistake::Mistakes;
use crate::config::ordered::set;

/// Checks every cluster that only the filter calls: those of token services, verifiers and blob
/// stores.
///
/// The filter runs once more for each attempt of a cluster that clients' requests go through. A
/// call of the filter's own through such a cluster would enter it while it is at work, which ends
/// the worker's virtual machine and with it every request.
#[inline(never)]
pub(super) fn keep_apart(
    fronts: &Fronts,
    backends: &[Backend],
    stores: &[BlobStore],
    lists: &[BackendList],
    mistakes: &Mistakes,
) {
    let redirects = |backend: &Backend| {
        [Scheme::Https, Scheme::Http].map(|scheme| redirects_cluster(backend.key(), scheme))
    };
    let own = backends.iter().flat_map(|backend| [backend.cluster(), backend.owner_cluster()]);
    let names = own.chain(lists.iter().map(BackendList::cluster)).map(str::to_owned);
    let carried = set(names.chain(backends.iter().flat_map(redirects)));
    for (keys, cluster) in called(fronts, backends, stores) {
        if carried.contains(cluster) {
            let message = format!(
                "requests of clients go through the cluster `{cluster}`, and the filter with them, so \
                 that it cannot call anybody there; write the name of another one"
            );
            mistakes.add_at(&keys, message);
        }
    }
}

/// The clusters that only the filter calls, by where the policy names them.
fn called<'c>(
    fronts: &'c Fronts,
    backends: &'c [Backend],
    stores: &'c [BlobStore],
) -> impl Iterator<Item = (Vec<&'c str>, &'c str)> {
    let tokens = backends.iter().filter_map(|backend| match backend.auth() {
        BackendAuth::Token(service) => {
            Some((vec!["backends", backend.name(), "auth", "token", "cluster"], service.cluster()))
        }
        BackendAuth::Open | BackendAuth::Basic { .. } => None,
    });
    let verifiers = fronts.all().iter().filter_map(|front| match front.auth() {
        FrontAuth::Basic(verifier) => {
            Some((vec!["fronts", front.name(), "auth", "basic", "cluster"], verifier.cluster()))
        }
        FrontAuth::Managed | FrontAuth::Upstream { .. } => None,
    });
    let stores = stores.iter();
    let stores =
        stores.map(|store| (vec!["blob_stores", store.name(), "cluster"], store.cluster()));
    tokens.chain(verifiers).chain(stores)
}
