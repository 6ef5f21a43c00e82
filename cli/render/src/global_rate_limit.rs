//! Limits that hold for several Envoys together: a rate limit service counts (Envoy's "Global rate
//! limiting").
//!
//! Each Envoy asks it about the requests that its own limits have let through, behind the filter:
//! where nothing is known of a request yet, Envoy has no cluster for it and asks nobody. If the
//! service does not answer, the limits of each Envoy are what is left.

use std::time::Duration;

use portolan_core::config::{Budget, Clients, NetworkLimit};
use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::error::RenderError;
use super::model::services::publicly;
use super::model::trust::Trust;
use super::rate_limit_service::{RateLimitUrl, window};
use super::typed::extension;
use super::{budgets, client_limits, small_cluster, upstream_tls};

/// The name of the filter, by which routes switch it off: the further passes of a request are the
/// same request.
pub(super) const NAME: &str = "portolan.limits_of_all";

/// The message of the filter.
pub(super) const MESSAGE: &str = "extensions.filters.http.ratelimit.v3.RateLimit";

/// What the counters of the filter have in their names,
/// `cluster.NAME.ratelimit.portolan.over_limit`.
const STATISTICS: &str = "portolan";

/// What the service calls the limits of one policy.
const DOMAIN: &str = "portolan";

/// How long a request waits for the service. It goes on after that.
const PATIENCE: &str = "0.1s";

/// The filter; none where there is no service, or nothing to count.
pub(super) fn filter(clients: &Clients, service: Option<&RateLimitUrl>) -> Option<Value> {
    service?;
    let limits = clients.limits()?;
    let all = client_limits::counted(limits).chain(budgets::counted(limits));
    Some(extension(
        NAME,
        MESSAGE,
        json!({
            "domain": DOMAIN,
            "stat_prefix": STATISTICS,
            "timeout": PATIENCE,
            "failure_mode_deny": false,
            "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
            "disable_x_envoy_ratelimited_header": true,
            "rate_limit_service": {
                "transport_api_version": "V3",
                "grpc_service": {"envoy_grpc": {"cluster_name": clusters::RATE_LIMITS}},
            },
            "rate_limits": all.collect::<Vec<Value>>(),
        }),
    ))
}

/// The cluster of the service.
pub(super) fn cluster(service: Option<&RateLimitUrl>, trust: Trust<'_>) -> Option<Value> {
    let RateLimitUrl { url, .. } = service?;
    let transport = upstream_tls::transport(clusters::RATE_LIMITS, url, &publicly(url), trust);
    Some(small_cluster::of_grpc(clusters::RATE_LIMITS, url, transport))
}

/// The configuration of the service (`envoyproxy/ratelimit`) for the limits of a policy, in YAML.
///
/// # Errors
///
/// A policy without limits, or one with a `per` that is no window of the service.
pub(crate) fn of_service(clients: &Clients) -> Result<Value, RenderError> {
    let limits = clients.limits().ok_or(RenderError::NothingToCount)?;
    let networks = limits.networks().iter().enumerate().map(|(number, limit)| {
        let NetworkLimit { requests, per, .. } = *limit;
        let rate = rate("networks", number, requests, per)?;
        Ok(nested(&client_limits::keys(number), &rate))
    });
    let budgets = limits.budgets().iter().enumerate().map(|(number, budget)| {
        let Budget { requests, per, .. } = *budget;
        let rate = rate("budgets", number, requests, per)?;
        Ok(nested(&budgets::keys(number, budget, limits.except()), &rate))
    });
    let all: Result<Vec<Value>, RenderError> = networks.chain(budgets).collect();
    Ok(json!({"domain": DOMAIN, "descriptors": all?}))
}

/// How many requests, in which window.
fn rate(
    list: &'static str,
    number: usize,
    requests: u32,
    per: Duration,
) -> Result<Value, RenderError> {
    Ok(json!({"unit": window(list, number, per)?, "requests_per_unit": requests}))
}

/// Descriptors, each inside of the one before; the last one has the rate.
fn nested(keys: &[Value], rate: &Value) -> Value {
    let mut inner = Value::Null;
    for key in keys.iter().rev() {
        let mut descriptor = key.clone();
        if let Value::Object(fields) = &mut descriptor {
            if inner.is_null() {
                fields.insert("rate_limit".to_owned(), rate.clone());
            } else {
                fields.insert("descriptors".to_owned(), json!([inner]));
            }
        }
        inner = descriptor;
    }
    inner
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::config;

    fn service(limits: &Value) -> Result<Value, String> {
        let config = config(&json!({"limits": limits}));
        of_service(config.clients()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_the_service_reads_are_the_keys_that_envoy_sends() {
        let limits = json!({
            "networks": [{"requests": 600, "per": "1m"}],
            "budgets": [
                {"requests": 9, "per": "1h", "each": ["front", "client"]},
                {"requests": 5, "per": "1s"},
            ],
            "except": ["10.0.0.0/8"],
        });
        let of_front = json!({"key": "front", "descriptors": [{
            "key": "masked_remote_address",
            "rate_limit": {"unit": "hour", "requests_per_unit": 9},
        }]});
        let expected = json!({"domain": "portolan", "descriptors": [
            {"key": "limit", "value": "0", "descriptors": [{
                "key": "masked_remote_address",
                "rate_limit": {"unit": "minute", "requests_per_unit": 600},
            }]},
            {"key": "budget", "value": "0", "descriptors": [
                {"key": "counted", "value": "counted", "descriptors": [of_front]},
            ]},
            {"key": "budget", "value": "1", "descriptors": [{
                "key": "counted",
                "value": "counted",
                "rate_limit": {"unit": "second", "requests_per_unit": 5},
            }]},
        ]});
        assert_eq!(service(&limits).unwrap(), expected);
    }

    #[test]
    fn a_time_that_is_no_window_of_the_service_is_refused_with_its_field() {
        let limits =
            json!({"budgets": [{"requests": 5, "per": "1m"}, {"requests": 5, "per": "90s"}]});
        let said = service(&limits).unwrap_err();
        assert!(said.starts_with("clients.limits.budgets[1].per: "), "{said}");
        assert!(said.contains("`1s`, `1m`, `1h` or `24h`"), "{said}");
    }

    #[test]
    fn a_policy_without_limits_has_nothing_to_count() {
        let found = of_service(config(&json!({})).clients()).map_err(|error| error.to_string());
        assert!(found.unwrap_err().contains("clients.limits"));
    }
}
