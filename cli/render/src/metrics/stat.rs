//! One counter, histogram or gauge in Envoy's configuration.

use portolan_core::record::metric::{Label, Metric};
use serde_json::{Value, json};

use super::labels::Tags;
use crate::typed::object;

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

/// For how long a gauge is 1.
#[derive(Clone, Copy)]
pub(super) enum Lasts {
    /// From the first request on.
    ForGood,
    /// While a request is under way: who asks sees 1, and 0 of what was so for earlier requests.
    WhileAsked,
}

/// A gauge whose value is 1, set when a request begins.
pub(super) fn gauge(metric: &Metric, labels: &[(Label, &str)], lasts: Lasts) -> Value {
    let tags: Vec<Value> = labels
        .iter()
        .map(|(label, value)| json!({"name": label.name(), "value_format": value}))
        .collect();
    let operation = match lasts {
        Lasts::ForGood => json!({"set": {"log_type": "DownstreamStart"}}),
        Lasts::WhileAsked => {
            json!({"add_subtract": {"add_log_type": "DownstreamStart", "sub_log_type": "DownstreamEnd"}})
        }
    };
    let stat = json!({"stat": {"name": metric.name, "tags": tags}, "value_fixed": 1});
    object([stat, operation])
}

/// A gauge that has the value that a command of Envoy's access log says when a request has ended.
pub(super) fn measured(metric: &Metric, tags: Tags, value: &str) -> Value {
    json!({
        "stat": stat(metric, tags),
        "value_format": value,
        "set": {"log_type": "DownstreamEnd"},
    })
}

fn stat(metric: &Metric, tags: Tags) -> Value {
    let tags: Vec<Value> = metric.labels.iter().map(|label| tags.of(*label)).collect();
    json!({"name": metric.name, "tags": tags})
}
