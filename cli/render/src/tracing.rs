//! Spans for a collector that speaks OTLP: one for each request, and below it one for each attempt.
//!
//! Envoy makes them, and begins none where this is off. It goes on with the trace that a client's
//! `traceparent` names (W3C Trace Context) as that says, and begins one of its own for a share of
//! the other requests.

use portolan_core::contract::{self, StateKey, clusters};
use serde_json::{Value, json};

use super::access_log::{self, metadata, property};
use super::collector::Collector;
use super::model::records::Records;
use super::model::services::publicly;
use super::model::trust::Trust;
use super::typed::extension;
use super::{small_cluster, upstream_tls};

/// Of which requests without a trace of their own there are spans, in percent.
pub(crate) const EVERY: u8 = 100;

/// The cluster of the collector.
pub(super) fn cluster(collector: Option<&Collector>, trust: Trust<'_>) -> Option<Value> {
    let Collector { url, .. } = collector?;
    let transport = upstream_tls::transport(clusters::COLLECTOR, url, &publicly(url), trust);
    Some(small_cluster::small(clusters::COLLECTOR, url, transport))
}

/// The setting of the connection manager.
///
/// The URL that Envoy would write has the query, where tokens, the state of an upload and the
/// signature of a redirect stand. It is cut to nothing, and the path is a field of its own, as in
/// the access log.
pub(super) fn settings(records: Records<'_>) -> Value {
    let Some(collector) = records.collector else { return Value::Null };
    json!({"tracing": {
        "random_sampling": {"value": records.tracing_sample},
        "spawn_upstream_span": true,
        "max_path_tag_length": 1,
        "operation": "%REQ(:METHOD)%",
        "custom_tags": tags(),
        "provider": extension(
            "envoy.tracers.opentelemetry",
            "config.trace.v3.OpenTelemetryConfig",
            json!({
                "service_name": "portolan",
                "http_service": {"http_uri": {
                    "uri": collector.spans(),
                    "cluster": clusters::COLLECTOR,
                    "timeout": "5s",
                }},
            }),
        ),
    }})
}

/// What a span says besides what Envoy says of any. A span of an attempt knows its backend alone.
fn tags() -> Vec<Value> {
    let backend = format!("%UPSTREAM_METADATA({})%", metadata(contract::BACKEND));
    let all = [
        ("url.path", access_log::path()),
        ("portolan.front", property(StateKey::Front)),
        ("portolan.region", property(StateKey::Region)),
        ("portolan.class", property(StateKey::Kind)),
        ("portolan.rule", property(StateKey::Rule)),
        ("portolan.reason", property(StateKey::Reason)),
        ("portolan.tried", property(StateKey::Tried)),
        ("portolan.backend", backend),
        ("portolan.attempts", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%".to_owned()),
    ];
    all.into_iter().map(|(tag, value)| json!({"tag": tag, "value": value})).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::Options;
    use crate::tests::options;

    #[test]
    fn urls_of_collectors() {
        let rows = [
            ("http://127.0.0.1:4318", Some("http://127.0.0.1:4318/v1/traces")),
            ("https://otel.example.com/a", Some("https://otel.example.com/a/v1/traces")),
            ("127.0.0.1:4318", None),
            ("otlp://127.0.0.1:4318", None),
            ("http://user:pw@127.0.0.1:4318", None),
            ("", None),
        ];
        for (text, expected) in rows {
            let found = text.parse::<Collector>().map(|collector| collector.spans());
            assert_eq!(found.ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn no_query_is_in_a_span() {
        let collector = "http://127.0.0.1:4318".parse().unwrap();
        let options = Options { tracing: Some(collector), ..options(true, None) };
        let settings = settings(Records::of(&options));
        assert_eq!(settings["tracing"]["max_path_tag_length"], 1);
        assert!(!settings.to_string().contains("%PATH(WQ"), "{settings}");
    }
}
