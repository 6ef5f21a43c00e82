//! Metrics that Envoy counts for Portolan: one record for each request and one for each attempt.
//!
//! Envoy's stats access logger counts, so a request that no filter saw, or that ended while it was
//! carried, is counted like any other. What it cannot know, the filter has noted: region, front,
//! what the request is, and the backend that was passed over. [`portolan_core::record::metric`]
//! lists the metrics; how each label gets its values stands in [`labels`].

mod budget;
mod ends;
mod labels;
mod logger;
mod rules;
mod stat;
mod tags;

use portolan_core::record::metric::{
    ATTEMPTS, CACHE_FILL_BYTES, CACHE_FILLS, CACHE_REQUESTS, CACHE_SENT_BYTES, FALLBACKS,
    FIRST_BYTE, Label, METRICS, Metric, POLICY, REDIRECTS, REFUSALS_TOTAL, REQUEST_TIME, REQUESTS,
    SENT_BYTES, Shape,
};
use serde_json::{Value, json};

use super::access_log;
use super::model::needs::Needs;
use super::model::records::Records;
use super::typed::object;
use labels::{Subject, Tags};
use logger::{PREFIX, logger};
use stat::{Amount, Lasts};
pub(super) use tags::{of_clusters, of_names};

/// The access loggers of the listener for clients.
pub(super) fn of_requests(needs: Needs, records: Records<'_>) -> Vec<Value> {
    if !records.counts {
        return Vec::new();
    }
    let tags = Tags { follows: needs.follows_redirects, of: Subject::Requests };
    let once =
        if needs.follows_redirects { access_log::final_response_only() } else { Value::Null };
    let count = |metric| stat::counter(metric, tags, Amount::One);
    let mut counters = vec![count(&REQUESTS), stat::counter(&SENT_BYTES, tags, BYTES)];
    counters.extend(needs.falls_back.then(|| count(&FALLBACKS)));
    if needs.has_caches {
        counters.push(count(&CACHE_REQUESTS));
        counters.push(stat::counter(&CACHE_SENT_BYTES, tags, BYTES));
    }
    let histograms = json!([
        stat::histogram(&FIRST_BYTE, tags, &first_byte()),
        stat::histogram(&REQUEST_TIME, tags, "%DURATION%"),
    ]);
    let mut all =
        vec![object([logger(&json!({"counters": counters, "histograms": histograms})), once])];
    let refused = json!({"counters": [count(&REFUSALS_TOTAL)]});
    all.push(object([logger(&refused), status("GE", 400)]));
    if needs.redirects_clients {
        let redirected = json!({"counters": [count(&REDIRECTS)]});
        all.push(object([logger(&redirected), status("EQ", 307)]));
    }
    all.extend(budget::loggers(tags));
    all
}

const BYTES: Amount = Amount::Format("%BYTES_SENT%");

/// The access logger of the listener that fills caches.
pub(super) fn of_fills(needs: Needs, records: Records<'_>) -> Option<Value> {
    let tags = Tags { follows: needs.follows_redirects, of: Subject::Fills };
    let once =
        if needs.follows_redirects { access_log::final_response_only() } else { Value::Null };
    let counters = [
        stat::counter(&CACHE_FILLS, tags, Amount::One),
        stat::counter(&CACHE_FILL_BYTES, tags, BYTES),
    ];
    records.counts.then(|| object([logger(&json!({"counters": counters})), once]))
}

/// The HTTP filter that looks at what answers say for the counters.
pub(super) fn filter(records: Records<'_>) -> Option<Value> {
    records.counts.then(budget::filter)
}

/// The access logger of the router: it is handed each attempt.
pub(super) fn of_attempts(needs: Needs, records: Records<'_>) -> Option<Value> {
    let tags = Tags { follows: needs.follows_redirects, of: Subject::Requests };
    let counters = json!({"counters": [stat::counter(&ATTEMPTS, tags, Amount::One)]});
    records.counts.then(|| logger(&counters))
}

/// The fields of the listener for metrics by which each scrape says which policy is served: a gauge
/// is set when a request begins. Where the policy changes while Envoy runs, the [route](of_policy)
/// says which it is.
pub(super) fn of_scrapes(records: Records<'_>) -> Value {
    if !records.counts {
        return Value::Null;
    }
    let (hash, lasts) = if records.is_changed_while_envoy_runs {
        (format!("%METADATA(ROUTE:{NAMESPACE}:{FINGERPRINT})%"), Lasts::WhileAsked)
    } else {
        (records.policy.to_owned(), Lasts::ForGood)
    };
    let labels = [(Label::Hash, hash.as_str()), (Label::Version, env!("CARGO_PKG_VERSION"))];
    let gauges = json!({"gauges": [stat::gauge(&POLICY, &labels, lasts)]});
    json!({
        "access_log": [logger(&gauges)],
        "access_log_options": {"flush_access_log_on_new_request": true},
    })
}

/// Where a route says which policy it is of.
const NAMESPACE: &str = "portolan";
const FINGERPRINT: &str = "policy";

/// The field of the route for metrics that says which policy it is of.
pub(super) fn of_policy(records: Records<'_>) -> Value {
    if !records.is_changed_while_envoy_runs {
        return Value::Null;
    }
    json!({"metadata": {"filter_metadata": {NAMESPACE: {FINGERPRINT: records.policy}}}})
}

/// The bounds of the histograms, for Envoy's `stats_config`.
pub(super) fn buckets() -> Vec<Value> {
    let bounds = |metric: &Metric| match metric.shape {
        Shape::Histogram(bounds) => Some(json!({
            "match": {"prefix": format!("{PREFIX}.{}", metric.name)},
            "buckets": bounds,
        })),
        Shape::Counter | Shape::Gauge => None,
    };
    METRICS.iter().filter_map(bounds).collect()
}

/// The names of Portolan's metrics, for the selection of what Envoy keeps.
pub(super) fn names() -> Value {
    json!({"prefix": format!("{PREFIX}.")})
}

/// The first byte of an answer of Envoy's or the filter's own comes when the answer does: Envoy
/// knows no time for it.
fn first_byte() -> String {
    let operators = ["RESPONSE_DURATION", "DURATION"].map(|command| json!({"command": command}));
    access_log::first_of(&operators)
}

/// Envoy wants a key under which the number could be changed while it runs.
fn status(comparison: &str, number: u16) -> Value {
    json!({"filter": {"status_code_filter": {"comparison": {
        "op": comparison,
        "value": {"default_value": number, "runtime_key": format!("portolan.metrics.{number}")},
    }}}})
}

#[cfg(test)]
mod tests;
