//! The clusters of a backend: one for reads, one where it is an owner, and one where it is asked last.

use std::time::Duration;

use portolan_core::config::{Backend, Config, Limits, List};
use portolan_core::contract::{self, clusters};
use serde_json::{Value, json};

use super::options::Options;
use super::socket::BUFFER_BYTES;
use super::typed::object;
use super::upstream_filters::{self, Destination};
use super::{egress, health, origin, upstream_tls};

/// The cluster for reads, alone or as a member of an aggregate.
///
/// With Envoy's usual panic threshold a backend that is not well is still tried where there is
/// nobody else: health checks may be what is wrong.
pub(super) fn for_reads(backend: &Backend, config: &Config, options: &Options) -> Value {
    let more = json!({
        "outlier_detection": health::outlier_detection(backend.resilience().ejection),
        "common_lb_config": {"update_merge_window": AT_ONCE},
    });
    cluster(backend, backend.cluster(), &more, Destination::Backend(backend), config, options)
}

/// The cluster for an attempt that is not the first of its request, when nobody else is left to ask. Only
/// health checks take the backend out here, and then it is not tried: a backend that nobody reaches would
/// be waited for.
pub(super) fn as_last_resort(backend: &Backend, config: &Config, options: &Options) -> Value {
    let name = clusters::later_attempts(&[backend.key()]);
    cluster(backend, &name, &strict(), Destination::LastResort(backend), config, options)
}

/// The cluster for what only the owner may answer. Without a panic threshold: a write to an
/// owner that is known to be down is answered at once.
pub(super) fn for_owner(backend: &Backend, config: &Config, options: &Options) -> Value {
    let destination = Destination::Backend(backend);
    let time = backend.resilience().connect_timeout.max(CONNECTING_ALONE);
    let more = object([strict(), json!({"connect_timeout": health::seconds(time)})]);
    cluster(backend, backend.owner_cluster(), &more, destination, config, options)
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

fn cluster(
    backend: &Backend,
    name: &str,
    more: &Value,
    destination: Destination<'_>,
    config: &Config,
    options: &Options,
) -> Value {
    let url = backend.url();
    let filters = upstream_filters::filters(config, destination, options);
    // Tells the access log and the attempt phase the backend.
    let metadata =
        json!({"filter_metadata": {contract::NAMESPACE: {contract::BACKEND: backend.name()}}});
    let protocol =
        object([origin::protocol(url.scheme()), health::no_answer_takes_a_backend_out()]);
    // Envoy checks from its main thread, where no listener inside of it can be reached: each check would fail.
    let checks = match backend.connect_proxy() {
        Some(_) => Value::Null,
        None => json!({"health_checks": health::checks(backend)}),
    };
    let all = object([
        json!({"name": name}),
        origin::discovery(url),
        limits(backend.resilience().limits, connecting(backend, config)),
        origin::keepalive(),
        checks,
        more.clone(),
        origin::protocol_options(protocol, filters),
        origin::load_assignment(name, url, Some(metadata)),
        upstream_tls::transport(backend.name(), url, backend.tls(), options),
    ]);
    egress::through(all, url, backend.connect_proxy())
}

/// How long a connection may take to come up where there is nobody else to ask: a lost packet costs a second.
pub(super) const CONNECTING_ALONE: Duration = Duration::from_secs(3);

/// How long a connection to a backend may take. Where it is one of several the policy says so; where it is alone it may
/// always take as long as [`CONNECTING_ALONE`].
fn connecting(backend: &Backend, config: &Config) -> Duration {
    let time = backend.resilience().connect_timeout;
    let lists = config.lists().iter();
    let is_one_of_several = lists
        .filter(|list| list.has_fallback())
        .flat_map(List::backends)
        .any(|id| config.backend(*id).is_some_and(|member| member.key() == backend.key()));
    if is_one_of_several { time } else { time.max(CONNECTING_ALONE) }
}

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
