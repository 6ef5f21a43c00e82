//! How many requests clients may make, counted before the filter sees one.
//!
//! Envoy counts in one table for all its workers, so a limit holds however many connections and workers there are. It is
//! one Envoy's limit: several count each for itself.

use portolan_core::config::{ClientLimits, Clients, NetworkLimit};
use serde_json::{Value, json};

use super::client_address::ranges;
use super::typed::extension;

pub(super) const NAME: &str = "envoy.filters.http.local_ratelimit";
pub(super) const MESSAGE: &str = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit";
/// What the statistics of it begin with.
pub(super) const STATISTICS: &str = "portolan_clients";

/// The filter; none where clients are not counted.
pub(super) fn filter(clients: &Clients) -> Option<Value> {
    let limits = clients.limits().filter(|limits| !limits.networks().is_empty())?;
    Some(extension(NAME, MESSAGE, fields(limits)))
}

fn fields(limits: &ClientLimits) -> Value {
    let numbered = || limits.networks().iter().enumerate();
    let actions: Vec<Value> =
        numbered().map(|(number, limit)| actions(number, limit, limits.except())).collect();
    let descriptors: Vec<Value> =
        numbered().map(|(number, limit)| descriptor(number, limit)).collect();
    json!({
        "stat_prefix": STATISTICS,
        "filter_enabled": always("enabled"),
        "filter_enforced": always("enforced"),
        "always_consume_default_token_bucket": false,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "enable_retry_after_header": true,
        "max_dynamic_descriptors": limits.entries(),
        "rate_limits": actions,
        "descriptors": descriptors,
    })
}

/// What a request is counted by: which limit it is, and the network of the client. A client that is not limited has the
/// first of these not, and is counted by nothing.
fn actions(number: usize, limit: &NetworkLimit, except: &[ipnet::IpNet]) -> Value {
    let which = number.to_string();
    let counted = if except.is_empty() {
        json!({"generic_key": {"descriptor_key": WHICH, "descriptor_value": which}})
    } else {
        json!({"remote_address_match": {
            "descriptor_key": WHICH,
            "descriptor_value": which,
            "address_matcher": {"ranges": ranges(except), "invert_match": true},
        }})
    };
    let network = json!({"masked_remote_address": {
        "v4_prefix_mask_len": limit.ipv4,
        "v6_prefix_mask_len": limit.ipv6,
    }});
    json!({"actions": [counted, network]})
}

/// What Envoy calls the second of the actions.
const NETWORK: &str = "masked_remote_address";
const WHICH: &str = "limit";

/// A bucket for each network: an entry without a value stands for every one.
fn descriptor(number: usize, limit: &NetworkLimit) -> Value {
    json!({
        "entries": [{"key": WHICH, "value": number.to_string()}, {"key": NETWORK}],
        "token_bucket": {
            "max_tokens": limit.burst,
            "tokens_per_fill": limit.requests,
            "fill_interval": format!("{}s", limit.per.as_secs_f64()),
        },
    })
}

/// Envoy wants a key under which the part could be changed while it runs.
pub(super) fn always(what: &str) -> Value {
    json!({
        "runtime_key": format!("portolan.client_limits.{what}"),
        "default_value": {"numerator": 100, "denominator": "HUNDRED"},
    })
}
