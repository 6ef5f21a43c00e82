//! The host of a request that names none.

use portolan_core::config::Config;

/// The canonical host of the first front: the one that a bare path means.
pub(super) fn first_host(config: &Config) -> Vec<u8> {
    let host = config.fronts().all().first().and_then(|front| front.hosts().first());
    host.map(|host| host.as_str().as_bytes().to_vec()).unwrap_or_default()
}
