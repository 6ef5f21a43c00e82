//! The logs and metrics of requests.

use crate::collector::Collector;
use crate::options::{AccessLog, Options};
use crate::rate_limit_service::RateLimitUrl;

/// What the options say of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Records<'p> {
    /// Where the access log goes.
    pub(crate) access_log: &'p AccessLog,
    /// Who is sent spans of requests; nobody if there is none.
    pub(crate) collector: Option<&'p Collector>,
    /// Who counts requests for several Envoys; nobody if there is none.
    pub(crate) rate_limit_service: Option<&'p RateLimitUrl>,
    /// Of how many requests without a trace of their own there are spans, in percent.
    pub(crate) tracing_sample: u8,
    /// Whether requests and attempts are counted: where somebody may read the numbers, the filter
    /// notes what Envoy cannot know, and this Envoy has what counts.
    pub(crate) counts: bool,
    /// Whether clients are located by a database, whose numbers have a name of their own; or may be
    /// by the next policy, while Envoy goes on running.
    pub(crate) may_locate: bool,
    /// The fingerprint of the policy.
    pub(crate) policy: &'p str,
    /// Whether another policy may be served while Envoy goes on running.
    pub(crate) is_changed_while_envoy_runs: bool,
}

impl<'p> Records<'p> {
    /// What the options say.
    pub(crate) fn of(options: &'p Options) -> Self {
        let is_changed_while_envoy_runs = options.target.is_changed_while_envoy_runs();
        Self {
            access_log: &options.access_log,
            collector: options.tracing.as_ref(),
            rate_limit_service: options.rate_limit_service.as_ref(),
            tracing_sample: options.tracing_sample,
            counts: options.metrics.is_some() && options.filter.is_some() && options.envoy.counts(),
            may_locate: options.geoip_database.is_some() || is_changed_while_envoy_runs,
            policy: &options.policy,
            is_changed_while_envoy_runs,
        }
    }
}
