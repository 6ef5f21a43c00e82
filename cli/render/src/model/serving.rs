//! The HTTP settings of one listener.

use std::num::NonZeroU16;

use portolan_core::config::{Backend, Clients, Config};

use super::client_address::ForwardedFor;
use super::client_headers::ClientHeaders;
use super::followed_redirects::{self, Followed, are_followed};
use super::fronts::Fronts;
use super::groups::Groups;
use super::needs::Needs;
use super::records::Records;
use super::time_limits::TimeLimits;
use super::upstream;
use crate::limits::Limits;
use crate::options::{FilterFile, Options};

/// What a connection manager and its routes are made of.
pub(crate) struct Serving<'p> {
    /// The filter; without it everything goes to the first backend.
    pub(crate) filter: Option<&'p FilterFile>,
    /// The filter of attempts, where there are such whose clusters have no filters themselves.
    pub(crate) attempts: Option<&'p FilterFile>,
    /// The policy as the filter reads it.
    pub(crate) policy_json: &'p str,
    /// What the policy says of clients: their limits, and who knows where they are.
    pub(crate) clients: &'p Clients,
    /// What becomes of headers that clients send.
    pub(crate) headers: ClientHeaders,
    /// Whose `X-Forwarded-For` is made into what Envoy reads.
    pub(crate) forwarded_for: ForwardedFor<'p>,
    /// The fronts.
    pub(crate) fronts: Fronts<'p>,
    /// The lists of backends.
    pub(crate) groups: Groups<'p>,
    /// The cluster that everything goes to without the filter.
    pub(crate) only_cluster: Option<&'p str>,
    /// Whether the answer of an only backend may be marked, by which a refused token is replaced.
    pub(crate) marks_of_one: bool,
    /// How long requests may stand still.
    pub(crate) time_limits: TimeLimits,
    /// Whether redirects of backends are followed at all.
    pub(crate) follows_redirects: bool,
    /// The backends whose redirects are followed.
    pub(crate) followed: Vec<Followed<'p>>,
    /// What the access log and the metrics have.
    pub(crate) needs: Needs,
    /// What is written and counted.
    pub(crate) records: Records<'p>,
    /// The path of the geographic database, if Envoy locates clients by one.
    pub(crate) geoip_database: Option<&'p str>,
    /// The port of HTTP/3 that answers tell clients of.
    pub(crate) http3: Option<NonZeroU16>,
    /// What Envoy takes from clients.
    pub(crate) limits: Limits,
}

impl<'p> Serving<'p> {
    /// How a policy is served; `policy_json` is the same policy as the filter reads it.
    pub(super) fn of(config: &'p Config, policy_json: &'p str, options: &'p Options) -> Self {
        let filter = options.filter.as_ref();
        let first = config.backends().first().filter(|_| filter.is_none());
        Self {
            filter,
            attempts: upstream::of_attempts(config, options),
            policy_json,
            clients: config.clients(),
            headers: ClientHeaders::of(config.clients()),
            forwarded_for: ForwardedFor::of(config.clients()),
            fronts: Fronts::of(config),
            groups: Groups::of(config),
            only_cluster: first.map(Backend::cluster),
            marks_of_one: filter.is_some() && upstream::marks_of_one(config),
            time_limits: TimeLimits::of(config),
            follows_redirects: are_followed(config, options),
            followed: followed_redirects::with_clusters(config, options),
            needs: Needs::of(config, options),
            records: Records::of(options),
            geoip_database: options.geoip_database.as_deref(),
            http3: options.http3,
            limits: options.limits,
        }
    }
}
