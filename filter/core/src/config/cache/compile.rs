//! Caches: nodes that are known by their addresses, and their places in chains.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::config::auth::Readers;
use crate::config::backend::Backend;
use crate::config::backend_url::{BackendUrl, Scheme};
use crate::config::cache::{Cache, CacheTls};
use crate::config::compile::access::FrontKinds;
use crate::config::compile::names::{Once, unknown};
use crate::config::compile::scope::Scope;
use crate::config::ids::BackendId;
use crate::config::mistake::{Mistakes, Path};
use crate::config::wire::{CacheWire, LinkWire};

/// All caches. They are members of lists behind the last of so many backends.
#[inline(never)]
pub(crate) fn compile(
    wire: Option<&[CacheWire]>,
    backends: usize,
    mistakes: &Mistakes,
) -> Vec<Cache> {
    let root = Path::Root.key("caches");
    let mut urls = Once::new(mistakes);
    let first = u32::try_from(backends).unwrap_or(u32::MAX);
    let ids = (first..).map(BackendId::new);
    let compile_one = |(cache, member): (&CacheWire, BackendId)| {
        let path = root.key(&cache.name);
        let nodes_path = path.key("nodes");
        let written = cache.nodes.iter().enumerate();
        for (index, url) in written.filter_map(|(index, url)| Some((index, url.as_ref()?))) {
            let what = format!("the node `{}`", url.origin());
            urls.claim(url.origin(), &cache.name, &what, &nodes_path.item(index));
        }
        let nodes: Vec<BackendUrl> = cache.nodes.iter().flatten().cloned().collect();
        let addresses: Option<Vec<IpNet>> = nodes.iter().map(address).collect();
        let fill_from = match (cache.fill_from.clone(), addresses) {
            (fill_from, _) if !fill_from.is_empty() => fill_from,
            (_, Some(addresses)) => addresses,
            (written, None) => {
                let message = "has nodes that are known by name, so it has to say from which addresses they ask \
                     when they are filled; write `fill_from: [PREFIX]`";
                mistakes.add(&path, message);
                written
            }
        };
        check_schemes(cache, &nodes_path, mistakes);
        let tls = cache.tls.clone();
        Cache { name: cache.name.clone(), member, nodes, fill_from, tls, known: cache.known }
    };
    check_one_listener(wire.unwrap_or_default(), &root, mistakes);
    wire.unwrap_or_default().iter().zip(ids).map(compile_one).collect()
}

/// TLS goes with certificates for both sides, or not at all.
fn check_schemes(cache: &CacheWire, nodes: &Path<'_>, mistakes: &Mistakes) {
    for (index, url) in cache.nodes.iter().enumerate() {
        let message = match (url.as_ref().map(BackendUrl::scheme), cache.has_tls) {
            (Some(Scheme::Https), false) => {
                "is `https`, and a node and an Envoy show each other certificates there; write `tls: {ca_file: PATH, \
                 certificate_file: PATH, key_file: PATH}` beside `nodes`, or `http`"
            }
            (Some(Scheme::Http), true) => {
                "is `http`, and the cache has `tls`; write `https`, or leave `tls` out"
            }
            _ => continue,
        };
        mistakes.add(&nodes.item(index), message);
    }
}

/// One listener fills all caches, and shows one certificate.
fn check_one_listener(caches: &[CacheWire], root: &Path<'_>, mistakes: &Mistakes) {
    let with_tls = |cache: &CacheWire| Some((cache.name.clone(), cache.tls.clone()?));
    let mut all = caches.iter().filter_map(with_tls);
    let Some((first, shown)): Option<(String, CacheTls)> = all.next() else { return };
    for (name, _) in all.filter(|(_, tls)| *tls != shown) {
        let message = format!(
            "names other files than that of the cache `{first}`, and one listener fills both; write the same"
        );
        mistakes.add(&root.key(&name).key("tls"), message);
    }
}

/// The address that a node has in the policy.
fn address(url: &BackendUrl) -> Option<IpNet> {
    url.host().parse::<IpAddr>().ok().map(IpNet::from)
}

/// The members of lists that stand for the caches, in their order.
pub(crate) fn members(caches: &[Cache], have_fingerprints: bool) -> Vec<Backend> {
    caches.iter().filter_map(|cache| cache.as_member(have_fingerprints)).collect()
}

/// What the rule around a chain says about who may have its content.
pub(crate) struct Audience<'a> {
    pub(crate) readers: Option<&'a Readers>,
    pub(crate) kinds: FrontKinds,
}

impl Scope<'_> {
    /// The cache at the head of a chain; one that stands elsewhere, or that nobody may be served
    /// from, is a mistake.
    pub(crate) fn cache(
        &self,
        chain: &[LinkWire],
        audience: &Audience<'_>,
        path: &Path<'_>,
    ) -> Option<BackendId> {
        let named: Vec<(usize, &str, &LinkWire)> = chain
            .iter()
            .enumerate()
            .filter_map(|(index, link)| Some((index, Cache::name_in_chain(&link.backend)?, link)))
            .collect();
        let (index, first, link) = *named.first()?;
        for (index, ..) in named.iter().filter(|(index, ..)| *index > 0) {
            let message = "is a cache, which is asked before any registry; write one at most, as the first of the chain";
            self.mistakes.add(&path.item(*index), message);
        }
        if named.len() == chain.len() {
            let message =
                "has nobody behind the cache; write the registries that the content comes from";
            self.mistakes.add(path, message);
        }
        if link.share.is_some() {
            let message = "is a cache, and has no `share`; write its name alone";
            self.mistakes.add(&path.item(index), message);
        }
        self.check_audience(audience, &path.item(index));
        let Some(position) = self.caches.get(first) else {
            self.mistakes.add(&path.item(index), unknown("cache", first, self.caches));
            return None;
        };
        let places = self.drained_backends.len();
        u32::try_from(places).ok()?.checked_add(*position).map(BackendId::new)
    }

    /// A cache has no say in who may read. So the proxy has to know.
    fn check_audience(&self, audience: &Audience<'_>, path: &Path<'_>) {
        let FrontKinds { upstream, managed, basic } = audience.kinds;
        if audience.readers.is_none() {
            let message = "is a cache, which serves content without asking a registry, so the rule has to say for \
                 whom; write `readers: anyone`, `readers: authenticated` or `readers: {networks: [LABEL]}`";
            self.mistakes.add(path, message);
        } else if upstream && !managed && !basic {
            let message = "is a cache, and what the clients of these fronts may read is between them and the \
                 registries, so that none of their requests would go to it; leave it out, or let the \
                 proxy hold the credentials (`auth: managed` or `basic` at a front)";
            self.mistakes.add(path, message);
        }
    }
}
