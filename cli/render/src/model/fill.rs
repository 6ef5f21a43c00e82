//! The listener that fills the caches of a policy.

use std::net::SocketAddr;

use portolan_core::config::Config;

/// The same policy without caches in its chains, at a listener of its own.
#[derive(Clone, Debug)]
pub(crate) struct Fill {
    /// Where nodes ask.
    pub(crate) address: SocketAddr,
    /// What its filter reads.
    pub(crate) json: String,
    /// The policy.
    pub(crate) config: Config,
}
