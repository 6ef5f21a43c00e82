//! Rules: chains for every region, an owner and replicas that exist.

use std::collections::BTreeMap;

use super::Once;
use super::chains::{self, Link, Tags};
use crate::config::ids::{BackendId, RuleId};
use crate::config::list::{ListTable, Purpose};
use crate::config::mistake::{Mistakes, Path};
use crate::config::reader::join;
use crate::config::rules::{Owner, Rule, Rules};
use crate::config::wire::{LinkWire, RuleWire};
use crate::config::{Chain, DEFAULT_REGION, rule_index::RuleIndex};

type Ids<'a> = BTreeMap<&'a str, u32>;

/// What the names in a rule may refer to.
pub(super) struct Scope<'a> {
    pub(super) backends: &'a Ids<'a>,
    /// Whether each backend, by its id, takes no reads.
    pub(super) drained_backends: Vec<bool>,
    pub(super) regions: &'a Ids<'a>,
    /// The regions whose clients are served as those of the default region.
    pub(super) drained_regions: Vec<&'a str>,
    pub(super) mistakes: &'a Mistakes,
}

pub(super) fn compile(
    wire: Option<Vec<RuleWire>>,
    scope: &Scope<'_>,
    table: &mut ListTable,
) -> Rules {
    let mistakes = scope.mistakes;
    let root = Path::Root.key("rules");
    if wire.as_ref().is_some_and(Vec::is_empty) {
        mistakes
            .add(&root, "there is no rule; write at least one with `repositories` and `chains`");
    }
    let mut names = Once::new(mistakes);
    let mut index = RuleIndex::default();
    let mut list = Vec::new();
    for (position, (mut rule, id)) in
        wire.into_iter().flatten().zip((0..).map(RuleId::new)).enumerate()
    {
        let path = root.item(position);
        if let Some(name) = &rule.name {
            names.claim(name.clone(), name, &format!("the rule name `{name}`"), &path.key("name"));
        }
        if rule.repositories.as_ref().is_some_and(Vec::is_empty) {
            mistakes.add(&path.key("repositories"), "is empty; write `[\"**\"]` for all of them");
        }
        for glob in rule.repositories.take().into_iter().flatten() {
            index.add(id, glob);
        }
        list.push(scope.rule(rule, table, &path));
    }
    Rules { list, index }
}

impl Scope<'_> {
    fn rule(&self, wire: RuleWire, table: &mut ListTable, path: &Path<'_>) -> Rule {
        let replicas_path = path.key("replicas");
        let replicas = wire.replicas.map(|names| self.backend_list(&names, &replicas_path));
        let owner = wire.owner.and_then(|name| self.backend(&name, &path.key("owner")));
        let owner =
            owner.map(|backend| Owner { backend, list: table.id(Purpose::Owner, vec![backend]) });
        if wire.tags_from_owner && owner.is_none() {
            let message = "is `owner`, and the rule has none; write one, or `replicas`";
            self.mistakes.add(&path.key("tags_from"), message);
        }
        if wire.read_your_writes.is_some() && owner.is_none() {
            let message = "reads tags from the owner, and the rule has none; write one";
            self.mistakes.add(&path.key("read_your_writes"), message);
        }
        let tags = Tags {
            replicas: replicas.as_deref().unwrap_or(&[]),
            owner,
            from_owner: wire.tags_from_owner,
        };
        let chains = self.chains(&wire.chains, &tags, table, &path.key("chains"));
        Rule {
            name: wire.name.unwrap_or_default(),
            owner,
            chains,
            read_your_writes: wire.read_your_writes,
        }
    }

    /// One chain per region, in the order of the regions.
    fn chains(
        &self,
        wire: &[(String, Option<Vec<LinkWire>>)],
        tags: &Tags<'_>,
        table: &mut ListTable,
        path: &Path<'_>,
    ) -> Vec<Chain> {
        let mut by_region = BTreeMap::new();
        for (region, links) in wire {
            let item = path.key(region);
            let links = self.links(links.as_deref(), &item);
            if !self.regions.contains_key(region.as_str()) {
                self.mistakes.add(&item, unknown("region", region, self.regions));
            } else if !links.is_empty() && !self.drained_regions.contains(&region.as_str()) {
                let chain = chains::compile(&links, tags, table, &item, self.mistakes);
                by_region.insert(region.as_str(), chain);
            }
        }
        self.check_coverage(wire, path);
        let default = by_region.get(DEFAULT_REGION);
        let mut in_order: Vec<(&str, u32)> = self.regions.iter().map(|(k, v)| (*k, *v)).collect();
        in_order.sort_by_key(|(_, id)| *id);
        let chain = |name| by_region.get(name).or(default).copied().flatten();
        in_order.into_iter().filter_map(|(name, _)| chain(name)).collect()
    }

    /// Every region needs a chain: its own, or that of the default region.
    fn check_coverage(&self, wire: &[(String, Option<Vec<LinkWire>>)], path: &Path<'_>) {
        let has = |name: &str| wire.iter().any(|(region, _)| region == name);
        let uncovered = self.regions.keys().filter(|name| !has(name));
        let uncovered: Vec<&&str> = uncovered.collect();
        let drained = !self.drained_regions.is_empty();
        if !has(DEFAULT_REGION) && (drained || !uncovered.is_empty()) {
            let names = join(&uncovered);
            let message = format!(
                "has no chain for {names}; write one for `{DEFAULT_REGION}`, \
                 which serves every region without its own"
            );
            self.mistakes.add(path, message);
        }
    }

    /// The backends of a chain, resolved; what cannot be has its mistake.
    fn links(&self, wire: Option<&[LinkWire]>, path: &Path<'_>) -> Vec<Link> {
        let Some(wire) = wire else { return Vec::new() };
        let names: Vec<String> = wire.iter().map(|link| link.backend.clone()).collect();
        let known = self.backend_list(&names, path);
        let link = |wire: &LinkWire| {
            let backend = BackendId::new(*self.backends.get(wire.backend.as_str())?);
            let drained = self.drained_backends.get(backend.index()).copied().unwrap_or(false);
            known.contains(&backend).then_some(Link { backend, share: wire.share, drained })
        };
        wire.iter().filter_map(link).collect()
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
