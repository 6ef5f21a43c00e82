//! The bootstrap: the whole configuration in one file.

use portolan_core::contract::without_fingerprint;
use serde_json::{Value, json};

use super::model::Model;
use super::model::clusters::ListCluster;
use super::resolver::resolver;
use super::socket::address;
use super::typed::object;
use super::{
    admin_access, aggregate, cache, cluster, egress, fill_listener, filter, global_rate_limit,
    http_redirect, listener, overload, redirect_target_cluster, service_cluster, stats, tracing,
};

/// The bootstrap of an Envoy.
///
/// Everything is static: no server is asked for configuration, so nothing but this file decides
/// where a request can go. Only secrets are in files of their own.
pub(super) fn bootstrap(model: &Model<'_>) -> Value {
    let extensions = admin_access::bootstrap_extensions(model.admin, &model.connect_proxies);
    let extensions =
        if extensions.is_empty() { json!({}) } else { json!({"bootstrap_extensions": extensions}) };
    let all = json!({
        "node": node(model),
        "admin": {"address": address(model.admin.address)},
        "overload_manager": overload::manager(model.limits),
        "typed_dns_resolver_config": resolver(),
        "static_resources": {
            "listeners": listeners(model),
            "clusters": clusters(model),
        },
    });
    let records = model.serving.records;
    let manager = cluster_manager(model);
    object([
        extensions,
        manager,
        stats::config(records),
        filter::runtime(model.serving.filter),
        all,
    ])
}

/// Where there are thousands of lists, a thread of Envoy's makes what it needs of a cluster when a
/// request is for it, and not as it starts. Every cluster of a list is otherwise told of every
/// cluster that comes, on each thread.
fn cluster_manager(model: &Model<'_>) -> Value {
    if model.serving.groups.are_many {
        json!({"cluster_manager": {"enable_deferred_cluster_creation": true}})
    } else {
        Value::Null
    }
}

fn clusters(model: &Model<'_>) -> Vec<Value> {
    let trust = model.trust;
    let mut all: Vec<Value> = Vec::new();
    all.extend(model.clusters.reads.iter().map(|each| cluster::cluster(each, trust)));
    all.extend(model.clusters.lists.iter().map(|each| match each {
        ListCluster::Group(group) => aggregate::cluster(group, trust.secrets),
        ListCluster::Owner(owner) => cluster::cluster(owner, trust),
    }));
    all.extend(model.clusters.later_backends.iter().map(|each| cluster::cluster(each, trust)));
    let groups = model.clusters.later_groups.iter();
    all.extend(groups.map(|group| aggregate::cluster(group, trust.secrets)));
    let before_caches = model.clusters.before_caches.iter();
    all.extend(before_caches.map(|group| aggregate::cluster(group, trust.secrets)));
    let sparing = model.clusters.sparing.iter();
    all.extend(sparing.map(|group| aggregate::cluster(group, trust.secrets)));
    let redirects = model.serving.followed.iter();
    all.extend(redirects.flat_map(|followed| redirect_target_cluster::clusters(followed, trust)));
    all.extend(model.services.all.iter().map(|each| service_cluster::cluster(each, trust)));
    all.extend(egress::clusters(&model.connect_proxies));
    all.extend(admin_access::clusters(model.admin));
    all.extend(tracing::cluster(model.serving.records.collector, trust));
    all.extend(global_rate_limit::cluster(model.serving.records.rate_limit_service, trust));
    all.extend(cache::clusters(&model.caches, trust));
    all.into_iter().map(with_name_of_statistics).collect()
}

fn listeners(model: &Model<'_>) -> Vec<Value> {
    let sockets = model.listeners.sockets;
    let mut all = listener::listeners(model);
    let redirect = model.listeners.http_redirect.as_ref();
    all.extend(redirect.map(|each| http_redirect::listener(each, sockets, &model.serving)));
    let fill = model.listeners.fill.as_ref();
    all.extend(fill.map(|fill| fill_listener::listener(fill, sockets, model.trust.secrets)));
    all.extend(egress::listener(&model.connect_proxies));
    all.extend(admin_access::listeners(model.admin, model.serving.records));
    all
}

/// What Envoy says of itself: which policy it was made for, unless that is no matter of this file.
fn node(model: &Model<'_>) -> Value {
    let policy = if model.target.is_changed_while_envoy_runs() {
        Value::Null
    } else {
        json!({"metadata": {"portolan": {"policy": model.serving.records.policy}}})
    };
    object([json!({"id": "portolan", "cluster": "portolan"}), policy])
}

/// Statistics go on when a policy changes: a cluster has the name there that the policy has for it.
fn with_name_of_statistics(cluster: Value) -> Value {
    let name = cluster.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let plain = without_fingerprint(&name);
    if plain == name {
        return cluster;
    }
    object([json!({"name": name, "alt_stat_name": plain}), cluster])
}
