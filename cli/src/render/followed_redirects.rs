//! Whose redirects the proxy follows, and how it reaches where they lead.

use portolan_core::config::{Backend, Config, Scheme};

use super::options::Options;

/// The backends whose redirects are followed, for anybody.
pub(super) fn followed(config: &Config) -> impl Iterator<Item = &Backend> {
    config.backends().iter().filter(|backend| backend.redirects().any_followed())
}

/// Whether, and with it how, redirects are followed at all. Without the filter nobody says where to.
pub(super) fn are_followed(config: &Config, options: &Options) -> bool {
    options.filter.is_some() && config.follows_redirects()
}

/// How the clusters of a backend's redirects are reached: always over TLS, and without it where the
/// attempt phase may go without it.
pub(super) fn schemes(backend: &Backend) -> impl Iterator<Item = Scheme> {
    let plain = backend.url().scheme() == Scheme::Http && backend.redirects().private_addresses();
    [Some(Scheme::Https), plain.then_some(Scheme::Http)].into_iter().flatten()
}
