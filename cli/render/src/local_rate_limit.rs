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

/// What the filter is called, what its statistics begin with, and under which key it could be
/// changed while Envoy runs: Envoy wants one.
pub(super) struct Names {
    pub(super) filter: &'static str,
    pub(super) statistics: &'static str,
    pub(super) runtime: &'static str,
}

/// Who says in `x-ratelimit-` headers how much a client has left: each header is to stand once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadersOf {
    /// The filters here.
    EachEnvoy,
    /// What counts for all Envoys.
    Service,
}

impl HeadersOf {
    /// Who it is with such a service, or without one.
    pub(super) const fn with(service: Option<&RateLimitUrl>) -> Self {
        if service.is_some() { Self::Service } else { Self::EachEnvoy }
    }

    /// Envoy's word.
    const fn word(self) -> &'static str {
        match self {
            Self::EachEnvoy => "DRAFT_VERSION_03",
            Self::Service => "OFF",
        }
    }
}

/// The filter, of what a request is counted by and of the bucket of each value of that.
pub(super) fn filter(
    names: &Names,
    (limits, headers): (&ClientLimits, HeadersOf),
    actions: Vec<Value>,
    descriptors: Vec<Value>,
) -> Value {
    let always = |what: &str| {
        json!({
            "runtime_key": format!("{}.{what}", names.runtime),
            "default_value": {"numerator": 100, "denominator": "HUNDRED"},
        })
    };
    let mut fields = json!({
        "stat_prefix": names.statistics,
        "filter_enabled": always("enabled"),
        "filter_enforced": always("enforced"),
        "always_consume_default_token_bucket": false,
        "enable_x_ratelimit_headers": headers.word(),
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
