//! The caches of a policy, and the listener that fills them.

use std::net::SocketAddr;

use portolan_core::config::{Backend, Cache, Config};

use super::fill::Fill;

/// What the clusters of caches are made of.
pub(crate) struct Caches<'p> {
    /// Each cache, and the member of lists that stands for it.
    pub(crate) all: Vec<(&'p Cache, &'p Backend)>,
    /// Where the listener is that fills them; there is none without caches.
    pub(crate) filled_at: Option<SocketAddr>,
}

impl<'p> Caches<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config, fill: Option<&Fill>) -> Self {
        let with_member = |cache: &'p Cache| Some((cache, config.backend(cache.member())?));
        Self {
            all: config.caches().iter().filter_map(with_member).collect(),
            filled_at: fill.map(|fill| fill.address),
        }
    }
}
