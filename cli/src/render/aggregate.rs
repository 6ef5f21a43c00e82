//! One cluster a list of backends: Envoy goes through its members from the first to the last.

use std::collections::BTreeSet;

use portolan_core::config::ids::BackendId;
use portolan_core::config::{Backend, Config, List};
use portolan_core::contract::clusters;
use serde_json::{Value, json};

use super::options::Options;
use super::socket::BUFFER_BYTES;
use super::typed::{extension, object};
use super::upstream_filters::{self, Destination};
use super::{cluster, health, origin};

/// The aggregate cluster of a list, for the first attempt of a request.
///
/// Its upstream filters run anew for every attempt; those of its members would be ignored.
/// Retries are counted here and not at the members; Envoy's own 3 at once would let most of a
/// burst fail that one retry each would have saved, so nobody is rationed.
pub(super) fn cluster(list: &List, config: &Config, options: &Options) -> Value {
    let backends: Vec<&Backend> =
        list.backends().iter().filter_map(|id| config.backend(*id)).collect();
    let members: Vec<String> =
        backends.iter().map(|backend| backend.cluster().to_owned()).collect();
    aggregate(list.cluster(), &members, Destination::List(&backends), config, options)
}

/// The clusters of the attempts after the first: one for each backend of a list of several, and one for
/// each set of backends that may be left to ask when one of a longer list was.
///
/// Lists that are longer than [`LONGEST`] have too many such sets. Their attempts go to the cluster of the
/// list until one backend is left.
pub(super) fn last_resorts(config: &Config, options: &Options) -> Vec<Value> {
    // Only the filter names them.
    let lists = config.lists().iter();
    let lists = lists.filter(|list| options.filter.is_some() && list.has_fallback());
    // A cache is asked first or not at all.
    let is_registry = |id: &BackendId| config.cache(*id).is_none();
    let sets = lists.flat_map(|list| rests(list.backends()));
    let all: BTreeSet<Vec<BackendId>> = sets.filter(|ids| ids.iter().all(is_registry)).collect();
    let backends = |ids: &[BackendId]| -> Vec<&Backend> {
        ids.iter().filter_map(|id| config.backend(*id)).collect()
    };
    let (singles, sets): (Vec<_>, Vec<_>) =
        all.iter().map(|ids| backends(ids)).partition(|backends| backends.len() == 1);
    let singles = singles.into_iter().flatten();
    let singles = singles.map(|backend| cluster::as_last_resort(backend, config, options));
    let sets = sets.into_iter().map(|backends| {
        let keys: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
        let members: Vec<String> =
            keys.iter().map(|key| clusters::later_attempts(&[*key])).collect();
        let name = clusters::later_attempts(&keys);
        aggregate(&name, &members, Destination::List(&backends), config, options)
    });
    singles.chain(sets).collect()
}

/// The clusters of first attempts where some backends of a list are asked after the others.
///
/// Each has all of the list, so that a request has somebody to go to while those that would be asked first are down.
pub(super) fn sparing(config: &Config, options: &Options) -> Vec<Value> {
    let lists = config.lists().iter();
    let lists = lists.filter(|list| options.filter.is_some() && list.has_fallback());
    let is_registry = |id: &BackendId| config.cache(*id).is_none();
    let lists = lists.filter(|list| list.backends().iter().all(is_registry));
    let all: BTreeSet<(Vec<BackendId>, usize)> =
        lists.flat_map(|list| orders(list.backends())).collect();
    let cluster = |(ids, spared): &(Vec<BackendId>, usize)| {
        let backends: Vec<&Backend> = ids.iter().filter_map(|id| config.backend(*id)).collect();
        let keys: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
        let members: Vec<String> =
            backends.iter().map(|backend| backend.cluster().to_owned()).collect();
        let name = clusters::sparing(&keys, *spared);
        aggregate(&name, &members, Destination::Sparing(&backends, *spared), config, options)
    };
    all.iter().map(cluster).collect()
}

/// The orders in which a list is asked where some of it is asked after the others, but for its own, as far as they have
/// clusters, and how many are asked after the others.
pub(super) fn orders<T: Copy + Ord>(list: &[T]) -> BTreeSet<(Vec<T>, usize)> {
    if list.len() > LONGEST {
        return BTreeSet::new();
    }
    let in_order = |first: Vec<T>| {
        let spared: Vec<T> = list.iter().filter(|one| !first.contains(one)).copied().collect();
        let count = spared.len();
        ([first, spared].concat(), count)
    };
    rests(list).into_iter().map(in_order).filter(|(order, _)| order != list).collect()
}

/// What may be left to ask of a list when some of it was asked, in its order, as far as it has a cluster.
pub(super) fn rests<T: Copy + Ord>(list: &[T]) -> BTreeSet<Vec<T>> {
    if list.len() > LONGEST {
        return list.iter().map(|one| vec![*one]).collect();
    }
    let mut rests = BTreeSet::from([Vec::new()]);
    for one in list {
        let with_it: Vec<Vec<T>> =
            rests.iter().map(|rest| [rest.as_slice(), &[*one]].concat()).collect();
        rests.extend(with_it);
    }
    rests.retain(|rest| !rest.is_empty() && rest.len() < list.len());
    rests
}

/// The length of a list up to which each set of its backends has a cluster, 56 at most, and each order of it, 57.
const LONGEST: usize = 6;

fn aggregate(
    name: &str,
    members: &[String],
    destination: Destination<'_>,
    config: &Config,
    options: &Options,
) -> Value {
    let plain = object([
        json!({"explicit_http_config": {"http_protocol_options": {}}}),
        health::no_answer_takes_a_backend_out(),
    ]);
    let filters = upstream_filters::filters(config, destination, options);
    object([
        json!({
            "name": name,
            "connect_timeout": "3s",
            "lb_policy": "CLUSTER_PROVIDED",
            "per_connection_buffer_limit_bytes": BUFFER_BYTES,
            "cluster_type": extension(
                "envoy.clusters.aggregate",
                "extensions.clusters.aggregate.v3.ClusterConfig",
                json!({"clusters": members}),
            ),
            "circuit_breakers": {"thresholds": [{
                "max_connections": UNLIMITED,
                "max_pending_requests": UNLIMITED,
                "max_requests": UNLIMITED,
                "max_retries": UNLIMITED,
            }]},
        }),
        origin::protocol_options(plain, filters),
    ])
}

/// The members have the limits.
const UNLIMITED: u32 = u32::MAX;
