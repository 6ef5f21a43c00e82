//! A cluster to which nothing goes: because of it the filter is compiled before backends are asked how they are.

use portolan_core::attempt;
use serde_json::{Value, json};

use super::typed::object;
use super::{origin, upstream_filters, wasm};

/// The first cluster of all.
///
/// Envoy makes its clusters in their order, then starts their health checks, and only then makes the
/// listener. Where the listener alone has the filter, the filter is compiled at that time, for seconds and on the
/// thread that reads the answers to the checks: they time out unread, and writes are refused although
/// Envoy says that it is ready. A cluster that has the filter has it compiled before; what is
/// compiled is kept under the `vm_id`, which the listener's filter shares.
///
/// A filter that comes in a file of its own (ECDS) would be compiled before as well.
pub(super) fn cluster(path: &str) -> Value {
    let attempt = wasm::filter("portolan-attempt", path, &attempt::configuration(&[]));
    let plain = json!({"explicit_http_config": {"http_protocol_options": {}}});
    object([
        json!({
            "name": NAME,
            "type": "STATIC",
            "connect_timeout": "1s",
            "load_assignment": {"cluster_name": NAME},
        }),
        origin::protocol_options(plain, upstream_filters::behind(attempt)),
    ])
}

/// No name of a backend has an `@`.
const NAME: &str = "portolan@warm-up";
