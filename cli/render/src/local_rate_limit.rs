//! Envoy's local rate limit: one table for all workers, so that a limit holds for any number of
//! them.

use std::time::Duration;

use ipnet::IpNet;
use portolan_core::config::ClientLimits;
use serde_json::{Value, json};

use super::client_address::ranges;
use super::rate_limit_service::RateLimitUrl;
use super::typed::extension;

/// The message of the filter.
pub(super) const MESSAGE: &str = "extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/// What the filter is called, what its statistics begin with, under which key it could be changed
/// while Envoy runs (Envoy wants one), and who it is among those that write headers.
pub(super) struct Names {
    pub(super) filter: &'static str,
    pub(super) statistics: &'static str,
    pub(super) runtime: &'static str,
    pub(super) headers: HeadersOf,
}

/// Who says in `x-ratelimit-` headers how much a client has left. Each filter would add its own
/// beside those of another one, and each header is to stand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadersOf {
    /// The limits of networks, which count every request.
    Networks,
    /// The budgets, which count some.
    Budgets,
    /// What counts for all Envoys.
    Service,
}

impl HeadersOf {
    /// Who it is for these limits, with a service that counts them or without one.
    fn of(limits: &ClientLimits, service: Option<&RateLimitUrl>) -> Self {
        match service {
            Some(_) => Self::Service,
            None if limits.networks().is_empty() => Self::Budgets,
            None => Self::Networks,
        }
    }
}

/// The filter, of what a request is counted by and of the bucket of each value of that.
pub(super) fn filter(
    names: &Names,
    (limits, service): (&ClientLimits, Option<&RateLimitUrl>),
    actions: Vec<Value>,
    descriptors: Vec<Value>,
) -> Value {
    let always = |what: &str| {
        json!({
            "runtime_key": format!("{}.{what}", names.runtime),
            "default_value": {"numerator": 100, "denominator": "HUNDRED"},
        })
    };
    let writes_headers = names.headers == HeadersOf::of(limits, service);
    let mut fields = json!({
        "stat_prefix": names.statistics,
        "filter_enabled": always("enabled"),
        "filter_enforced": always("enforced"),
        "always_consume_default_token_bucket": false,
        "enable_x_ratelimit_headers": if writes_headers { "DRAFT_VERSION_03" } else { "OFF" },
        "enable_retry_after_header": true,
        "max_dynamic_descriptors": limits.entries(),
    });
    if let Value::Object(fields) = &mut fields {
        fields.insert("rate_limits".to_owned(), actions.into());
        fields.insert("descriptors".to_owned(), descriptors.into());
    }
    extension(names.filter, MESSAGE, fields)
}

/// An action that clients of these networks have not, so that they are counted by nothing.
pub(super) fn but_for(except: &[IpNet], key: &str, value: &str) -> Value {
    json!({"remote_address_match": {
        "descriptor_key": key,
        "descriptor_value": value,
        "address_matcher": {"ranges": ranges(except), "invert_match": true},
    }})
}

/// A bucket for each value of its entries: one without a value stands for every value.
pub(super) fn bucket(entries: &[Value], (requests, per): (u32, Duration), burst: u32) -> Value {
    json!({
        "entries": entries,
        "token_bucket": {
            "max_tokens": burst,
            "tokens_per_fill": requests,
            "fill_interval": format!("{}s", per.as_secs_f64()),
        },
    })
}
