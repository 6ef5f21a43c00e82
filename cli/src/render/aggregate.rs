//! One cluster a list of backends: Envoy goes through its members from the first to the last.

use portolan_core::attempt;
use portolan_core::config::{Backend, Config, List};
use serde_json::{Value, json};

use super::listener::BUFFER_BYTES;
use super::typed::{extension, typed};
use super::wasm;

/// The aggregate cluster of a list.
///
/// Its upstream filters run anew for every attempt; those of its members would be ignored.
/// Retries are counted here and not at the members; Envoy's own 3 at once would let most of a
/// burst fail that one retry each would have saved, so nobody is rationed.
pub(super) fn cluster(list: &List, config: &Config, wasm: Option<&str>) -> Value {
    let members = list.backends().iter().filter_map(|id| config.backend(*id));
    let members: Vec<&str> = members.map(Backend::cluster).collect();
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
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": typed(
                "extensions.upstreams.http.v3.HttpProtocolOptions",
                json!({
                    "explicit_http_config": {"http_protocol_options": {}},
                    "http_filters": filters(wasm),
                }),
            ),
        },
    })
}

/// The members have the limits.
const UNLIMITED: u32 = u32::MAX;

fn filters(wasm: Option<&str>) -> Vec<Value> {
    let codec = extension(
        "envoy.filters.http.upstream_codec",
        "extensions.filters.http.upstream_codec.v3.UpstreamCodec",
        json!({}),
    );
    let attempt = wasm.map(|path| wasm::filter("portolan-attempt", path, attempt::CONFIGURATION));
    attempt.into_iter().chain([codec]).collect()
}
