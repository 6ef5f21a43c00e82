//! A shared cache: nodes near the clients of a region that keep content by its digest.

use std::time::Duration;

use ipnet::IpNet;

use super::auth::BackendAuth;
use super::backend::{Backend, Tls};
use super::backend_url::BackendUrl;
use super::followed_redirects::FollowedRedirects;
use super::ids::BackendId;
use super::name_mapping::NameMapping;
use super::resilience::Resilience;
use crate::contract::{Fingerprint, clusters, with_fingerprint};

/// A cache of the policy. In a chain it stands before the registries, as one more member of the list; it is no
/// registry, and no part of what their answers mean.
#[derive(Clone, Debug)]
pub struct Cache {
    pub(crate) name: String,
    pub(crate) member: BackendId,
    pub(crate) nodes: Vec<BackendUrl>,
    pub(crate) fill_from: Vec<IpNet>,
    pub(crate) known: Known,
}

/// How it is known which repository has which content, and for how long that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// How long it is remembered that a repository has a digest.
    pub present: Duration,
    /// How long it is remembered that it has not.
    pub absent: Duration,
    /// How long a request waits for the answer; without one it goes to the registries.
    pub timeout: Duration,
    /// How many pairs of repository and digest each worker remembers.
    pub entries: usize,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            present: Duration::from_hours(24),
            absent: Duration::from_mins(1),
            timeout: Duration::from_secs(2),
            entries: 100_000,
        }
    }
}

impl Cache {
    /// The policy's name of a cache, where a link of a chain is one.
    pub(crate) fn name_in_chain(link: &str) -> Option<&str> {
        link.strip_prefix(clusters::CACHE)
    }

    /// The name in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The member of lists that stands for it.
    #[must_use]
    pub const fn member(&self) -> BackendId {
        self.member
    }

    /// Where its nodes are. Which of them has a digest is Envoy's consistent hash.
    #[must_use]
    pub fn nodes(&self) -> &[BackendUrl] {
        &self.nodes
    }

    /// The names of its nodes, in their order: that of the cache, and a number from 1 on.
    pub fn node_names(&self) -> impl Iterator<Item = String> {
        (1..=self.nodes.len()).map(|number| format!("{}-{number}", self.name))
    }

    /// The prefixes that nodes ask from when they are filled.
    #[must_use]
    pub fn fill_from(&self) -> &[IpNet] {
        &self.fill_from
    }

    /// How it is known which repository has which content.
    #[must_use]
    pub const fn known(&self) -> Known {
        self.known
    }

    /// The member of lists; `None` for a cache without nodes. Nothing is shown to it, its redirects are nobody's.
    pub(crate) fn as_member(&self, has_fingerprint: bool) -> Option<Backend> {
        let url = self.nodes.first()?.clone();
        let name = clusters::cache(&self.name);
        let key = if has_fingerprint {
            with_fingerprint(&name, Fingerprint::of(self.nodes.iter().map(BackendUrl::origin)))
        } else {
            name.clone()
        };
        Some(Backend {
            cluster: key.clone(),
            owner_cluster: key.clone(),
            tls: Tls { server_name: url.host().to_owned(), ca_file: None, client: None },
            names: NameMapping::default(),
            resilience: Resilience::default(),
            auth: BackendAuth::Open,
            operator: None,
            credential: None,
            followed_redirects: FollowedRedirects::default(),
            upload_paths: Vec::new(),
            connect_proxy: None,
            key,
            name,
            url,
        })
    }
}
