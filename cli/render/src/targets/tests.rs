//! The policy of which the tests of gateways and meshes make objects.

use portolan_command::policy_file::{self, LoadedPolicy};
use portolan_policy_builder::{Backend, Policy, Region, Rule};
use serde_json::Value;

/// A policy with two regions of one backend each, and changes to it: a JSON pointer and what is to
/// stand there.
pub(super) fn policy(changes: &[(&str, Value)]) -> Value {
    let policy = Policy::new()
        .backend("eu", Backend::at("https://registry.eu.example/mirror"))
        .backend("us", Backend::at("http://192.0.2.7:5000"))
        .region("eu", Region::networks(["192.0.2.0/24"]))
        .rule(Rule::all().chain_of("eu", ["eu"]).chain(["us"]));
    let set = |policy: Policy, (pointer, value): &(&str, Value)| policy.set(pointer, value.clone());
    changes.iter().fold(policy, set).document()
}

/// The policy as a file that was read; or every mistake in it.
pub(super) fn loaded(policy: &Value) -> Result<LoadedPolicy, String> {
    policy_file::load_text(&policy.to_string(), "p.yaml").map_err(|all| format!("{all:?}"))
}
