//! The clusters of backends, and of lists of them.

use std::collections::BTreeSet;
use std::time::Duration;

use portolan_core::config::ids::BackendId;
use portolan_core::config::{Backend, BackendList, Config, Purpose};
use portolan_core::contract::clusters;

use super::groups::{Detail, before_a_cache, lists_of_stale_tags, orders, rests, unspared};
use super::upstream::{Destination, UpstreamFilters};
use crate::options::Options;

/// All of them.
pub(crate) struct Clusters<'p> {
    /// One for the reads of each backend.
    pub(crate) reads: Vec<BackendCluster<'p>>,
    /// One for each list that has none by that.
    pub(crate) lists: Vec<ListCluster<'p>>,
    /// For each backend that may be asked after others.
    pub(crate) later_backends: Vec<BackendCluster<'p>>,
    /// For several backends that may be asked after others.
    pub(crate) later_groups: Vec<GroupCluster<'p>>,
    /// For attempts behind which a cache may answer with what a tag was.
    pub(crate) before_caches: Vec<GroupCluster<'p>>,
    /// For first attempts where some backends of a list are asked after the others.
    pub(crate) sparing: Vec<GroupCluster<'p>>,
}

/// The cluster of a list.
pub(crate) enum ListCluster<'p> {
    /// Of several backends.
    Group(GroupCluster<'p>),
    /// Of the one that owns what is written.
    Owner(BackendCluster<'p>),
}

/// The cluster of one backend.
pub(crate) struct BackendCluster<'p> {
    /// The backend.
    pub(crate) backend: &'p Backend,
    /// What the cluster is called.
    pub(crate) name: String,
    /// How long a connection may take to come up.
    pub(crate) connect_timeout: Duration,
    /// Whether requests take it out that get no answer. Where nobody else can be asked only its
    /// health checks do.
    pub(crate) is_ejected_by_requests: bool,
    /// The filters of its attempts.
    pub(crate) filters: Option<UpstreamFilters<'p>>,
}

/// The cluster of several others, which Envoy goes through from the first to the last.
pub(crate) struct GroupCluster<'p> {
    /// What it is called.
    pub(crate) name: String,
    /// The clusters.
    pub(crate) members: Vec<String>,
    /// The filters of its attempts.
    pub(crate) filters: Option<UpstreamFilters<'p>>,
}

impl<'p> Clusters<'p> {
    /// Those of a policy.
    pub(super) fn of(config: &'p Config, options: &'p Options) -> Self {
        let filters = |destination| UpstreamFilters::of(config, destination, options);
        let for_reads = |backend: &'p Backend| BackendCluster {
            backend,
            name: backend.cluster().to_owned(),
            connect_timeout: connecting(backend, config),
            is_ejected_by_requests: true,
            filters: filters(Destination::Backend(backend)),
        };
        let (later_backends, later_groups) = for_later_attempts(config, options);
        Self {
            reads: config.backends().iter().map(for_reads).collect(),
            lists: of_lists(config, options),
            later_backends,
            later_groups,
            before_caches: before_caches(config, options),
            sparing: sparing(config, options),
        }
    }
}

fn of_lists<'p>(config: &'p Config, options: &'p Options) -> Vec<ListCluster<'p>> {
    let lists = config.lists().iter();
    let clusters = lists.filter_map(|list| match (list.purpose(), list.backends()) {
        (Purpose::Read, [_]) => None,
        (Purpose::Read, ids) => {
            let backends = members(config, ids);
            Some(ListCluster::Group(GroupCluster {
                name: list.cluster().to_owned(),
                members: backends.iter().map(|backend| backend.cluster().to_owned()).collect(),
                filters: UpstreamFilters::of(config, Destination::List(&backends), options),
            }))
        }
        (Purpose::Owner, owner) => {
            let backend = config.backend(*owner.first()?)?;
            (list.cluster() != backend.cluster()).then(|| {
                ListCluster::Owner(BackendCluster {
                    backend,
                    name: backend.owner_cluster().to_owned(),
                    connect_timeout: backend.resilience().connect_timeout.max(CONNECTING_ALONE),
                    is_ejected_by_requests: false,
                    filters: UpstreamFilters::of(config, Destination::Backend(backend), options),
                })
            })
        }
    });
    clusters.collect()
}

/// The clusters of attempts after the first: of each backend of a list of several, and of each set
/// of them that may be left. Without the filter nobody names one. A cache is never asked after
/// another backend.
fn for_later_attempts<'p>(
    config: &'p Config,
    options: &'p Options,
) -> (Vec<BackendCluster<'p>>, Vec<GroupCluster<'p>>) {
    let lists = config.lists().iter();
    let lists = lists.filter(|list| options.filter.is_some() && list.has_fallback());
    let is_registry = |id: &BackendId| config.cache(*id).is_none();
    let detail = Detail::of(config);
    let sets = lists.flat_map(|list| rests(list.backends(), detail));
    let all: BTreeSet<Vec<BackendId>> = sets.filter(|ids| ids.iter().all(is_registry)).collect();
    let (singles, sets): (Vec<_>, Vec<_>) =
        all.iter().map(|ids| members(config, ids)).partition(|backends| backends.len() == 1);
    let singles = singles.into_iter().flatten().map(|backend| BackendCluster {
        backend,
        name: clusters::later_attempts(&[backend.key()]),
        connect_timeout: connecting(backend, config),
        is_ejected_by_requests: false,
        filters: UpstreamFilters::of(config, Destination::LastResort(backend), options),
    });
    let sets = sets.into_iter().map(|backends| {
        let keys: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
        GroupCluster {
            name: clusters::later_attempts(&keys),
            members: keys.iter().map(|key| clusters::later_attempts(&[*key])).collect(),
            filters: UpstreamFilters::of(config, Destination::List(&backends), options),
        }
    });
    (singles.collect(), sets.collect())
}

/// The clusters of attempts after the first, where a cache answers with what a tag was if nobody
/// else can be asked, and of the first attempt at a list of one. In them health checks alone take a
/// backend out, and the cache is asked when they have taken out all that are left.
fn before_caches<'p>(config: &'p Config, options: &'p Options) -> Vec<GroupCluster<'p>> {
    let lists: BTreeSet<&[BackendId]> =
        lists_of_stale_tags(config).filter(|_| options.filter.is_some()).collect();
    let detail = Detail::of(config);
    let all: BTreeSet<Vec<BackendId>> =
        lists.into_iter().flat_map(|list| before_a_cache(list, detail)).collect();
    let cluster = |ids: &Vec<BackendId>| {
        let backends = members(config, ids);
        let keys: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
        let last = keys.iter().map(|key| clusters::later_attempts(&[*key]));
        let named: Vec<&str> = keys.iter().copied().chain([clusters::STALE]).collect();
        GroupCluster {
            name: clusters::later_attempts(&named),
            members: last.chain([clusters::FILL.to_owned()]).collect(),
            filters: UpstreamFilters::of(config, Destination::List(&backends), options),
        }
    };
    all.iter().map(cluster).collect()
}

/// The clusters of first attempts where some backends of a list are asked after the others.
///
/// Each has all of the list, so that a request has somebody to go to while those that would be
/// asked first are down. In a policy of many lists it is the one backend of a list of two that is
/// not spared; its attempts find in the request to whom they go on.
fn sparing<'p>(config: &'p Config, options: &'p Options) -> Vec<GroupCluster<'p>> {
    let lists = config.lists().iter();
    let lists = lists.filter(|list| options.filter.is_some() && list.has_fallback());
    let is_registry = |id: &BackendId| config.cache(*id).is_none();
    let lists = lists.filter(|list| list.backends().iter().all(is_registry));
    let detail = Detail::of(config);
    let all: BTreeSet<(Vec<BackendId>, usize)> =
        lists.flat_map(|list| orders(list.backends(), detail)).collect();
    if detail == Detail::Coarse {
        return only_first(config, &all, options);
    }
    let cluster = |(ids, spared): &(Vec<BackendId>, usize)| {
        let backends = members(config, ids);
        let keys: Vec<&str> = backends.iter().map(|backend| backend.key()).collect();
        GroupCluster {
            name: clusters::sparing(&keys, *spared),
            members: backends.iter().map(|backend| backend.cluster().to_owned()).collect(),
            filters: UpstreamFilters::of(config, Destination::List(&backends), options),
        }
    };
    all.iter().map(cluster).collect()
}

/// A cluster for each backend that an order begins with.
fn only_first<'p>(
    config: &'p Config,
    orders: &BTreeSet<(Vec<BackendId>, usize)>,
    options: &'p Options,
) -> Vec<GroupCluster<'p>> {
    let first: BTreeSet<BackendId> =
        orders.iter().filter_map(|(order, _)| order.first().copied()).collect();
    let backends = first.into_iter().filter_map(|id| config.backend(id));
    let cluster = |backend: &'p Backend| GroupCluster {
        name: unspared(backend.key()),
        members: vec![backend.cluster().to_owned()],
        filters: UpstreamFilters::of(config, Destination::List(&[backend]), options),
    };
    backends.map(cluster).collect()
}

/// How long a connection may take to come up where there is nobody else to ask: a lost packet costs
/// a second.
pub(crate) const CONNECTING_ALONE: Duration = Duration::from_secs(3);

/// How long a connection to a backend may take. Where it is one of several the policy says so;
/// where it is alone it may always take as long as [`CONNECTING_ALONE`].
fn connecting(backend: &Backend, config: &Config) -> Duration {
    let time = backend.resilience().connect_timeout;
    let lists = config.lists().iter();
    let is_one_of_several = lists
        .filter(|list| list.has_fallback())
        .flat_map(BackendList::backends)
        .any(|id| config.backend(*id).is_some_and(|member| member.key() == backend.key()));
    if is_one_of_several { time } else { time.max(CONNECTING_ALONE) }
}

fn members<'p>(config: &'p Config, ids: &[BackendId]) -> Vec<&'p Backend> {
    ids.iter().filter_map(|id| config.backend(*id)).collect()
}
