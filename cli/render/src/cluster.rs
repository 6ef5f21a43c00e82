//! The clusters of a backend: one for reads, one where it is an owner, and one where it is asked
//! last.

use std::time::Duration;

use portolan_core::config::{Backend, Limits};
use portolan_core::contract;
use serde_json::{Value, json};

use super::model::clusters::BackendCluster;
use super::model::trust::Trust;
use super::socket::BUFFER_BYTES;
use super::typed::object;
use super::{egress, health, origin, upstream_filters, upstream_tls};

/// The cluster for reads, alone or as a member of an aggregate.
///
/// The cluster of a backend.
///
/// * For reads, with Envoy's usual panic threshold: a backend that is not well is still tried where
///   there is nobody else, for health checks may be what is wrong. Requests that get no answer take
///   it out for a while.
/// * For what only the owner may answer, without a panic threshold: a write to an owner that is
///   known to be down is answered at once.
/// * For an attempt that is not the first of its request, when nobody else is left to ask: only
///   health checks take the backend out, and then it is not tried. A backend that nobody reaches
///   would be waited for.
pub(super) fn cluster(cluster: &BackendCluster<'_>, trust: Trust<'_>) -> Value {
    let BackendCluster { backend, name, connect_timeout, is_ejected_by_requests, filters } =
        cluster;
    let more = if *is_ejected_by_requests { for_reads(backend) } else { strict() };
    let url = backend.url();
    let filters = upstream_filters::filters(filters.as_ref(), trust.secrets);
    let metadata =
        json!({"filter_metadata": {contract::NAMESPACE: {contract::BACKEND: backend.name()}}});
    let protocol =
        object([origin::protocol(url.scheme()), health::no_answer_takes_a_backend_out()]);
    // Envoy checks from its main thread, where no listener inside of it can be reached: each check
    // would fail.
    let checks = match backend.connect_proxy() {
        Some(_) => Value::Null,
        None => json!({"health_checks": health::checks(backend)}),
    };
    let all = object([
        json!({"name": name}),
        origin::discovery(url),
        limits(backend.resilience().limits, *connect_timeout),
        origin::keepalive(),
        checks,
        more,
        origin::protocol_options(protocol, filters),
        origin::load_assignment(name, url, Some(metadata)),
        upstream_tls::transport(backend.name(), url, backend.tls(), trust),
    ]);
    egress::through(all, url, backend.connect_proxy())
}

fn for_reads(backend: &Backend) -> Value {
    json!({
        "outlier_detection": health::outlier_detection(backend.resilience().ejection),
        "common_lb_config": {"update_merge_window": AT_ONCE},
    })
}

/// Without a panic threshold.
fn strict() -> Value {
    json!({"common_lb_config": {
        "healthy_panic_threshold": {"value": 0},
        "update_merge_window": AT_ONCE,
    }})
}

/// A change of health that follows another within a second would otherwise wait for the end of
/// that second: a registry that fails again at once would be asked for all that time.
const AT_ONCE: &str = "0s";

/// What is more than a backend's limits is answered with 503 at once and not handed on to the next
/// backend: a load that broke one would break the others too. `max_retries` counts retries in
/// flight at once; Envoy's own 3 would let most of a burst fail that one retry would have saved.
pub(super) fn limits(limits: Limits, connect_timeout: Duration) -> Value {
    json!({
        "connect_timeout": health::seconds(connect_timeout),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES,
        "circuit_breakers": {"thresholds": [{
            "max_connections": limits.connections,
            "max_pending_requests": limits.pending,
            "max_requests": limits.requests,
            "max_retries": u32::MAX,
            "track_remaining": true,
        }]},
    })
}
