//! Health checks and outlier detection of backends.

use std::ops::Range;
use std::time::Duration;

use portolan_core::config::{Backend, Ejection, HealthCheck};
use serde_json::{Value, json};

/// Asks `GET /v2/` from time to time, whether requests come or not: a front that had none for a
/// night knows as well who is there as any other.
///
/// Whoever answers below 500 is there: a registry that wants a token (401), that limits who asks
/// (429), that sends elsewhere (308), or that has no such path (404). One that does not answer is
/// dead, and so is one that says so itself (5xx).
///
/// Two checks that get no answer take a backend out, an answer of 5xx does at once. It is [`SOON`]
/// asked again and back after two good ones: within three seconds with the default timeout, in
/// which a check may hang.
pub(super) fn checks(backend: &Backend) -> Value {
    let HealthCheck { interval, timeout } = backend.resilience().health_check;
    json!([{
        "timeout": seconds(timeout),
        "interval": seconds(interval),
        // Envoy sends the first check while it makes the cluster, and reads the answer when it has
        // made the listener too: where the filter is compiled meanwhile, the check times out
        // unread, and writes are refused although Envoy says that it is ready. A check that waits
        // for a timer is sent when all of that is done.
        "initial_jitter": seconds(AT_START),
        "interval_jitter_percent": 10,
        "unhealthy_interval": seconds(interval.min(SOON)),
        "unhealthy_edge_interval": seconds(interval.min(SOON)),
        "healthy_edge_interval": seconds(interval.min(Duration::from_secs(1))),
        // Envoy uses these two intervals in place of the others until a request has made a
        // connection.
        "no_traffic_interval": seconds(interval.min(SOON)),
        "no_traffic_healthy_interval": seconds(interval),
        "unhealthy_threshold": 2,
        "healthy_threshold": 2,
        "http_health_check": {
            "path": format!("{}/v2/", backend.url().base_path()),
            "host": backend.url().authority(),
            "expected_statuses": [{"start": ALIVE.start, "end": ALIVE.end}],
        },
    }])
}

/// The statuses of `GET /v2/` by which a backend is there.
const ALIVE: Range<u16> = 100..500;

/// Between two checks of a backend that is down, and of one that is coming back.
const SOON: Duration = Duration::from_millis(400);

/// Takes a backend out for some seconds that does not answer requests while its health checks pass:
/// it refuses or resets connections, or is too slow.
///
/// * No status counts ([`no_answer_takes_a_backend_out`]): anybody can ask for an image that makes
///   a registry answer 500.
/// * Timeouts count only if local errors are not told apart from others: a connection that was made
///   would otherwise count as a success each time.
/// * A good health check must not bring it back: the check is not what fails.
/// * With the defaults it stays out for longer than the checks take to find out by themselves, so
///   that no request tries a dead registry again before they have.
/// * Anybody can cause timeouts too, with one image that is slow. So a backend that is out is asked
///   last before a request is given up.
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

/// The protocol options by which an answer of any status is a sign of life. Envoy reads those of
/// the cluster that the route names, which may be an aggregate.
pub(super) fn no_answer_takes_a_backend_out() -> Value {
    json!({"outlier_detection": {"error_matcher": {"not_match": {"any_match": true}}}})
}

/// Within so long after Envoy is made the first check of a backend is sent.
const AT_START: Duration = Duration::from_millis(50);

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

    /// Seen from the moment when it answers again, whatever the check before it is doing.
    #[test]
    fn a_backend_that_is_back_is_asked_within_three_seconds() {
        let HealthCheck { timeout, .. } = Resilience::default().health_check;
        let back = timeout + 2 * SOON * 11 / 10;
        assert!(back < Duration::from_secs(3), "{back:?}");
    }

    #[test]
    fn a_backend_that_answers_below_500_is_up() {
        #[rustfmt::skip]
        let rows = [
            (200, true, "open"), (204, true, "some answer so"), (301, true, "another path"),
            (308, true, "`/v2` for `/v2/`"), (400, true, "an old client, it thinks"),
            (401, true, "wants a token"), (403, true, "this path is closed"), (404, true, "no such path"),
            (429, true, "limits who asks, and is well"), (451, true, "a country"), (499, true, "the last"),
            (500, false, "broken"), (502, false, "its proxy is there, and it is not"),
            (503, false, "says so itself"), (504, false, "hangs behind its proxy"), (520, false, "the same"),
            (599, false, "the last"),
        ];
        for (status, alive, reason) in rows {
            assert_eq!(ALIVE.contains(&status), alive, "{status}: {reason}");
        }
    }

    #[test]
    fn lengths_of_time() {
        assert_eq!(seconds(Duration::from_millis(1)), "0.001s");
        assert_eq!(seconds(Duration::from_millis(61_500)), "61.500s");
    }
}
