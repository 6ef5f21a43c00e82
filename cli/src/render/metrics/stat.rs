//! One counter, histogram or gauge in Envoy's words.

use portolan_core::record::metric::{Label, Metric};
use serde_json::{Value, json};

use super::labels::Tags;

/// How much a counter grows by.
#[derive(Clone, Copy)]
pub(super) enum Amount {
    One,
    /// By what a command of Envoy's access log says.
    Format(&'static str),
}

pub(super) fn counter(metric: &Metric, tags: Tags, amount: Amount) -> Value {
    match amount {
        Amount::One => json!({"stat": stat(metric, tags), "value_fixed": 1}),
        Amount::Format(format) => json!({"stat": stat(metric, tags), "value_format": format}),
    }
}

pub(super) fn histogram(metric: &Metric, tags: Tags, value: &str) -> Value {
    json!({"stat": stat(metric, tags), "unit": "Milliseconds", "value_format": value})
}

/// A gauge whose labels are constant and whose value is 1.
pub(super) fn gauge(metric: &Metric, labels: &[(Label, &str)]) -> Value {
    let tags: Vec<Value> = labels
        .iter()
        .map(|(label, value)| json!({"name": label.name(), "value_format": value}))
        .collect();
    json!({
        "stat": {"name": metric.name, "tags": tags},
        "value_fixed": 1,
        "set": {"log_type": "DownstreamStart"},
    })
}

fn stat(metric: &Metric, tags: Tags) -> Value {
    let tags: Vec<Value> = metric.labels.iter().map(|label| tags.of(*label)).collect();
    json!({"name": metric.name, "tags": tags})
}
