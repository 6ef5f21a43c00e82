//! Checks that the proxy is not one of its own backends or services.
//!
//! One request to a backend that is a front makes the next, until nothing is left to make them
//! with.

use crate::config::auth::{BackendAuth, FrontAuth};
use crate::config::backend::Backend;
use crate::config::backend_url::BackendUrl;
use crate::config::blob_store::BlobStore;
use crate::config::front::host::FrontHost;
use crate::config::front::{Front, Fronts};
use crate::config::mistake::Mistakes;
use crate::config::wire::FrontWire;

/// Refuses every URL that leads back to a front. `written` says which backends were made for an
/// upstream.
#[inline(never)]
pub(super) fn refuse(
    fronts: &Fronts,
    written: Option<&[FrontWire]>,
    backends: &[Backend],
    stores: &[BlobStore],
    mistakes: &Mistakes,
) {
    let written = written.unwrap_or_default();
    for backend in backends {
        if let Some(front) = front_at(fronts, backend.url()) {
            let message = format!(
                "`{}` is a host of the front `{}`, so each request would come back here and be sent again; \
                 write the address that the registry has without the front",
                backend.url().authority(),
                front.name()
            );
            mistakes.add_at(&place_of_url(written, backend.name()), message);
        }
        if let BackendAuth::Token(service) = backend.auth()
            && let Some(realm) = service.realm()
            && let Some(front) = front_at(fronts, realm.origin())
            && is_own(realm.target(), &["/portolan", "/v2"])
        {
            let message =
                told(front, "asked for tokens", "the URL of the registry's own token service");
            mistakes.add_at(&["backends", backend.name(), "auth", "token", "realm"], message);
        }
    }
    for front in fronts.all() {
        if let FrontAuth::Basic(verifier) = front.auth()
            && let Some(asked) = front_at(fronts, verifier.url())
            && matches!(asked.auth(), FrontAuth::Basic(_))
        {
            let message =
                told(asked, "asked about passwords", "the URL of the service that knows them");
            mistakes.add_at(&["fronts", front.name(), "auth", "basic", "verifier"], message);
        }
    }
    for store in stores {
        if let Some(front) = front_at(fronts, store.url().origin())
            && store.url().begins_with("/v2/")
        {
            let message = told(front, "asked for blobs", "the URL of the store itself");
            mistakes.add_at(&["blob_stores", store.name(), "url"], message);
        }
    }
}

fn told(front: &Front, asked: &str, wanted: &str) -> String {
    let name = front.name();
    format!("the front `{name}` would be {asked}, and would have to ask in turn; write {wanted}")
}

/// The front that a URL leads to, by its host and port. The ports 80 and 443 are one, as they are
/// for clients' requests.
fn front_at<'f>(fronts: &'f Fronts, url: &BackendUrl) -> Option<&'f Front> {
    let host = FrontHost::of_authority(url.authority().as_bytes())?;
    fronts.get(*fronts.by_host.get(&host)?)
}

/// Whether a front itself answers for a path, be the front not all of what is at its host.
fn is_own(target: &str, starts: &[&str]) -> bool {
    let below = |start: &&str| {
        let rest = target.strip_prefix(*start);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
    };
    starts.iter().any(below)
}

/// Where the URL of a backend is written: with the upstream that it was made for, or as its own.
fn place_of_url<'p>(fronts: &'p [FrontWire], backend: &'p str) -> Vec<&'p str> {
    for front in fronts {
        let mut upstreams = front.upstreams.iter().flatten();
        if upstreams.any(|upstream| upstream.has_backend && upstream.name == backend) {
            return vec!["fronts", &front.name, "upstreams", backend, "backend"];
        }
    }
    vec!["backends", backend, "url"]
}
