//! A blob store: a bucket with blobs by digest, to which clients can be redirected.

pub(crate) mod compile;
pub(crate) mod fields;
pub(crate) mod url;
pub(crate) mod wire;

use std::time::Duration;

use crate::config::backend::Tls;
use crate::config::blob_store::url::BlobUrl;

/// A blob store of the policy. It holds blobs by their digests, for everybody, and knows no
/// repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlobStore {
    pub(crate) name: String,
    pub(crate) cluster: String,
    pub(crate) url: BlobUrl,
    pub(crate) tls: Tls,
    pub(crate) probing: Probing,
}

impl BlobStore {
    /// The name of the store in the policy.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Envoy cluster by which the proxy asks it what it has.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// Where a blob is.
    #[must_use]
    pub const fn url(&self) -> &BlobUrl {
        &self.url
    }

    /// How its certificate is verified; without meaning for an `http` URL.
    #[must_use]
    pub const fn tls(&self) -> &Tls {
        &self.tls
    }

    /// How it is asked what it has, and for how long that counts.
    #[must_use]
    pub const fn probing(&self) -> Probing {
        self.probing
    }
}

/// How a store is asked what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probing {
    /// How long a blob that is there counts as there.
    pub present: Duration,
    /// How long a blob that is not there counts as absent.
    pub absent: Duration,
    /// How often a store that clients are sent to is asked whether it is still well.
    pub recheck: Duration,
    /// How long one question may take.
    pub timeout: Duration,
    /// How many blobs each worker remembers.
    pub entries: usize,
}

impl Default for Probing {
    fn default() -> Self {
        Self {
            present: Duration::from_hours(24),
            absent: Duration::from_mins(1),
            recheck: Duration::from_secs(5),
            timeout: Duration::from_secs(1),
            entries: 100_000,
        }
    }
}
