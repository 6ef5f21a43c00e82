//! Whose `x-forwarded-for` is believed.

use ipnet::IpNet;
use portolan_core::config::Clients;
use serde_json::{Value, json};

use super::typed::extension;

/// The settings that make the connection manager's idea of the client's address the policy's.
///
/// Envoy refuses the two ways together: `use_remote_address` counts hops, the extension looks
/// at who appended.
pub(super) fn settings(clients: &Clients) -> Value {
    match clients.trusted_proxies() {
        [] => json!({
            "use_remote_address": true,
            "xff_num_trusted_hops": clients.trusted_hops(),
        }),
        proxies => json!({
            "use_remote_address": false,
            "original_ip_detection_extensions": [from_proxies(proxies)],
        }),
    }
}

fn from_proxies(proxies: &[IpNet]) -> Value {
    let ranges: Vec<Value> = proxies
        .iter()
        .map(|prefix| {
            json!({"address_prefix": prefix.network().to_string(), "prefix_len": prefix.prefix_len()})
        })
        .collect();
    extension(
        "envoy.http.original_ip_detection.xff",
        "extensions.http.original_ip_detection.xff.v3.XffConfig",
        json!({"xff_trusted_cidrs": {"cidrs": ranges}, "skip_xff_append": true}),
    )
}
