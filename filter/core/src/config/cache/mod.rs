//! A shared cache: nodes near the clients of a region that keep content by its digest.

pub(crate) mod compile;
pub(crate) mod fields;
pub(crate) mod wire;

use std::time::Duration;

use ipnet::IpNet;

use crate::config::auth::BackendAuth;
use crate::config::backend::followed_redirects::FollowedRedirects;
use crate::config::backend::resilience::Resilience;
use crate::config::backend::{Backend, Certificate, Tls};
use crate::config::backend_url::BackendUrl;
use crate::config::ids::BackendId;
use crate::config::name_mapping::NameMapping;
use crate::contract::{Fingerprint, clusters, with_fingerprint};

/// A cache of the policy. In a chain it stands before the registries, as one more member of the
/// list; it is no registry, and no part of what their answers mean.
#[derive(Clone, Debug)]
pub struct Cache {
    pub(crate) name: String,
    pub(crate) member: BackendId,
    pub(crate) nodes: Vec<BackendUrl>,
    pub(crate) fill_from: Vec<IpNet>,
    pub(crate) tls: Option<CacheTls>,
    pub(crate) known: Known,
}

/// What Envoys and the nodes of a cache show each other. The paths are the same on all machines;
/// each machine has a certificate of its own there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheTls {
    /// A PEM file of the CA certificates by which each verifies the other.
    pub ca_file: String,
    /// What is shown, by whoever connects as well as by whoever is connected to.
    pub own: Certificate,
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

impl CacheTls {
    fn files(&self) -> [&str; 3] {
        [&self.ca_file, &self.own.certificate_file, &self.own.key_file]
    }
}

impl Cache {
    /// The policy's name of a cache, where a link of a chain is one.
    pub(crate) fn name_in_chain(link: &str) -> Option<&str> {
        link.strip_prefix(clusters::CACHE)
    }

    /// Whether nodes check and keep content whose digest is of this algorithm.
    #[must_use]
    pub fn keeps(algorithm: &str) -> bool {
        algorithm == "sha256"
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

    /// What Envoys and nodes show each other; `None` without TLS between them.
    #[must_use]
    pub const fn tls(&self) -> Option<&CacheTls> {
        self.tls.as_ref()
    }

    /// How a node is verified, and what is shown to it.
    #[must_use]
    pub fn tls_to(&self, node: &BackendUrl) -> Tls {
        let tls = self.tls.as_ref();
        Tls {
            server_name: node.host().to_owned(),
            ca_file: tls.map(|tls| tls.ca_file.clone()),
            client: tls.map(|tls| tls.own.clone()),
        }
    }

    /// How it is known which repository has which content.
    #[must_use]
    pub const fn known(&self) -> Known {
        self.known
    }

    /// The member of lists; `None` for a cache without nodes. Nothing is shown to it, its redirects
    /// are nobody's.
    pub(crate) fn as_member(&self, has_fingerprint: bool) -> Option<Backend> {
        let url = self.nodes.first()?.clone();
        let name = clusters::cache(&self.name);
        let key = if has_fingerprint {
            let files = self.tls.iter().flat_map(CacheTls::files).map(str::to_owned);
            let all = self.nodes.iter().map(BackendUrl::origin).chain(files);
            with_fingerprint(&name, Fingerprint::of(all))
        } else {
            name.clone()
        };
        Some(Backend {
            cluster: key.clone(),
            owner_cluster: key.clone(),
            tls: self.tls_to(&url),
            names: NameMapping::default(),
            resilience: Resilience::default(),
            auth: BackendAuth::Open,
            auth_domain: None,
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
