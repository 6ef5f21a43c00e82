//! The backends whose redirects the proxy follows, and the way to the hosts that they lead to.

use portolan_core::config::{Backend, Config, Scheme};

use super::groups::Groups;
use crate::options::{FilterFile, Options};

/// A backend whose redirects are followed, for anybody.
pub(crate) struct Followed<'p> {
    /// The backend.
    pub(crate) backend: &'p Backend,
    /// How the clusters of its redirects are reached: always over TLS, and without it where the
    /// attempt phase may go without it.
    pub(crate) schemes: Vec<Scheme>,
    /// Which addresses the hosts may have.
    pub(crate) addresses: Addresses,
    /// Whether other backends can be asked where nothing is delivered.
    pub(crate) is_in_a_group: bool,
    /// The filter. Without it nobody says where to.
    pub(crate) file: &'p FilterFile,
}

/// Which addresses a host may have that a redirect leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Addresses {
    /// Any.
    Any,
    /// Only such that everybody reaches: whoever writes a name server's answers could otherwise
    /// have the proxy ask whatever it reaches, such as the cloud's own service for secrets.
    Public,
}

/// All of them; none without the filter.
pub(super) fn with_clusters<'p>(config: &'p Config, options: &'p Options) -> Vec<Followed<'p>> {
    let Some(file) = &options.filter else { return Vec::new() };
    let groups = Groups::of(config);
    let all = followed(config).map(|backend| Followed {
        backend,
        schemes: schemes(backend).collect(),
        addresses: addresses(backend),
        is_in_a_group: groups.any_has(backend),
        file,
    });
    all.collect()
}

/// The backends whose redirects are followed, for anybody.
pub(super) fn followed(config: &Config) -> impl Iterator<Item = &Backend> {
    config.backends().iter().filter(|backend| backend.followed_redirects().any_followed())
}

/// Whether redirects are followed at all.
pub(super) fn are_followed(config: &Config, options: &Options) -> bool {
    options.filter.is_some() && config.follows_redirects()
}

fn schemes(backend: &Backend) -> impl Iterator<Item = Scheme> {
    let plain =
        backend.url().scheme() == Scheme::Http && backend.followed_redirects().private_addresses();
    [Some(Scheme::Https), plain.then_some(Scheme::Http)].into_iter().flatten()
}

fn addresses(backend: &Backend) -> Addresses {
    if backend.followed_redirects().private_addresses() {
        Addresses::Any
    } else {
        Addresses::Public
    }
}
