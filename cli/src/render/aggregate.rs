//! One cluster a list of backends: Envoy goes through its members from the first to the last.

use portolan_core::config::{Backend, Config, List};
use serde_json::{Value, json};

use super::listener::BUFFER_BYTES;
use super::options::Options;
use super::origin;
use super::typed::{extension, object};
use super::upstream_filters::{self, Destination};

/// The aggregate cluster of a list.
///
/// Its upstream filters run anew for every attempt; those of its members would be ignored.
/// Retries are counted here and not at the members; Envoy's own 3 at once would let most of a
/// burst fail that one retry each would have saved, so nobody is rationed.
pub(super) fn cluster(list: &List, config: &Config, options: &Options) -> Value {
    let members = list.backends().iter().filter_map(|id| config.backend(*id));
    let members: Vec<&str> = members.map(Backend::cluster).collect();
    let plain = json!({"explicit_http_config": {"http_protocol_options": {}}});
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

/// The members have the limits.
const UNLIMITED: u32 = u32::MAX;
