//! Compiles rules: chains for every region, and an owner and replicas that exist.

use crate::config::auth::Readers;
use crate::config::backend_list::{ListTable, Purpose};
use crate::config::cache::Cache;
use crate::config::cache::compile::Audience;
use crate::config::compile::access::{FrontKinds, RuleAccess};
use crate::config::compile::names::Once;
use crate::config::compile::regions::labels_of_list;
use crate::config::compile::scope::Scope;
use crate::config::ids::{BackendId, RuleId};
use crate::config::mistake::Path;
use crate::config::nearest::join;
use crate::config::regions::DEFAULT_REGION;
use crate::config::repository_glob::RepositoryGlob;
use crate::config::rule::chain::Chain;
use crate::config::rule::client_redirects::compile::Around;
use crate::config::rule::compile_chain::{self, Link, Tags};
use crate::config::rule::index::RuleIndex;
use crate::config::rule::{Owner, Rule, Rules};
use crate::config::wire::{LinkWire, ReadersWire, RuleWire};

#[inline(never)]
pub(crate) fn compile(
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
            let place = format!("rules[{position}]");
            names.claim(name.clone(), &place, &format!("the name `{name}`"), &path.key("name"));
        }
        let everything = rule.repositories.iter().flatten().any(RepositoryGlob::is_everything);
        for glob in rule.repositories.take().into_iter().flatten() {
            index.add(id, glob);
        }
        list.push(scope.rule(rule, everything, table, &path));
    }
    Rules { list, index }
}

/// What a rule says of all its chains.
struct AroundChains<'a> {
    tags: &'a Tags<'a>,
    audience: &'a Audience<'a>,
    /// Whether a cache of a chain is ever asked.
    asks_caches: bool,
}

impl Scope<'_> {
    fn rule(
        &self,
        wire: RuleWire,
        everything: bool,
        table: &mut ListTable,
        path: &Path<'_>,
    ) -> Rule {
        let fronts = wire.fronts.map(|names| self.fronts(&names, &path.key("fronts")));
        let kinds = FrontKinds::of(self.access.fronts, fronts.as_deref());
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
        let readers = wire.readers.map(|readers| self.readers(readers, &path.key("readers")));
        let signatures =
            wire.signatures.and_then(|name| self.backend(&name, &path.key("signatures")));
        let members = self.members(&wire.chains, signatures);
        let access = RuleAccess {
            kinds,
            chains: members.iter().map(|(region, ids)| (region.as_str(), ids.clone())).collect(),
            owner: owner.map(|owner| owner.backend),
            readers: readers.as_ref(),
            writers: wire.writers,
            everything,
        };
        self.access.rule(&access, path);
        let client_redirects = wire.client_redirects.map(|client_redirects| {
            let members = members.iter().flat_map(|(_, ids)| ids).copied();
            let members = members.chain(owner.map(|owner| owner.backend)).collect();
            let around = Around { members, readers: readers.as_ref(), kinds };
            self.client_redirects(client_redirects, &around, &path.key("client_redirects"))
        });
        let audience = Audience { readers: readers.as_ref(), kinds };
        let asks_caches = !self.fills_caches || wire.stale_tags.is_some();
        let around = AroundChains { tags: &tags, audience: &audience, asks_caches };
        let chains = self.chains(&wire.chains, &around, table, &path.key("chains"));
        if wire.has_chains {
            self.check_coverage(&wire.chains, &path.key("chains"));
        }
        if wire.stale_tags.is_some() {
            self.check_stale_tags(&chains, wire.tags_from_owner, &path.key("stale_tags"));
        }
        Rule {
            name: wire.name.unwrap_or_default(),
            fronts,
            owner,
            chains,
            read_your_writes: wire.read_your_writes,
            stale_tags: wire.stale_tags,
            readers,
            writers: wire.writers,
            client_redirects,
            writes_refused: wire.writes_refused,
            signatures: signatures
                .filter(|backend| !self.is_drained(*backend))
                .map(|backend| table.id(Purpose::Read, vec![backend])),
        }
    }

    /// Each region and everybody whom its reads may go to.
    fn members(
        &self,
        chains: &[(String, Option<Vec<LinkWire>>)],
        signatures: Option<BackendId>,
    ) -> Vec<(String, Vec<BackendId>)> {
        let known = |link: &LinkWire| self.backends.get(link.backend.as_str());
        let of = |(region, links): &(String, Option<Vec<LinkWire>>)| {
            let ids = links.iter().flatten().filter_map(known).map(|id| BackendId::new(*id));
            (region.clone(), ids.chain(signatures).collect())
        };
        chains.iter().map(of).collect()
    }

    fn readers(&self, wire: ReadersWire, path: &Path<'_>) -> Readers {
        let labels = match wire {
            ReadersWire::Anyone => return Readers::Anyone,
            ReadersWire::Authenticated => return Readers::Authenticated,
            ReadersWire::Networks(labels) => labels,
        };
        let networks = path.key("networks");
        let ids = labels_of_list(&labels, self.labels, &networks, self.mistakes);
        Readers::Networks(ids)
    }

    /// One chain per region, in the order of the regions.
    fn chains(
        &self,
        wire: &[(String, Option<Vec<LinkWire>>)],
        around: &AroundChains<'_>,
        table: &mut ListTable,
        path: &Path<'_>,
    ) -> Vec<Chain> {
        let mut by_region = Vec::new();
        for (region, links) in wire {
            let item = path.key(region);
            let cache = self.cache(links.as_deref().unwrap_or_default(), around.audience, &item);
            // What fills caches asks none, but for what tags were.
            let cache = cache.filter(|_| around.asks_caches);
            let links = self.links(links.as_deref(), &item);
            self.regions.check(region, &item, self.mistakes);
            if !links.is_empty() && self.regions.is_served(region) {
                let chain = compile_chain::compile(
                    (cache, &links),
                    around.tags,
                    table,
                    &item,
                    self.mistakes,
                );
                by_region.push((region.clone(), chain));
            }
        }
        self.regions.resolve(&by_region).into_iter().filter_map(|chain| chain.copied()?).collect()
    }

    /// What a tag was comes from a cache, and only where the replicas of a chain answer for tags.
    fn check_stale_tags(&self, chains: &[Chain], from_owner: bool, path: &Path<'_>) {
        if from_owner {
            let message = "is for tags of replicas, and `tags_from: owner` says that only the \
                 owner's count; leave one of the two out";
            self.mistakes.add(path, message);
        } else if !chains.is_empty() && chains.iter().all(|chain| chain.whole.cached.is_none()) {
            let message = "needs a cache, which has the content of tags while no replica can be \
                 asked; write one as the first of a chain, such as `cache@NAME`, or leave it out";
            self.mistakes.add(path, message);
        }
    }

    /// Every region needs a chain: its own, or that of the default region.
    fn check_coverage(&self, wire: &[(String, Option<Vec<LinkWire>>)], path: &Path<'_>) {
        let has = |name: &str| wire.iter().any(|(region, _)| region == name);
        let uncovered: Vec<&str> = self.regions.names().filter(|name| !has(name)).collect();
        if !has(DEFAULT_REGION) && (self.regions.any_drained() || !uncovered.is_empty()) {
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
        // A cache is looked at elsewhere, and keeps its place: what is said of the others has their
        // index.
        let registry = |link: &LinkWire| match Cache::name_in_chain(&link.backend) {
            Some(_) => String::new(),
            None => link.backend.clone(),
        };
        let names: Vec<String> = wire.iter().map(registry).collect();
        let known = self.backend_list(&names, path);
        let link = |wire: &LinkWire| {
            let backend = BackendId::new(*self.backends.get(wire.backend.as_str())?);
            let drained = self.is_drained(backend);
            known.contains(&backend).then_some(Link { backend, share: wire.share, drained })
        };
        wire.iter().filter_map(link).collect()
    }
}
