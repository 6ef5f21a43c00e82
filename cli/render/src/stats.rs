//! The statistics of Envoy that are kept, and their names.
//!
//! Envoy counts several hundred things for each cluster. Where metrics are scraped only those are
//! kept that an alert, a dashboard or `docs/metrics.md` uses: a scrape then has less than 20 kB for
//! each backend.
//!
//! Of the cluster of a list nothing is kept but what its filters count, and its answers by status
//! where nothing is scraped: its backends have clusters of their own, and a policy may have many
//! more lists than backends.

use serde_json::{Value, json};

use super::model::records::Records;
use super::typed::object;
use super::{geoip, metrics};

/// What the filters of a cluster count, by the end of its name. Where metrics are scraped the
/// cluster of a list keeps nothing else.
pub(super) const OF_FILTERS: [&str; 4] = [
    "credential_injector.injected",
    "credential_injector.failed",
    "credential_injector.already_exists",
    "wasmcustom.portolan_module_panics",
];

/// What the cluster of a backend keeps besides, by the end of its name.
pub(super) const OF_BACKENDS: [&str; 21] = [
    "membership_healthy",
    "membership_total",
    "outlier_detection.ejections_active",
    "health_check.failure",
    "health_check.network_failure",
    "upstream_rq_total",
    "upstream_rq_active",
    "upstream_rq_pending_active",
    "upstream_rq_pending_overflow",
    "upstream_rq_retry_overflow",
    "upstream_cx_active",
    "upstream_cx_connect_fail",
    "upstream_cx_overflow",
    "circuit_breakers.default.remaining_rq",
    "circuit_breakers.default.remaining_cx",
    "circuit_breakers.default.remaining_pending",
    "ssl.fail_verify_error",
    "ssl.connection_error",
    "ssl.fail_verify_san",
    "ssl.fail_verify_no_cert",
    "update_failure",
];

/// What Envoy counts of every cluster, by the beginning of its name behind that of the cluster; but
/// for the answers by status, whose counters it makes when there is one: to find out for each
/// answer that they are not kept costs more than to keep them.
const OF_EVERY_CLUSTER: [&str; 13] = [
    "assignment_",
    "bind_errors",
    "circuit_breakers",
    "default",
    "lb_",
    "max_host_weight",
    "membership_",
    "original_dst_",
    "retry_or_shadow_abandoned",
    "update_",
    "upstream_(cx|flow|http3|internal|queue)_",
    "upstream_rq_(0rtt|active|cancelled|drop|maintenance|max|pending|per|retry|rx|timeout|total|tx)",
    "(version|warming_state)",
];

/// What is kept of the rest, by the beginning of its name.
pub(super) const OTHERS: [&str; 26] = [
    "server.live",
    "server.state",
    "server.uptime",
    "server.version",
    "server.memory_",
    "server.days_until_first_cert_expiring",
    "overload.",
    "sds.",
    "wasm.",
    "wasmcustom.portolan_module_panics",
    "listener_manager.",
    "cluster_manager.",
    "extension_config_discovery.",
    "http.portolan.rds.",
    "http.portolan_metrics.rds.",
    "filesystem.",
    "access_logs.",
    "runtime.load_error",
    "maxmind.",
    "http.portolan.maxmind.",
    "http.portolan.downstream_rq_active",
    "http.portolan.downstream_rq_total",
    "http.portolan.downstream_cx_active",
    "http.portolan.downstream_cx_ssl_active",
    "portolan_clients.http_local_rate_limit.",
    "portolan_budgets.http_local_rate_limit.",
];

/// Envoy's `stats_config`.
pub(super) fn config(records: Records<'_>) -> Value {
    let tags = tags(records);
    let selection = if records.counts {
        json!({
            "histogram_bucket_settings": metrics::buckets(),
            "stats_matcher": {"inclusion_list": {"patterns": patterns(records)}},
        })
    } else {
        json!({"stats_matcher": {"exclusion_list": {"patterns": [of_lists()]}}})
    };
    let tags = if tags.is_empty() { Value::Null } else { json!({"stats_tags": tags}) };
    json!({"stats_config": object([tags, selection])})
}

/// What is counted of the cluster of a list, whose name has a `+` in it.
fn of_lists() -> Value {
    let names = OF_EVERY_CLUSTER.join("|");
    json!({"safe_regex": {"regex": format!(r"cluster\..+\+.+\.({names}).*")}})
}

/// Where labels stand in names.
fn tags(records: Records<'_>) -> Vec<Value> {
    let of_geoip = records.may_locate.then(geoip::tag);
    let counted = if records.counts { metrics::of_names() } else { Vec::new() };
    of_geoip.into_iter().chain(counted).collect()
}

fn patterns(records: Records<'_>) -> Vec<Value> {
    let ending = |clusters: &'static str| {
        move |end: &&str| {
            let end = end.replace('.', r"\.");
            json!({"safe_regex": {"regex": format!(r"cluster\.{clusters}\.{end}")}})
        }
    };
    let clusters =
        OF_BACKENDS.iter().map(ending("[^+]+")).chain(OF_FILTERS.iter().map(ending(".+")));
    // The answers of services that only the filter asks, which no attempt is counted of.
    let services = json!({"safe_regex": {
        "regex": r"cluster\..+@(token|probe|verifier)\.upstream_rq_(\d\d\d|\dxx)",
    }});
    let listeners = json!({"safe_regex": {
        "regex": r"listener\..+\.(downstream_cx_active|downstream_pre_cx_active|downstream_cx_total|downstream_cx_overflow|downstream_cx_overload_reject|ssl\.connection_error)",
    }});
    // Of the cluster that a request is for, not of the service's own.
    let of_service = records.rate_limit_service.map(|_| {
        json!({"safe_regex": {
            "regex": r"cluster\..+\.ratelimit\.portolan\.(ok|over_limit|error|failure_mode_allowed)",
        }})
    });
    let others = OTHERS.iter().map(|beginning| json!({"prefix": beginning}));
    [metrics::names(), metrics::of_clusters(), services, listeners]
        .into_iter()
        .chain(clusters)
        .chain(of_service)
        .chain(others)
        .collect()
}
