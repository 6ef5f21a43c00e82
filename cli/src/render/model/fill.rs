//! The listener that fills the caches of a policy.

use std::net::SocketAddr;

use portolan_core::config::Config;

/// The same policy without caches in its chains, at a listener of its own.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    /// Where nodes ask.
    pub(in crate::render) address: SocketAddr,
    /// What its filter reads.
    pub(in crate::render) json: String,
    /// The policy.
    pub(in crate::render) config: Config,
}
