//! Rules: chains for every region, an owner and replicas that exist.

use std::collections::BTreeMap;

use super::Once;
use crate::config::ids::{BackendId, RuleId};
use crate::config::mistake::{Mistakes, Path};
use crate::config::reader::join;
use crate::config::rules::{Chain, Rule, Rules};
use crate::config::wire::RuleWire;
use crate::config::{DEFAULT_REGION, rule_index::RuleIndex};

type Ids<'a> = BTreeMap<&'a str, u32>;

/// What the names in a rule may refer to.
struct Scope<'a> {
    backends: &'a Ids<'a>,
    regions: &'a Ids<'a>,
    mistakes: &'a Mistakes,
}

pub(super) fn compile(
    wire: Vec<RuleWire>,
    backends: &Ids<'_>,
    regions: &Ids<'_>,
    mistakes: &Mistakes,
) -> Rules {
    let root = Path::Root.key("rules");
    if wire.is_empty() {
        mistakes
            .add(&root, "there is no rule; write at least one with `repositories` and `chains`");
    }
    let scope = Scope { backends, regions, mistakes };
    let mut names = Once::new(mistakes);
    let mut index = RuleIndex::default();
    let mut list = Vec::with_capacity(wire.len());
    for (position, (mut rule, id)) in wire.into_iter().zip((0..).map(RuleId::new)).enumerate() {
        let path = root.item(position);
        if let Some(name) = &rule.name {
            names.claim(name.clone(), name, &format!("the rule name `{name}`"), &path.key("name"));
        }
        if rule.repositories.is_empty() {
            mistakes.add(&path.key("repositories"), "is empty; write `[\"**\"]` for all of them");
        }
        for glob in std::mem::take(&mut rule.repositories) {
            index.add(id, glob);
        }
        list.push(scope.rule(rule, &path));
    }
    Rules { list, index }
}

impl Scope<'_> {
    fn rule(&self, wire: RuleWire, path: &Path<'_>) -> Rule {
        let replicas_path = path.key("replicas");
        let replicas = wire.replicas.map(|names| self.backend_list(&names, &replicas_path));
        let owner = wire.owner.and_then(|name| self.backend(&name, &path.key("owner")));
        let chains = self.chains(&wire.chains, replicas.as_deref(), &path.key("chains"));
        Rule { name: wire.name.unwrap_or_default(), owner, chains }
    }

    /// One chain per region, in the order of the regions.
    fn chains(
        &self,
        wire: &[(String, Vec<String>)],
        replicas: Option<&[BackendId]>,
        path: &Path<'_>,
    ) -> Vec<Chain> {
        let mut by_region = BTreeMap::new();
        for (region, names) in wire {
            let item = path.key(region);
            let backends = self.backend_list(names, &item);
            if self.regions.contains_key(region.as_str()) {
                by_region.insert(region.as_str(), Chain::new(backends, replicas));
            } else {
                self.mistakes.add(&item, unknown("region", region, self.regions));
            }
        }
        let default = by_region.get(DEFAULT_REGION);
        let uncovered = self.regions.keys().filter(|name| !by_region.contains_key(**name));
        let uncovered: Vec<&&str> = uncovered.collect();
        if default.is_none() && !uncovered.is_empty() {
            let names = join(&uncovered);
            let message = format!(
                "has no chain for {names}; write one for `{DEFAULT_REGION}`, \
                 which serves every region without its own"
            );
            self.mistakes.add(path, message);
        }
        let mut in_order: Vec<(&str, u32)> = self.regions.iter().map(|(k, v)| (*k, *v)).collect();
        in_order.sort_by_key(|(_, id)| *id);
        let chain = |name| by_region.get(name).or(default).cloned().unwrap_or_default();
        in_order.into_iter().map(|(name, _)| chain(name)).collect()
    }

    /// The ids of a list of names; unknown and repeated ones are mistakes.
    fn backend_list(&self, names: &[String], path: &Path<'_>) -> Vec<BackendId> {
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

    fn backend(&self, name: &str, path: &Path<'_>) -> Option<BackendId> {
        let id = self.backends.get(name).copied().map(BackendId::new);
        // An empty name is a value that could not be read; it has its own mistake already.
        if id.is_none() && !name.is_empty() {
            self.mistakes.add(path, unknown("backend", name, self.backends));
        }
        id
    }
}

fn unknown(what: &str, name: &str, known: &Ids<'_>) -> String {
    let names: Vec<&&str> = known.keys().collect();
    format!("there is no {what} `{name}`; the {what}s are {}", join(&names))
}
