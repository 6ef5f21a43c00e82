//! The access logger that counts requests and attempts.

use serde_json::{Value, json};

use super::super::typed::{extension, object};

/// With what the names of these metrics begin in Envoy. It takes the first word off where it shows
/// them to Prometheus: a namespace for what modules count, which is there as soon as a module is.
pub(super) const PREFIX: &str = "wasmcustom.portolan";

/// A logger of these counters, histograms and gauges.
pub(super) fn logger(stats: &Value) -> Value {
    extension(
        "envoy.access_loggers.stats",
        "extensions.access_loggers.stats.v3.Config",
        object([json!({"stat_prefix": PREFIX}), stats.clone()]),
    )
}
