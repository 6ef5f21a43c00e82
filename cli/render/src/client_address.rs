//! The proxies whose `x-forwarded-for` is trusted.

use ipnet::{IpNet, Ipv6Net};
use serde_json::{Value, json};

use super::model::client_address::ForwardedFor;
use super::typed::extension;

/// The settings that make the connection manager's idea of the client's address the policy's.
///
/// Envoy refuses the two ways together: `use_remote_address` counts hops, the extension looks
/// at who appended.
pub(super) fn settings(forwarded: ForwardedFor<'_>) -> Value {
    let by_hops = |hops: u32| json!({"use_remote_address": true, "xff_num_trusted_hops": hops});
    match forwarded {
        ForwardedFor::Nobody => by_hops(0),
        ForwardedFor::Hops(hops) => by_hops(hops),
        ForwardedFor::Proxies(proxies) => json!({
            "use_remote_address": false,
            "original_ip_detection_extensions": [from_proxies(proxies)],
        }),
    }
}

/// Prefixes in Envoy's words, each in both forms in which sockets show it.
pub(super) fn ranges(prefixes: &[IpNet]) -> Vec<Value> {
    let range = |prefix: IpNet| json!({"address_prefix": prefix.network().to_string(), "prefix_len": prefix.prefix_len()});
    let twins = prefixes.iter().filter_map(|prefix| mapped(*prefix));
    prefixes.iter().copied().chain(twins).map(range).collect()
}

/// The same prefix as proxies on sockets of both families write it: `::ffff:192.0.2.1` (RFC 4291
/// section 2.5.5.2). Envoy compares the two as an IPv4 and an IPv6 address, and would take such a
/// proxy for a client.
fn mapped(prefix: IpNet) -> Option<IpNet> {
    let IpNet::V4(prefix) = prefix else { return None };
    let length = prefix.prefix_len().checked_add(96)?;
    Some(Ipv6Net::new(prefix.network().to_ipv6_mapped(), length).ok()?.into())
}

fn from_proxies(proxies: &[IpNet]) -> Value {
    extension(
        "envoy.http.original_ip_detection.xff",
        "extensions.http.original_ip_detection.xff.v3.XffConfig",
        json!({"xff_trusted_cidrs": {"cidrs": ranges(proxies)}, "skip_xff_append": true}),
    )
}
