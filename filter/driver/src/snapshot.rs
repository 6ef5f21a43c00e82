//! One policy, kept by the streams that began under it.

use portolan_core::config::regions::GeoSource;
use portolan_core::config::{Config, Front, GeoHeaders};

use crate::exchange::Exchange;

/// A policy, with what is taken out of it once. A stream keeps the one under which it began.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the policy")]
pub(crate) struct Snapshot {
    pub(crate) config: Config,
    /// The headers that carry geography.
    pub(crate) geo_headers: GeoHeaders,
    /// Whether any redirect is followed.
    pub(crate) follows: bool,
    /// Whether the access log has its country from here: where headers are believed from some only,
    /// and where further passes have the headers of others.
    pub(crate) notes_country: bool,
    /// Whether it depends on how the backends are where clients are sent.
    pub(crate) redirects_by_health: bool,
    /// Whether answers of any front name their backend.
    pub(crate) says_backend: bool,
    /// Whether an address can change anything; reading it costs.
    has_networks: bool,
}

impl Snapshot {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            geo_headers: config.clients().geo_headers(),
            follows: config.follows_redirects(),
            notes_country: config.follows_redirects()
                || config.regions().geo_source() == GeoSource::ProxyHeaders,
            redirects_by_health: config.redirects_by_health(),
            says_backend: config.fronts().all().iter().any(Front::says_backend),
            has_networks: !config.regions().networks().is_empty()
                || config.clients().refuses_networks(),
            config,
        }
    }

    /// The client's address, where it can change anything.
    pub(crate) fn address(&self, exchange: &dyn Exchange) -> Option<Vec<u8>> {
        self.has_networks.then(|| exchange.client_address()).flatten()
    }
}
