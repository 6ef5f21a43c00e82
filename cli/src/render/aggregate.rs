//! One cluster a list of backends: Envoy goes through its members from the first to the last.

use std::collections::BTreeSet;

use portolan_core::config::ids::BackendId;
use portolan_core::config::{Config, List, Purpose};
use serde_json::{Value, json};

use super::listener::BUFFER_BYTES;
use super::options::Options;
use super::typed::{extension, object};
use super::upstream_filters::{self, Destination};
use super::{cluster, health, origin};

/// The aggregate cluster of a list.
///
/// Its upstream filters run anew for every attempt; those of its members would be ignored.
/// Retries are counted here and not at the members; Envoy's own 3 at once would let most of a
/// burst fail that one retry each would have saved, so nobody is rationed.
///
/// Each backend stands in it twice. The second time is for a backend that only failed requests have
/// taken out, while its health checks are good: it is asked before a request is given up.
pub(super) fn cluster(list: &List, config: &Config, options: &Options) -> Value {
    let members = list.backends().iter().filter_map(|id| config.backend(*id));
    let last_resorts = members.clone().map(cluster::last_resort_name);
    let members: Vec<String> =
        members.map(|backend| backend.cluster().to_owned()).chain(last_resorts).collect();
    let plain = object([
        json!({"explicit_http_config": {"http_protocol_options": {}}}),
        health::no_answer_takes_a_backend_out(),
    ]);
    let filters = upstream_filters::filters(config, Destination::List(list), options);
    object([
        json!({
            "name": list.cluster(),
            "connect_timeout": "3s",
            "lb_policy": "CLUSTER_PROVIDED",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "cluster_type": extension(
                "envoy.clusters.aggregate",
                "extensions.clusters.aggregate.v3.ClusterConfig",
                json!({"clusters": members}),
            ),
            "circuit_breakers": {"thresholds": [{
                "max_connections": UNLIMITED,
                "max_pending_requests": UNLIMITED,
                "max_requests": UNLIMITED,
                "max_retries": UNLIMITED,
            }]},
        }),
        origin::protocol_options(plain, filters),
    ])
}

/// The second places of the backends of all lists of several.
pub(super) fn last_resorts(config: &Config, options: &Options) -> Vec<Value> {
    let lists = config.lists().iter();
    let lists = lists.filter(|list| list.purpose() == Purpose::Read && list.has_fallback());
    let members: BTreeSet<BackendId> =
        lists.flat_map(|list| list.backends().iter().copied()).collect();
    let members = members.into_iter().filter_map(|id| config.backend(id));
    members.map(|backend| cluster::as_last_resort(backend, config, options)).collect()
}

/// The members have the limits.
const UNLIMITED: u32 = u32::MAX;
