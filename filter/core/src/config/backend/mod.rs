//! A backend: one real registry.

pub(crate) mod compile;
pub(crate) mod fields;
pub(crate) mod followed_redirects;
pub(crate) mod resilience;
pub(crate) mod upload_path;
pub(crate) mod wire;

use crate::config::auth::BackendAuth;
use crate::config::backend::followed_redirects::FollowedRedirects;
use crate::config::backend::resilience::{HedgeAfter, Resilience};
use crate::config::backend::upload_path::UploadPath;
use crate::config::backend_url::BackendUrl;
use crate::config::ids::AuthDomainId;
use crate::config::name_mapping::NameMapping;

/// The hosts of Docker Hub, which allows so many pulls of an account or address in a time.
const DOCKER_HUB: [&str; 2] = ["registry-1.docker.io", "index.docker.io"];

/// A backend of the policy.
#[derive(Clone, Debug)]
pub struct Backend {
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) cluster: String,
    pub(crate) owner_cluster: String,
    pub(crate) url: BackendUrl,
    pub(crate) names: NameMapping,
    pub(crate) tls: Tls,
    pub(crate) resilience: Resilience,
    pub(crate) auth: BackendAuth,
    pub(crate) auth_domain: Option<AuthDomainId>,
    pub(crate) credential: Option<String>,
    pub(crate) followed_redirects: FollowedRedirects,
    pub(crate) upload_paths: Vec<UploadPath>,
    pub(crate) connect_proxy: Option<BackendUrl>,
}

/// How the certificate of an `https` backend is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tls {
    /// The name sent as SNI and looked for in the certificate.
    pub server_name: String,
    /// A PEM file of CA certificates; the system's own if there is none.
    pub ca_file: Option<String>,
    /// What the proxy shows of itself; most backends ask for nothing.
    pub client: Option<Certificate>,
}

/// A certificate that the proxy shows: to a backend, or to clients of a front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// A PEM file of the certificate and what leads from it to its CA.
    pub certificate_file: String,
    /// A PEM file of its key.
    pub key_file: String,
}

impl Backend {
    /// The name of the backend in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name, with the fingerprint of what it stands for where the policy has
    /// `cluster_fingerprints`: what the names of clusters are made of that stand for several
    /// backends, or for where redirects lead.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The Envoy cluster that reaches it.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// The Envoy cluster for what only the owner of a repository may answer.
    #[must_use]
    pub fn owner_cluster(&self) -> &str {
        &self.owner_cluster
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &BackendUrl {
        &self.url
    }

    /// How its repository names differ from the front's.
    #[must_use]
    pub fn names(&self) -> &NameMapping {
        &self.names
    }

    /// How much trouble of it is borne.
    #[must_use]
    pub const fn resilience(&self) -> &Resilience {
        &self.resilience
    }

    /// When the next backend of a list of two is asked too, where this one is the first.
    #[must_use]
    pub fn hedge_after(&self) -> HedgeAfter {
        self.resilience.hedge_after.unwrap_or(HedgeAfter::Usual)
    }

    /// Whether it is asked beside a first backend that has not begun its answer. Docker Hub counts
    /// requests, so it is only if the policy says when it is hedged itself.
    #[must_use]
    pub fn is_asked_early(&self) -> bool {
        match self.resilience.hedge_after {
            Some(after) => after != HedgeAfter::Never,
            None => !DOCKER_HUB.contains(&self.url.host()),
        }
    }

    /// What it wants to see of clients or of the proxy.
    #[must_use]
    pub const fn auth(&self) -> &BackendAuth {
        &self.auth
    }

    /// Who accepts what clients send to it; `None` if nothing of a client's is sent.
    #[must_use]
    pub const fn auth_domain(&self) -> Option<AuthDomainId> {
        self.auth_domain
    }

    /// The credential of the proxy's own for it, by name.
    #[must_use]
    pub fn credential(&self) -> Option<&str> {
        self.credential.as_deref()
    }

    /// What becomes of its redirects.
    #[must_use]
    pub const fn followed_redirects(&self) -> &FollowedRedirects {
        &self.followed_redirects
    }

    /// The proxy that is asked to connect to it and to its token service; `None` if it is reached
    /// directly.
    #[must_use]
    pub const fn connect_proxy(&self) -> Option<&BackendUrl> {
        self.connect_proxy.as_ref()
    }

    /// Where it goes on with uploads outside of its `/v2/`; nowhere, as a rule.
    #[must_use]
    pub fn upload_paths(&self) -> &[UploadPath] {
        &self.upload_paths
    }

    /// Whether an upload of a repository may go on at this path of it, outside of its `/v2/`.
    #[must_use]
    pub fn takes_uploads_at(&self, path: &[u8]) -> bool {
        self.upload_paths.iter().any(|allowed| allowed.covers(path))
    }

    /// How its certificate is verified; without meaning for an `http` URL.
    #[must_use]
    pub fn tls(&self) -> &Tls {
        &self.tls
    }
}
