//! Lists of backends, each reached through one Envoy cluster.

use std::collections::BTreeMap;

use crate::config::backend::Backend;
use crate::config::ids::{BackendId, ListId};
use crate::contract::joined;

/// Backends in the order in which they are tried.
///
/// Equal lists of different rules are one list, because each costs Envoy a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackendList {
    backends: Vec<BackendId>,
    cluster: String,
    purpose: Purpose,
}

/// What a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Reads: the next backend is tried where one fails or lacks the content.
    Read,
    /// The owner of repositories, and nobody else: writes, and reads that must see them.
    Owner,
}

impl BackendList {
    /// The backends, never empty in a compiled policy.
    #[must_use]
    pub fn backends(&self) -> &[BackendId] {
        &self.backends
    }

    /// The Envoy cluster: the backend's own for a list of one, else an aggregate that is named
    /// after the list, such as `ghcr+quay`.
    #[must_use]
    pub fn cluster(&self) -> &str {
        &self.cluster
    }

    /// What the list is for.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Whether there is anybody to fall back to.
    #[must_use]
    pub fn has_fallback(&self) -> bool {
        self.backends.len() > 1
    }
}

/// Collects lists while a policy is compiled.
#[derive(Default)]
pub(crate) struct ListTable {
    ids: BTreeMap<(Purpose, Vec<BackendId>), ListId>,
}

impl ListTable {
    /// The id of a list; equal lists have the same.
    pub(crate) fn id(&mut self, purpose: Purpose, backends: Vec<BackendId>) -> ListId {
        let next = ListId::new(u32::try_from(self.ids.len()).unwrap_or(u32::MAX));
        *self.ids.entry((purpose, backends)).or_insert(next)
    }

    /// All lists by id, with the names of their clusters.
    pub(crate) fn into_lists(self, backends: &[Backend]) -> Vec<BackendList> {
        let mut in_order: Vec<_> = self.ids.into_iter().collect();
        in_order.sort_by_key(|(_, id)| *id);
        let list = |((purpose, ids), _): ((Purpose, Vec<BackendId>), ListId)| BackendList {
            cluster: cluster_name(purpose, &ids, backends),
            backends: ids,
            purpose,
        };
        in_order.into_iter().map(list).collect()
    }
}

fn cluster_name(purpose: Purpose, ids: &[BackendId], backends: &[Backend]) -> String {
    let members: Vec<&Backend> = ids.iter().filter_map(|id| backends.get(id.index())).collect();
    match (purpose, members.as_slice()) {
        (Purpose::Read, [backend]) => backend.cluster().to_owned(),
        (Purpose::Owner, [backend]) => backend.owner_cluster().to_owned(),
        _ => joined(&members.iter().map(|backend| backend.key()).collect::<Vec<_>>()),
    }
}
