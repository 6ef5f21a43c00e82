//! Gauges of the limits that registries report: allowed and remaining requests.
//!
//! Docker Hub answers `ratelimit-limit: 100;w=21600` and `ratelimit-remaining: 76;w=21600` to
//! requests for manifests ("Docker Hub usage and limits"); the number counts, and what stands
//! behind it is the window in seconds. Envoy's gauges take numbers alone, so a filter takes the
//! number out of the header, where there is one.

use portolan_core::record::metric::{Metric, UPSTREAM_ALLOWED, UPSTREAM_REMAINING};
use serde_json::{Value, json};

use super::super::typed::{extension, object};
use super::labels::Tags;
use super::logger::logger;
use super::stat;

/// Where the numbers are kept until the request is over.
const NAMESPACE: &str = "portolan.limit";

/// Each metric, and the headers that it comes from: those of Docker Hub, and those that others
/// send.
const SOURCES: [(Metric, [&str; 2]); 2] = [
    (UPSTREAM_REMAINING, ["ratelimit-remaining", "x-ratelimit-remaining"]),
    (UPSTREAM_ALLOWED, ["ratelimit-limit", "x-ratelimit-limit"]),
];

/// The HTTP filter that looks at the headers of answers.
pub(super) fn filter() -> Value {
    let rules = SOURCES.iter().flat_map(|(metric, headers)| {
        headers.iter().map(move |header| {
            json!({"header": header, "on_header_present": {
                "metadata_namespace": NAMESPACE,
                "key": metric.name,
                "type": "NUMBER",
                "regex_value_rewrite": {
                    "pattern": {"regex": "^ *([0-9]{1,9})([;, ].*)?$"},
                    "substitution": r"\1",
                },
            }})
        })
    });
    extension(
        "envoy.filters.http.header_to_metadata",
        "extensions.filters.http.header_to_metadata.v3.Config",
        json!({"response_rules": rules.collect::<Vec<_>>()}),
    )
}

/// The access loggers: one for each metric, for those answers alone that had its header.
pub(super) fn loggers(tags: Tags) -> Vec<Value> {
    let of = |(metric, _): &(Metric, [&str; 2])| {
        let value = format!("%DYNAMIC_METADATA({NAMESPACE}:{})%", metric.name);
        let gauges = json!({"gauges": [stat::measured(metric, tags, &value)]});
        let has_it = json!({"filter": {"metadata_filter": {
            "matcher": {
                "filter": NAMESPACE,
                "path": [{"key": metric.name}],
                "value": {"present_match": true},
            },
            "match_if_key_not_found": false,
        }}});
        object([logger(&gauges), has_it])
    };
    SOURCES.iter().map(of).collect()
}
