//! How many requests of a kind are carried, counted behind the filter: it has noted front, class, region and backend.
//!
//! What the filter answers itself (a refusal, the ping, a redirect) is not carried and not counted. Envoy counts in one
//! table for all its workers.

use portolan_core::config::{Budget, ClientLimits, Clients, Each};
use portolan_core::contract::{StateKey, headers};
use serde_json::{Value, json};

use super::client_address::ranges;
use super::client_limits::{MESSAGE, always};
use super::typed::extension;

/// The name of the filter, by which routes switch it off: the further passes of a request are the same request.
pub(super) const NAME: &str = "portolan.budgets";
/// What the statistics of it begin with.
const STATISTICS: &str = "portolan_budgets";

/// The filter; none where no budget is kept.
pub(super) fn filter(clients: &Clients) -> Option<Value> {
    let limits = clients.limits().filter(|limits| !limits.budgets().is_empty())?;
    Some(extension(NAME, MESSAGE, fields(limits)))
}

fn fields(limits: &ClientLimits) -> Value {
    let numbered = || limits.budgets().iter().enumerate();
    let actions: Vec<Value> =
        numbered().map(|(number, budget)| actions(number, budget, limits.except())).collect();
    let descriptors: Vec<Value> =
        numbered().map(|(number, budget)| descriptor(number, budget, limits.except())).collect();
    json!({
        "stat_prefix": STATISTICS,
        "filter_enabled": always("budgets.enabled"),
        "filter_enforced": always("budgets.enforced"),
        "always_consume_default_token_bucket": false,
        "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "enable_retry_after_header": true,
        "max_dynamic_descriptors": limits.entries(),
        "rate_limits": actions,
        "descriptors": descriptors,
    })
}

/// What a request is counted by: which budget it is, and what that is kept apart by. A request that the budget is not about
/// has the first of these not, and is counted by nothing.
fn actions(number: usize, budget: &Budget, except: &[ipnet::IpNet]) -> Value {
    let which = expression(WHICH, &format!("{} ? '{number}' : ''", condition(budget)));
    let excepted = (!except.is_empty()).then(|| {
        json!({"remote_address_match": {
            "descriptor_key": COUNTED,
            "descriptor_value": COUNTED,
            "address_matcher": {"ranges": ranges(except), "invert_match": true},
        }})
    });
    let apart = budget.each.iter().map(|each| match each {
        Each::Front => expression("front", &state(StateKey::Front)),
        Each::Class => expression("class", &state(StateKey::Kind)),
        Each::Region => expression("region", &state(StateKey::Region)),
        Each::Client => {
            json!({"masked_remote_address": {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}})
        }
    });
    let all: Vec<Value> = [which].into_iter().chain(excepted).chain(apart).collect();
    json!({"actions": all})
}

const WHICH: &str = "budget";
const COUNTED: &str = "counted";

/// Whether a budget is about a request, in CEL. Names of a policy have no quotes in them.
fn condition(budget: &Budget) -> String {
    let parts = [
        is_among(StateKey::Front, &budget.fronts),
        is_among(StateKey::Kind, &budget.classes),
        is_among(StateKey::Region, &budget.regions),
        of_backends(&budget.backends),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "true".to_owned() } else { parts.join(" && ") }
}

fn is_among(key: StateKey, names: &[impl AsRef<str>]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| format!("b'{}'", name.as_ref())).collect();
    (!names.is_empty()).then(|| format!("{} in [{}]", state(key), names.join(", ")))
}

/// Whether one of these backends is asked first: the name of a list's cluster begins with it.
fn of_backends(names: &[String]) -> Option<String> {
    let names: Vec<String> = names.iter().map(|name| name.replace('.', "[.]")).collect();
    let header = format!("request.headers['{}']", headers::CLUSTER);
    (!names.is_empty()).then(|| format!("{header}.matches('^({})([~@+].*)?$')", names.join("|")))
}

fn state(key: StateKey) -> String {
    format!("filter_state['{}']", key.object())
}

fn expression(key: &str, text: &str) -> Value {
    json!({"extension": extension(
        "envoy.rate_limit_descriptors.expr",
        "extensions.rate_limit_descriptors.expr.v3.Descriptor",
        json!({"descriptor_key": key, "text": text}),
    )})
}

/// A bucket for each value of what it is kept apart by: an entry without a value stands for every one.
fn descriptor(number: usize, budget: &Budget, except: &[ipnet::IpNet]) -> Value {
    let which = json!({"key": WHICH, "value": number.to_string()});
    let counted = (!except.is_empty()).then(|| json!({"key": COUNTED, "value": COUNTED}));
    let apart = budget.each.iter().map(|each| {
        json!({"key": match each {
            Each::Front => "front",
            Each::Class => "class",
            Each::Region => "region",
            Each::Client => "masked_remote_address",
        }})
    });
    let entries: Vec<Value> = [which].into_iter().chain(counted).chain(apart).collect();
    json!({
        "entries": entries,
        "token_bucket": {
            "max_tokens": budget.burst,
            "tokens_per_fill": budget.requests,
            "fill_interval": format!("{}s", budget.per.as_secs_f64()),
        },
    })
}
