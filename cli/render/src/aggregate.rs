//! One cluster a list of backends: Envoy goes through its members from the first to the last.

use serde_json::{Value, json};

use super::model::clusters::GroupCluster;
use super::secret::SecretFiles;
use super::socket::BUFFER_BYTES;
use super::typed::{extension, object};
use super::{health, origin, upstream_filters};

/// The aggregate cluster of a list, for the first attempt of a request.
///
/// Its upstream filters run anew for every attempt; those of its members would be ignored.
/// Retries are counted here and not at the members; Envoy's own 3 at once would let most of a
/// burst fail that one retry each would have saved, so nobody is rationed.
pub(super) fn cluster(group: &GroupCluster<'_>, secrets: SecretFiles<'_>) -> Value {
    let plain = object([
        json!({"explicit_http_config": {"http_protocol_options": {}}}),
        health::no_answer_takes_a_backend_out(),
    ]);
    let filters = upstream_filters::filters(group.filters.as_ref(), secrets);
    object([
        json!({
            "name": group.name,
            "connect_timeout": "3s",
            "lb_policy": "CLUSTER_PROVIDED",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "cluster_type": extension(
                "envoy.clusters.aggregate",
                "extensions.clusters.aggregate.v3.ClusterConfig",
                json!({"clusters": group.members}),
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
