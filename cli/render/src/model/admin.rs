//! Access to the admin interface: clusters for the filter, metrics for scrapers.

use std::net::SocketAddr;

use portolan_core::config::Config;

use crate::options::{FilterKind, Options, Target};

/// What leads to the admin interface.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AdminAccess {
    /// Where the interface is.
    pub(crate) address: SocketAddr,
    /// Whether the filter asks Envoy for the health of backends.
    pub(crate) is_asked: bool,
    /// Whether the filter asks through a listener inside. The native module asks on Envoy's main
    /// thread, which has no such listener; nothing keeps a native module from the admin interface
    /// anyway.
    pub(crate) has_a_listener_inside: bool,
    /// Where metrics are scraped; nowhere if there is none.
    pub(crate) metrics: Option<SocketAddr>,
}

impl AdminAccess {
    /// What a policy needs of it.
    pub(super) fn of(config: &Config, options: &Options) -> Self {
        let is_asked = is_asked(config, options.target);
        let mut filter = options.filter.iter();
        let is_native = filter.any(|filter| filter.kind == FilterKind::Module);
        Self {
            address: options.admin,
            is_asked,
            has_a_listener_inside: is_asked && !is_native,
            metrics: options.metrics,
        }
    }
}

/// Whether the filter asks Envoy for the health of backends: a front shows it, something depends on
/// it, or the next policy may need it.
pub(super) fn is_asked(config: &Config, target: Target) -> bool {
    let mut fronts = config.fronts().all().iter();
    target == Target::Files
        || config.redirects_by_health()
        || fronts.any(|front| front.has_health() || front.ping_needs_all())
}
