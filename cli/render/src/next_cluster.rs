//! The cluster of an attempt: at first the cluster of the route, then the one that the filter has
//! named.
//!
//! What the filter names is in Envoy's filter state, which no client and no upstream writes.

use portolan_core::config::Backend;
use portolan_core::contract::{StateKey, headers};
use serde_json::{Map, Value, json};

use super::model::groups::{Group, Groups};
use super::typed::extension;

/// The part of a route's action that says to which cluster an attempt goes. `backend` narrows the
/// clusters that the filter may name to those of the lists that it is in.
pub(super) fn specifier(groups: &Groups<'_>, backend: Option<&Backend>, first: &Value) -> Value {
    let is_in = |group: &&Group<'_>| backend.is_none_or(|backend| group.has(backend));
    let named: Map<String, Value> = groups
        .several
        .iter()
        .filter(is_in)
        .flat_map(|group| &group.named)
        .map(|named| (named.name.clone(), to_cluster(&named.cluster)))
        .collect();
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
pub(super) fn of_the_request(groups: &Groups<'_>) -> Value {
    let input = extension(
        "request-headers",
        "type.matcher.v3.HttpRequestHeaderMatchInput",
        json!({"header_name": headers::CLUSTER}),
    );
    let clusters = groups.clusters.iter();
    let clusters: Map<String, Value> =
        clusters.map(|cluster| ((*cluster).to_owned(), to_cluster(cluster))).collect();
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
