//! How it is found out that a backend is not well.

use std::time::Duration;

use portolan_core::config::{Backend, Config, Ejection, HealthCheck};
use serde_json::{Value, json};

/// Asks `GET /v2/` from time to time. A registry that wants a token answers 401, and is as well
/// as one that answers 200.
///
/// Two checks that get no answer, an interval apart, take a backend out (another status than these: one); two
/// good ones, a second apart, bring it back. One that never had a connection and is not known to be well gets
/// a check every second: a write to it is refused until it is.
///
/// Nobody hurries to know about a backend that gets no requests. Where clients are redirected to the first
/// backend that is up, it gets none although clients depend on it.
pub(super) fn checks(backend: &Backend, config: &Config) -> Value {
    let HealthCheck { interval, timeout } = backend.resilience().health_check;
    let at_rest =
        if config.redirects_by_health() { interval } else { interval.max(Duration::from_secs(15)) };
    json!([{
        "timeout": seconds(timeout),
        "interval": seconds(interval),
        "interval_jitter_percent": 10,
        "unhealthy_interval": seconds(interval.min(Duration::from_secs(1))),
        "unhealthy_edge_interval": seconds(interval.min(Duration::from_secs(1))),
        "healthy_edge_interval": seconds(interval.min(Duration::from_secs(1))),
        "no_traffic_interval": seconds(interval.min(Duration::from_secs(1))),
        "no_traffic_healthy_interval": seconds(at_rest),
        "unhealthy_threshold": 2,
        "healthy_threshold": 2,
        "http_health_check": {
            "path": format!("{}/v2/", backend.url().base_path()),
            "host": backend.url().authority(),
            "expected_statuses": [{"start": 200, "end": 201}, {"start": 401, "end": 402}],
        },
    }])
}

/// Takes a backend out for some seconds that does not answer requests while its health checks pass: it
/// refuses or resets connections, or is too slow.
///
/// * No status counts ([`no_answer_takes_a_backend_out`]): anybody can ask for an image that makes a
///   registry answer 500.
/// * Timeouts count only if local errors are not told apart from others: a connection that was made would
///   otherwise count as a success each time.
/// * A good health check must not bring it back: the check is not what fails.
/// * With the defaults it stays out for longer than the checks take to find out by themselves, so that no request
///   tries a dead registry again before they have.
/// * Anybody can cause timeouts too, with one image that is slow. So a backend that is out is asked last
///   before a request is given up.
pub(super) fn outlier_detection(ejection: Ejection) -> Value {
    json!({
        "consecutive_gateway_failure": ejection.failures,
        "enforcing_consecutive_gateway_failure": 100,
        "enforcing_consecutive_5xx": 0,
        "enforcing_success_rate": 0,
        "enforcing_failure_percentage": 0,
        "interval": "1s",
        "base_ejection_time": seconds(ejection.time),
        "max_ejection_time": seconds(ejection.time),
        "max_ejection_percent": 100,
        "split_external_local_origin_errors": false,
        "successful_active_health_check_uneject_host": false,
    })
}

/// The protocol options by which an answer of any status is a sign of life. Envoy reads those of the
/// cluster that the route names, which may be an aggregate.
pub(super) fn no_answer_takes_a_backend_out() -> Value {
    json!({"outlier_detection": {"error_matcher": {"not_match": {"any_match": true}}}})
}

/// A length of time as Envoy writes it.
pub(super) fn seconds(duration: Duration) -> String {
    format!("{}.{:03}s", duration.as_secs(), duration.subsec_millis())
}

#[cfg(test)]
mod tests {
    use portolan_core::config::Resilience;

    use super::*;

    /// With the default settings, whether connections are refused or everything hangs.
    #[test]
    fn the_checks_find_out_before_requests_try_again() {
        let backend = Resilience::default();
        let HealthCheck { interval, timeout } = backend.health_check;
        let ejection = backend.ejection.time;
        // The intervals have a jitter of a tenth; the second check comes after a whole one.
        let refused = 2 * interval * 11 / 10;
        assert!(refused < ejection, "{refused:?}");
        let hung = refused + 2 * timeout;
        assert!(hung < backend.attempt_timeouts.manifests + ejection, "{hung:?}");
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(seconds(Duration::from_millis(1)), "0.001s");
        assert_eq!(seconds(Duration::from_millis(61_500)), "61.500s");
    }
}
