//! Doubts about where clients are sent.

use portolan_command::policy_file::{join, view};
use portolan_core::config::{BackendUrl, BlobStore, ClientRedirects, Config, Document};

use super::credentials::is_exposed;
use super::doubt::Doubt;
use super::near::is_near;
use super::used::links;

/// Every doubt about blob stores, and about backends that clients are sent to.
pub(super) fn doubts(config: &Config, rules: &[Document]) -> Vec<Doubt> {
    let stores = config.blob_stores().iter();
    let of_stores = stores.flat_map(|store| {
        [unused(config, store), badly_reached(store), relative_file(store)].into_iter().flatten()
    });
    of_stores.chain(out_of_reach(config, rules)).collect()
}

fn unused(config: &Config, store: &BlobStore) -> Option<Doubt> {
    let client_redirects = config.rules().all().iter().filter_map(|rule| rule.client_redirects());
    let mut used =
        client_redirects.flat_map(ClientRedirects::stores).filter_map(|id| config.blob_store(id));
    let message = "no rule sends anybody to this store; name it in a rule's `client_redirects.stores`, or take it out";
    (!used.any(|used| used.name() == store.name()))
        .then(|| (join("blob_stores", store.name()), message.to_owned()))
}

fn badly_reached(store: &BlobStore) -> Option<Doubt> {
    let url = store.url().origin();
    let path = join(&join("blob_stores", store.name()), "url");
    if is_near(url.host()) {
        return Some((path, near(url)));
    }
    let message = format!(
        "clients that came by `https` are sent to `{}` by `http`, which many refuse; write `https`",
        url.host()
    );
    is_exposed(url).then_some((path, message))
}

/// Envoy looks for it from where it was started, which is seldom where the policy is.
fn relative_file(store: &BlobStore) -> Option<Doubt> {
    let file = store.tls().ca_file.as_ref().filter(|file| !file.starts_with('/'))?;
    let path = join(&join(&join("blob_stores", store.name()), "tls"), "ca_file");
    let message = format!(
        "Envoy looks for `{file}` in the directory that it is started in; write the whole path, from \
         `/` on"
    );
    Some((path, message))
}

/// Backends that the proxy reaches and its clients may not.
fn out_of_reach(config: &Config, rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let client_redirects = view::field(rule, "client_redirects");
        if client_redirects.and_then(|written| view::field(written, "classes")).is_none() {
            continue;
        }
        let first = view::mapping(view::field(rule, "chains"));
        let mut first = first.iter().filter_map(|(_, chain)| links(chain).next());
        let near_one = first.find_map(|name| {
            let backend = config.backends().iter().find(|backend| backend.name() == name)?;
            is_near(backend.url().host()).then(|| near(backend.url()))
        });
        doubts.extend(
            near_one.map(|message| (format!("rules[{index}].client_redirects.classes"), message)),
        );
    }
    doubts
}

fn near(url: &BackendUrl) -> String {
    format!(
        "clients are sent to `{}`, which only this machine or its network reaches; write an address \
         that clients reach, unless all of them are near",
        url.host()
    )
}
