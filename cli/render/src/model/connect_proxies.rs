//! The HTTP proxies through which backends are reached.

use portolan_core::config::{Backend, BackendUrl, Config};

use crate::options::Target;

/// What makes tunnels to backends.
pub(crate) struct ConnectProxies<'p> {
    /// Whether the listener is needed that makes them: a backend is reached through a proxy, or one
    /// of the next policy may be.
    pub(crate) is_needed: bool,
    /// The proxies, each once.
    pub(crate) all: Vec<&'p BackendUrl>,
}

impl<'p> ConnectProxies<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config, target: Target) -> Self {
        let mut all: Vec<&BackendUrl> = Vec::new();
        for proxy in config.backends().iter().filter_map(Backend::connect_proxy) {
            if !all.iter().any(|known| known.authority() == proxy.authority()) {
                all.push(proxy);
            }
        }
        Self { is_needed: target == Target::Files || !all.is_empty(), all }
    }
}
