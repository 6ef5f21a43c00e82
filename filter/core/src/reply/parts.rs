//! The parts of every answer that the proxy makes itself.

use super::body::Body;
use crate::policy::Naming;

/// An answer that the proxy gives itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The OCI error code, or `ok`; for the record.
    pub code: &'static str,
    /// Header fields besides the content length.
    pub headers: Vec<(&'static str, String)>,
    /// The body, also for HEAD: the host sends only its length and type then (RFC 9110 section
    /// 9.3.2).
    pub body: Body,
}

/// The header that says that `ns` was understood, and as what (OCI distribution spec, "Registry
/// Proxying").
pub const NAMESPACE_HEADER: &str = "oci-namespace";

impl Reply {
    /// The answer with what it says about how the client named the registry.
    #[must_use]
    pub fn named(mut self, naming: &Naming) -> Self {
        self.headers.extend(naming.namespace().map(|value| (NAMESPACE_HEADER, value.to_owned())));
        self
    }
}

/// Old clients take a registry without this header for version 1.
pub(super) const API_VERSION: (&str, &str) = ("docker-distribution-api-version", "registry/2.0");
/// An error must not outlive its cause in a cache between the client and us.
pub(super) const NO_STORE: (&str, &str) = ("cache-control", "no-store");

/// How long a client should wait, in seconds, before it asks again after an outage: health checks
/// and ejections need about that long to find a way around.
pub(super) const WAIT_AFTER_OUTAGE: u32 = 2;

pub(super) fn headers(more: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    let common = [("content-type", "application/json"), API_VERSION];
    let all = common.iter().chain(more);
    all.map(|(name, value)| (*name, (*value).to_owned())).collect()
}
