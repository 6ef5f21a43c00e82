//! The whole configuration.

use portolan_core::config::{Config, Purpose};
use portolan_core::contract::without_fingerprint;
use serde_json::{Value, json};

use super::options::Options;
use super::resolver::resolver;
use super::socket::address;
use super::typed::object;
use super::{
    admin_access, aggregate, cache, cluster, egress, fill_listener, filter, http_redirect,
    listener, overload, redirect_cluster, service_cluster, stats, tracing,
};

/// The bootstrap of an Envoy that serves `config`.
///
/// `policy_json` is the same policy as the filter reads it. Everything is static: no server is
/// asked for configuration, so nothing but this file decides where a request can go. Only secrets
/// are in files of their own.
pub(super) fn bootstrap(config: &Config, policy_json: &str, options: &Options) -> Value {
    let reads = config.backends().iter().map(|each| cluster::for_reads(each, config, options));
    let mut clusters: Vec<Value> = reads.collect();
    let lists = config.lists().iter();
    clusters.extend(lists.filter_map(|list| match (list.purpose(), list.backends()) {
        (Purpose::Read, [_]) => None,
        (Purpose::Read, _) => Some(aggregate::cluster(list, config, options)),
        (Purpose::Owner, owner) => {
            let backend = config.backend(*owner.first()?)?;
            (list.cluster() != backend.cluster())
                .then(|| cluster::for_owner(backend, config, options))
        }
    }));
    clusters.extend(aggregate::last_resorts(config, options));
    clusters.extend(aggregate::sparing(config, options));
    clusters.extend(redirect_cluster::all(config, options));
    clusters.extend(service_cluster::all(config, options));
    clusters.extend(egress::clusters(config));
    clusters.extend(admin_access::clusters(config, options));
    clusters.extend(tracing::cluster(options));
    clusters.extend(cache::clusters(config, options));
    let clusters: Vec<Value> = clusters.into_iter().map(with_name_of_statistics).collect();
    let mut listeners = listener::listeners(config, policy_json, options);
    listeners.extend(http_redirect::listener(config, options));
    listeners.extend(fill_listener::listener(options));
    listeners.extend(egress::listener(config, options));
    listeners.extend(admin_access::listeners(config, options));
    let extensions = admin_access::bootstrap_extensions(config, options);
    let extensions =
        if extensions.is_empty() { json!({}) } else { json!({"bootstrap_extensions": extensions}) };
    let all = json!({
        "node": node(options),
        "admin": {"address": address(options.admin)},
        "overload_manager": overload::manager(options.limits),
        "typed_dns_resolver_config": resolver(),
        "static_resources": {
            "listeners": listeners,
            "clusters": clusters,
        },
    });
    object([extensions, stats::config(options), filter::runtime(options.filter.as_ref()), all])
}

/// What Envoy says of itself: which policy it was made for, unless that is no matter of this file.
fn node(options: &Options) -> Value {
    let policy = if options.target.is_changed_while_envoy_runs() {
        Value::Null
    } else {
        json!({"metadata": {"portolan": {"policy": options.policy}}})
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
