//! The cluster of an attempt: at first the one that the route says, then the one that the filter has named.
//!
//! What the filter names is in Envoy's filter state, which no client and no upstream writes.

use portolan_core::config::{Backend, Config};
use portolan_core::contract::{StateKey, clusters, headers};
use serde_json::{Map, Value, json};

use super::aggregate::{orders, rests};
use super::typed::extension;

/// The part of a route's action that says to which cluster an attempt goes. `backend` narrows the clusters
/// that the filter may name to those of the lists that it is in.
pub(super) fn specifier(config: &Config, backend: Option<&Backend>, first: &Value) -> Value {
    let is_in = |keys: &[&str]| backend.is_none_or(|backend| keys.contains(&backend.key()));
    let mut named = Map::new();
    for list in config.lists().iter().filter(|list| list.has_fallback()) {
        let members = list.backends().iter().filter_map(|id| config.backend(*id));
        let members: Vec<&str> = members.map(Backend::key).collect();
        if is_in(&members) {
            let has_no_cache = |keys: &[&str]| !keys.iter().any(|key| clusters::is_cache(key));
            let sets = rests(&members).into_iter().filter(|rest| has_no_cache(rest));
            let orders = orders(&members).into_iter().filter(|(order, _)| has_no_cache(order));
            let clusters = sets
                .map(|rest| clusters::later_attempts(&rest))
                .chain(orders.map(|(order, spared)| clusters::sparing(&order, spared)));
            named.extend(clusters.map(|cluster| (cluster.clone(), to_cluster(&cluster))));
        }
    }
    let input = extension(
        "next-cluster",
        "extensions.matching.common_inputs.network.v3.FilterStateInput",
        json!({"key": StateKey::NextCluster.object()}),
    );
    let matcher = json!({
        "matcher_tree": {"input": input, "exact_match_map": {"map": named}},
        "on_no_match": first,
    });
    json!({"inline_cluster_specifier_plugin": {"extension": extension(
        "envoy.router.cluster_specifier_plugin.matcher",
        "extensions.router.cluster_specifiers.matcher.v3.MatcherClusterSpecifier",
        json!({"cluster_matcher": matcher}),
    )}})
}

/// The cluster that the filter has named in the request.
pub(super) fn of_the_request(config: &Config) -> Value {
    let input = extension(
        "request-headers",
        "type.matcher.v3.HttpRequestHeaderMatchInput",
        json!({"header_name": headers::CLUSTER}),
    );
    let lists = config.lists().iter();
    let clusters: Map<String, Value> =
        lists.map(|list| (list.cluster().to_owned(), to_cluster(list.cluster()))).collect();
    json!({"matcher": {"matcher_tree": {"input": input, "exact_match_map": {"map": clusters}}}})
}

/// Always this cluster.
pub(super) fn to_cluster(cluster: &str) -> Value {
    json!({"action": extension(
        "cluster",
        "extensions.router.cluster_specifiers.matcher.v3.ClusterAction",
        json!({"cluster": cluster}),
    )})
}
