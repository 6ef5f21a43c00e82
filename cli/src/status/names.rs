//! The metrics that are read, by their names on the metrics listener, and their labels.

use portolan_core::record::metric::{Label, NO_VALUE};

/// One for each request of a client, by [`FRONT`], [`REGION`], class and [`OUTCOME`].
pub(super) const REQUESTS: &str = "portolan_requests_total";
/// One for each attempt at a backend, by [`BACKEND`], way and [`RESULT`].
pub(super) const ATTEMPTS: &str = "portolan_attempts_total";
/// One for each request that another backend than the nearest answered, by [`REGION`], [`FROM`],
/// [`TO`] and [`WHY`].
pub(super) const FALLBACKS: &str = "portolan_fallbacks_total";
/// The time to the first byte, by [`REGION`] and [`BACKEND`]: a histogram of milliseconds.
pub(super) const FIRST_BYTE: &str = "portolan_first_byte_milliseconds";
/// One for each question to a token service, by [`BACKEND`] and [`RESULT`].
pub(super) const TOKEN_FETCHES: &str = "portolan_token_fetches_total";
/// What a registry says is left of its rate limit, by [`BACKEND`].
pub(super) const LIMIT_REMAINING: &str = "portolan_upstream_remaining_requests";
/// 1, with the policy's [`HASH`] as a label.
pub(super) const POLICY_INFO: &str = "portolan_policy_info";
/// Files of a policy that Envoy refused: all of [`REFUSED`] and [`OF_A_FILTER`] together.
pub(super) const POLICY_LOADS_FAILED: &str = "portolan_policy_loads_failed_total";
/// Envoy's own: files of clusters, of listeners and of routes that it refused.
const REFUSED: [&str; 4] = [
    "envoy_cluster_manager_cds_update_rejected",
    "envoy_listener_manager_lds_update_rejected",
    "envoy_listener_manager_listener_create_failure",
    "envoy_http_rds_update_rejected",
];
/// Envoy's own: files of filters, which have the filter's name between these two.
const OF_A_FILTER: (&str, [&str; 2]) =
    ("envoy_extension_config_discovery_", ["_update_rejected", "_config_fail"]);
/// Envoy's own: how many endpoints of a cluster are asked, by [`CLUSTER`].
pub(super) const MEMBERSHIP_HEALTHY: &str = "envoy_cluster_membership_healthy";
/// Envoy's own: how many of them requests have taken out, by [`CLUSTER`].
pub(super) const EJECTED: &str = "envoy_cluster_outlier_detection_ejections_active";
/// Envoy's own: answers, by [`CLUSTER`] and [`STATUS_CLASS`].
pub(super) const ANSWERS: &str = "envoy_cluster_upstream_rq_xx";
/// Envoy's own: connections that did not come about, by [`CLUSTER`].
pub(super) const CONNECT_FAILED: &str = "envoy_cluster_upstream_cx_connect_fail";
/// Envoy's own: certificates that no trusted authority has signed, or that are for another name, by
/// [`CLUSTER`].
pub(super) const CERTIFICATE_REFUSED: &str = "envoy_cluster_ssl_fail_verify_error";
/// Envoy's own: requests with a credential put into them, by [`CLUSTER`].
pub(super) const CREDENTIAL_SENT: &str = "envoy_cluster_credential_injector_injected";
/// Envoy's own: requests that should have had one, by [`CLUSTER`].
pub(super) const CREDENTIAL_MISSING: &str = "envoy_cluster_credential_injector_failed";
/// A metric of Envoy's own: the days until the first of its certificates expires.
pub(super) const CERTIFICATE_DAYS: &str = "envoy_server_days_until_first_cert_expiring";
/// Envoy's own: 0 live, 1 draining, 2 before initialisation, 3 initialising.
pub(super) const SERVER_STATE: &str = "envoy_server_state";
/// Envoy's own: seconds since it was started.
pub(super) const SERVER_UPTIME: &str = "envoy_server_uptime";

/// The label of a front.
pub(super) const FRONT: &str = Label::Front.name();
/// The label of a client's region.
pub(super) const REGION: &str = Label::Region.name();
/// The label of a backend.
pub(super) const BACKEND: &str = Label::Backend.name();
/// What became of a request.
pub(super) const OUTCOME: &str = Label::Outcome.name();
/// What became of an attempt or of a question.
pub(super) const RESULT: &str = Label::Result.name();
/// The backend that would have been nearest.
pub(super) const FROM: &str = Label::From.name();
/// The backend that answered in its place.
pub(super) const TO: &str = Label::To.name();
/// Why it did.
pub(super) const WHY: &str = Label::Why.name();
/// The hash of a policy.
pub(super) const HASH: &str = Label::Hash.name();
/// The name of a cluster.
pub(super) const CLUSTER: &str = "envoy_cluster_name";

/// The first digit of a status.
pub(super) const STATUS_CLASS: &str = "envoy_response_code_class";

/// What a label says where there is nothing to say.
pub(super) const NOTHING: &str = NO_VALUE;

/// Those of Envoy's that count here.
const ENVOYS: [&str; 10] = [
    MEMBERSHIP_HEALTHY,
    EJECTED,
    ANSWERS,
    CONNECT_FAILED,
    CERTIFICATE_REFUSED,
    CREDENTIAL_SENT,
    CREDENTIAL_MISSING,
    CERTIFICATE_DAYS,
    SERVER_STATE,
    SERVER_UPTIME,
];

/// Whether Envoy counts by it what it refuses of a policy; all of these have one name here.
pub(super) fn is_refusal(name: &str) -> bool {
    let (begins, ends) = OF_A_FILTER;
    let of_a_filter = || name.starts_with(begins) && ends.iter().any(|end| name.ends_with(end));
    REFUSED.contains(&name) || of_a_filter()
}

/// The name without what Envoy puts before names that it does not know; one for all that it refuses
/// of a policy.
pub(super) fn plain(name: &str) -> &str {
    if is_refusal(name) {
        return POLICY_LOADS_FAILED;
    }
    let rest = name.strip_prefix("envoy_").filter(|rest| rest.starts_with("portolan_"));
    rest.unwrap_or(name)
}

/// Whether anything here is about the metric.
pub(super) fn is_wanted(name: &str) -> bool {
    plain(name).starts_with("portolan_") || ENVOYS.contains(&name)
}

#[cfg(test)]
mod tests {
    use portolan_core::record::metric;

    use super::*;

    #[test]
    fn names_of_the_metrics_that_status_reads() {
        let rows = [
            (REQUESTS, metric::REQUESTS),
            (ATTEMPTS, metric::ATTEMPTS),
            (FALLBACKS, metric::FALLBACKS),
            (FIRST_BYTE, metric::FIRST_BYTE),
            (POLICY_INFO, metric::POLICY),
            (LIMIT_REMAINING, metric::UPSTREAM_REMAINING),
            (TOKEN_FETCHES, metric::TOKEN_FETCHES),
        ];
        for (read, counted) in rows {
            assert_eq!(read, format!("portolan_{}", counted.name));
        }
    }
}
