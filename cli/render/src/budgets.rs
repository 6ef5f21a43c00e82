//! Budgets: rate limits of requests of one kind, counted behind the filter, which has noted front,
//! class, region and backend.
//!
//! What the filter answers itself (a refusal, the ping, a redirect) is not carried and not counted.
//! Envoy counts in one table for all its workers.

use ipnet::IpNet;
use portolan_core::config::{Budget, ClientLimits, Clients, Each};
use portolan_core::contract::{StateKey, headers};
use serde_json::{Value, json};

use super::local_rate_limit::{self, HeadersOf, Names, bucket, but_for};
use super::rate_limit_service::RateLimitUrl;
use super::typed::extension;

/// The name of the filter, by which routes switch it off: the further passes of a request are the
/// same request.
pub(super) const NAME: &str = "portolan.budgets";

/// The filter; none where no budget is kept.
pub(super) fn filter(clients: &Clients, service: Option<&RateLimitUrl>) -> Option<Value> {
    const NAMES: Names = Names {
        filter: NAME,
        statistics: "portolan_budgets",
        runtime: "portolan.client_limits.budgets",
        headers: HeadersOf::Budgets,
    };
    let limits = clients.limits().filter(|limits| !limits.budgets().is_empty())?;
    let numbered = limits.budgets().iter().enumerate();
    let descriptors = numbered.map(|(number, budget)| descriptor(number, budget, limits.except()));
    let actions = counted(limits).collect();
    Some(local_rate_limit::filter(&NAMES, (limits, service), actions, descriptors.collect()))
}

/// What requests are counted by, for each budget.
pub(super) fn counted(limits: &ClientLimits) -> impl Iterator<Item = Value> {
    let numbered = limits.budgets().iter().enumerate();
    numbered.map(|(number, budget)| actions(number, budget, limits.except()))
}

/// What a request is counted by: which budget it is, and what that is kept apart by. A request that
/// the budget is not about has the first of these not, and is counted by nothing.
fn actions(number: usize, budget: &Budget, except: &[IpNet]) -> Value {
    let which = expression(WHICH, &format!("{} ? '{number}' : ''", condition(budget)));
    let excepted = (!except.is_empty()).then(|| but_for(except, COUNTED, COUNTED));
    let apart = budget.each.iter().map(|each| {
        let noted = |state_key| expression(key(*each), &state(state_key));
        match each {
            Each::Front => noted(StateKey::Front),
            Each::Class => noted(StateKey::Kind),
            Each::Region => noted(StateKey::Region),
            // Envoy has no value for a request without a user, and counts it by nothing.
            Each::User => noted(StateKey::User),
            Each::Client => {
                json!({(key(*each)): {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": 64}})
            }
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

/// What a value is called that budgets are kept apart by. The last one is Envoy's word.
const fn key(each: Each) -> &'static str {
    match each {
        Each::Front => "front",
        Each::Class => "class",
        Each::Region => "region",
        Each::User => "user",
        Each::Client => "masked_remote_address",
    }
}

/// A bucket for each value of what it is kept apart by.
fn descriptor(number: usize, budget: &Budget, except: &[IpNet]) -> Value {
    bucket(&keys(number, budget, except), (budget.requests, budget.per), budget.burst)
}

/// The keys of the budget of this number: one without a value stands for every value.
pub(super) fn keys(number: usize, budget: &Budget, except: &[IpNet]) -> Vec<Value> {
    let which = json!({"key": WHICH, "value": number.to_string()});
    let counted = (!except.is_empty()).then(|| json!({"key": COUNTED, "value": COUNTED}));
    let apart = budget.each.iter().map(|each| json!({"key": key(*each)}));
    [which].into_iter().chain(counted).chain(apart).collect()
}
