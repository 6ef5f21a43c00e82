//! The names that a rule can use: backends, fronts, regions, labels and blob stores.

use std::collections::BTreeMap;

use crate::config::cache::Cache;
use crate::config::compile::access::Checks;
use crate::config::compile::names::unknown;
use crate::config::compile::per_region::RegionNames;
use crate::config::front::Front;
use crate::config::ids::{BackendId, FrontId};
use crate::config::mistake::{Mistakes, Path};
use crate::config::nearest::unknown_name;
use crate::config::user_info::hidden;

type Ids<'a> = BTreeMap<&'a str, u32>;

/// What the names in a rule may refer to.
pub(crate) struct Scope<'a> {
    pub(crate) backends: &'a Ids<'a>,
    /// Whether each backend, by its id, takes no reads.
    pub(crate) drained_backends: Vec<bool>,
    pub(crate) regions: &'a RegionNames<'a>,
    pub(crate) labels: &'a Ids<'a>,
    pub(crate) stores: &'a Ids<'a>,
    pub(crate) caches: &'a Ids<'a>,
    /// Whether the policy is for what fills caches: its chains have none.
    pub(crate) fills_caches: bool,
    pub(crate) access: Checks<'a>,
    pub(crate) mistakes: &'a Mistakes,
}

impl Scope<'_> {
    /// The ids of the fronts whose clients a rule is for.
    pub(crate) fn fronts(&self, names: &[String], path: &Path<'_>) -> Vec<FrontId> {
        if names.is_empty() {
            let message = "is empty, so the rule is for nobody; write the fronts whose clients may see its \
                 repositories";
            self.mistakes.add(path, message);
        }
        let all = self.access.fronts.all();
        let mut ids = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let item = path.item(index);
            match all.iter().find(|front| front.name() == name) {
                Some(front) if ids.contains(&front.id()) => {
                    self.mistakes.add(&item, format!("`{name}` stands twice; write it once"));
                }
                Some(front) => ids.push(front.id()),
                // An empty name is a value that could not be read; it has its own mistake.
                None if name.is_empty() || all.is_empty() => {}
                None => {
                    let names: Vec<&str> = all.iter().map(Front::name).collect();
                    self.mistakes.add(&item, unknown_name("front", &hidden(name), &names));
                }
            }
        }
        ids
    }

    /// Whether a backend takes no reads.
    pub(crate) fn is_drained(&self, backend: BackendId) -> bool {
        self.drained_backends.get(backend.index()).copied().unwrap_or(false)
    }

    /// The ids of a list of names; unknown and repeated ones are mistakes.
    pub(crate) fn backend_list(&self, names: &[String], path: &Path<'_>) -> Vec<BackendId> {
        if names.is_empty() {
            self.mistakes.add(path, "is empty; write at least one backend");
        }
        let mut ids: Vec<BackendId> = Vec::with_capacity(names.len());
        for (index, name) in names.iter().enumerate() {
            let item = path.item(index);
            match self.backend(name, &item) {
                Some(id) if ids.contains(&id) => {
                    let message = format!("`{name}` stands twice; a backend is tried once");
                    self.mistakes.add(&item, message);
                }
                Some(id) => ids.push(id),
                None => {}
            }
        }
        ids
    }

    /// The id of a name; an unknown one is a mistake.
    pub(crate) fn backend(&self, name: &str, path: &Path<'_>) -> Option<BackendId> {
        let id = self.backends.get(name).copied().map(BackendId::new);
        if Cache::name_in_chain(name).is_some() {
            let message = format!(
                "`{}` is a cache, and no registry; a cache is the first of a chain and nothing else",
                hidden(name)
            );
            self.mistakes.add(path, message);
            return None;
        }
        // An empty name is a value that could not be read; it has its own mistake already.
        // That there are none at all is one mistake, not one for each name.
        if id.is_none() && !name.is_empty() && !self.backends.is_empty() {
            self.mistakes.add(path, unknown("backend", name, self.backends));
        }
        id
    }
}
