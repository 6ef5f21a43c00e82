//! Envoy's overload manager: fewer requests are served when memory or connections run out.

use serde_json::{Value, json};

use super::limits::Limits;
use super::typed::extension;

const HEAP: &str = "envoy.resource_monitors.fixed_heap";

/// Steps that give way one after another as the heap fills, and a limit of connections of clients.
pub(super) fn manager(limits: Limits) -> Value {
    let heap_bytes = u64::from(limits.max_heap).saturating_mul(1024 * 1024);
    json!({
        "refresh_interval": "0.25s",
        "resource_monitors": [
            extension(
                HEAP,
                "extensions.resource_monitors.fixed_heap.v3.FixedHeapConfig",
                json!({"max_heap_size_bytes": heap_bytes}),
            ),
            extension(
                "envoy.resource_monitors.global_downstream_max_connections",
                "extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
                json!({"max_active_downstream_connections": limits.max_connections}),
            ),
        ],
        "actions": [
            action("shrink_heap", 0.85),
            shorter_idle_timeouts(),
            action("disable_http_keepalive", 0.92),
            action("stop_accepting_connections", 0.95),
            action("stop_accepting_requests", 0.98),
        ],
        "loadshed_points": [
            point("tcp_listener_accept", 0.97),
            point("http_connection_manager_decode_headers", 0.97),
        ],
    })
}

fn action(name: &str, threshold: f64) -> Value {
    json!({"name": format!("envoy.overload_actions.{name}"), "triggers": [trigger(threshold)]})
}

fn point(name: &str, threshold: f64) -> Value {
    json!({"name": format!("envoy.load_shed_points.{name}"), "triggers": [trigger(threshold)]})
}

fn trigger(threshold: f64) -> Value {
    json!({"name": HEAP, "threshold": {"value": threshold}})
}

fn shorter_idle_timeouts() -> Value {
    json!({
        "name": "envoy.overload_actions.reduce_timeouts",
        "triggers": [{
            "name": HEAP,
            "scaled": {"scaling_threshold": 0.8, "saturation_threshold": 0.95},
        }],
        "typed_config": super::typed::typed(
            "config.overload.v3.ScaleTimersOverloadActionConfig",
            json!({"timer_scale_factors": [
                {"timer": "HTTP_DOWNSTREAM_CONNECTION_IDLE", "min_timeout": "5s"},
            ]}),
        ),
    })
}
