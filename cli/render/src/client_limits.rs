//! Rate limits of clients, counted before the filter runs.
//!
//! It is one Envoy's limit: several count each for itself.

use ipnet::IpNet;
use portolan_core::config::{ClientLimits, Clients, NetworkLimit};
use serde_json::{Value, json};

use super::local_rate_limit::{self, HeadersOf, Names, bucket, but_for};
use super::rate_limit_service::RateLimitUrl;

pub(super) const NAME: &str = "envoy.filters.http.local_ratelimit";
/// What the statistics of it begin with.
pub(super) const STATISTICS: &str = "portolan_clients";

/// The filter; none where clients are not counted.
pub(super) fn filter(clients: &Clients, service: Option<&RateLimitUrl>) -> Option<Value> {
    const NAMES: Names = Names {
        filter: NAME,
        statistics: STATISTICS,
        runtime: "portolan.client_limits",
        headers: HeadersOf::Networks,
    };
    let limits = clients.limits().filter(|limits| !limits.networks().is_empty())?;
    let numbered = limits.networks().iter().enumerate();
    let descriptors = numbered.map(|(number, limit)| descriptor(number, limit));
    let actions = counted(limits).collect();
    Some(local_rate_limit::filter(&NAMES, (limits, service), actions, descriptors.collect()))
}

/// What requests are counted by, for each limit.
pub(super) fn counted(limits: &ClientLimits) -> impl Iterator<Item = Value> {
    let numbered = limits.networks().iter().enumerate();
    numbered.map(|(number, limit)| actions(number, limit, limits.except()))
}

/// What a request is counted by: which limit it is, and the network of the client. A client that is
/// not limited has the first of these not, and is counted by nothing.
fn actions(number: usize, limit: &NetworkLimit, except: &[IpNet]) -> Value {
    let which = number.to_string();
    let counted = if except.is_empty() {
        json!({"generic_key": {"descriptor_key": WHICH, "descriptor_value": which}})
    } else {
        but_for(except, WHICH, &which)
    };
    let network = json!({NETWORK: {
        "v4_prefix_mask_len": limit.ipv4,
        "v6_prefix_mask_len": limit.ipv6,
    }});
    json!({"actions": [counted, network]})
}

/// What Envoy calls the second of the actions, and its value.
const NETWORK: &str = "masked_remote_address";
const WHICH: &str = "limit";

/// A bucket for each network.
fn descriptor(number: usize, limit: &NetworkLimit) -> Value {
    bucket(&keys(number), (limit.requests, limit.per), limit.burst)
}

/// The keys of the limit of this number: one without a value stands for every value.
pub(super) fn keys(number: usize) -> [Value; 2] {
    [json!({"key": WHICH, "value": number.to_string()}), json!({"key": NETWORK})]
}
