//! The compiled policy.

use crate::config::auth::Credential;
use crate::config::auth_domains::AuthDomains;
use crate::config::backend::Backend;
use crate::config::backend_list::BackendList;
use crate::config::blob_store::BlobStore;
use crate::config::cache::Cache;
use crate::config::clients::Clients;
use crate::config::front::Fronts;
use crate::config::ids::{BackendId, ListId, StoreId};
use crate::config::published::Published;
use crate::config::regions::Regions;
use crate::config::rule::Rules;
use crate::config::rule::chain::Chain;
use crate::config::rule::client_redirects::ClientRedirects;
use crate::contract::Fingerprint;

/// A compiled policy.
#[derive(Clone, Debug)]
pub struct Config {
    pub(super) fronts: Fronts,
    /// The registries, and behind them the members of lists that stand for caches.
    pub(super) backends: Vec<Backend>,
    /// How many of them are registries.
    pub(super) registries: usize,
    pub(super) caches: Vec<Cache>,
    pub(super) fills_caches: bool,
    pub(super) blob_stores: Vec<BlobStore>,
    pub(super) credentials: Vec<Credential>,
    pub(super) auth_domains: AuthDomains,
    pub(super) regions: Regions,
    pub(super) published: Vec<Published>,
    pub(super) clients: Clients,
    pub(super) rules: Rules,
    pub(super) lists: Vec<BackendList>,
    pub(super) fingerprint: Option<Fingerprint>,
}

impl Config {
    /// Which policy it is: the fingerprint of the JSON that it was read from, if it was.
    #[must_use]
    pub const fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint
    }

    /// The public hostnames.
    #[must_use]
    pub const fn fronts(&self) -> &Fronts {
        &self.fronts
    }

    /// All backends in the order of the policy.
    #[must_use]
    pub fn backends(&self) -> &[Backend] {
        self.backends.get(..self.registries).unwrap_or_default()
    }

    /// All caches in the order of the policy.
    #[must_use]
    pub fn caches(&self) -> &[Cache] {
        &self.caches
    }

    /// The cache that a member of a list is; `None` for a registry.
    #[must_use]
    pub fn cache(&self, member: BackendId) -> Option<&Cache> {
        self.caches.get(member.index().checked_sub(self.registries)?)
    }

    /// The cache with a node of this name.
    #[must_use]
    pub fn cache_of_node(&self, name: &str) -> Option<&Cache> {
        self.caches.iter().find(|cache| cache.node_names().any(|node| node == name))
    }

    /// Whether this filter answers the nodes of caches, and nobody else.
    #[must_use]
    pub const fn fills_caches(&self) -> bool {
        self.fills_caches
    }

    /// A backend by its id, or the member of lists that stands for a cache.
    #[must_use]
    pub fn backend(&self, id: BackendId) -> Option<&Backend> {
        self.backends.get(id.index())
    }

    /// All blob stores in the order of the policy.
    #[must_use]
    pub fn blob_stores(&self) -> &[BlobStore] {
        &self.blob_stores
    }

    /// A blob store by its id.
    #[must_use]
    pub fn blob_store(&self, id: StoreId) -> Option<&BlobStore> {
        self.blob_stores.get(id.index())
    }

    /// The credentials of the proxy's own, without what they are.
    #[must_use]
    pub fn credentials(&self) -> &[Credential] {
        &self.credentials
    }

    /// Whether the proxy follows any backend's redirects, for any region.
    #[must_use]
    pub fn follows_redirects(&self) -> bool {
        self.backends.iter().any(|backend| backend.followed_redirects().any_followed())
    }

    /// Whether it depends on how the backends are where some client is sent.
    #[must_use]
    pub fn redirects_by_health(&self) -> bool {
        let has_choice = |id| self.list(id).is_some_and(|list| list.backends().len() > 1);
        self.rules.all().iter().any(|rule| {
            rule.client_redirects().is_some_and(ClientRedirects::sends_to_backends)
                && rule.chains.iter().flat_map(Chain::every_list).any(has_choice)
        })
    }

    /// Who mints or checks what clients send.
    #[must_use]
    pub const fn auth_domains(&self) -> &AuthDomains {
        &self.auth_domains
    }

    /// Every list of backends that a request may go to, each once.
    #[must_use]
    pub fn lists(&self) -> &[BackendList] {
        &self.lists
    }

    /// A list by its id.
    #[must_use]
    pub fn list(&self, id: ListId) -> Option<&BackendList> {
        self.lists.get(id.index())
    }

    /// The groups of clients and how a client is found in them.
    #[must_use]
    pub const fn regions(&self) -> &Regions {
        &self.regions
    }

    /// Of which day the networks are that a program wrote.
    #[must_use]
    pub fn published(&self) -> &[Published] {
        &self.published
    }

    /// Where the facts about a client come from.
    #[must_use]
    pub const fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Which repositories have which chains and owner.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }
}
