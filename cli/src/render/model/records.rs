//! The logs and metrics of requests.

use crate::render::collector::Collector;
use crate::render::options::{AccessLog, Options};

/// What the options say of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::render) struct Records<'p> {
    /// Where the access log goes.
    pub(in crate::render) access_log: &'p AccessLog,
    /// Who is sent spans of requests; nobody if there is none.
    pub(in crate::render) collector: Option<&'p Collector>,
    /// Of how many requests without a trace of their own there are spans, in percent.
    pub(in crate::render) tracing_sample: u8,
    /// Whether requests and attempts are counted: where somebody may read the numbers, the filter notes what
    /// Envoy cannot know, and this Envoy has what counts.
    pub(in crate::render) counts: bool,
    /// Whether clients are located by a database, whose numbers have a name of their own; or may be by the next
    /// policy, while Envoy goes on running.
    pub(in crate::render) may_locate: bool,
    /// The fingerprint of the policy.
    pub(in crate::render) policy: &'p str,
    /// Whether another policy may be served while Envoy goes on running.
    pub(in crate::render) is_changed_while_envoy_runs: bool,
}

impl<'p> Records<'p> {
    /// What the options say.
    pub(in crate::render) fn of(options: &'p Options) -> Self {
        let is_changed_while_envoy_runs = options.target.is_changed_while_envoy_runs();
        Self {
            access_log: &options.access_log,
            collector: options.tracing.as_ref(),
            tracing_sample: options.tracing_sample,
            counts: options.metrics.is_some() && options.filter.is_some() && options.envoy.counts(),
            may_locate: options.geoip_database.is_some() || is_changed_while_envoy_runs,
            policy: &options.policy,
            is_changed_while_envoy_runs,
        }
    }
}
