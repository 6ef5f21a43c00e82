//! Warnings about valid policies that are probably mistakes.

mod client_redirects;
mod credentials;
mod doubt;
mod hedging;
mod near;
mod placement;
mod slips;
mod upstreams;
mod used;

use std::collections::HashMap;

use portolan_command::policy_file::{Diagnostic, LoadedPolicy, join, view};
use portolan_core::config::fields::OldName;
use portolan_core::config::{Backend, Document};

use doubt::Doubt;
use used::{links, used_backends};

/// Every doubt about a policy that the core has accepted.
pub(super) fn of(policy: &LoadedPolicy) -> Vec<Diagnostic> {
    let rules = view::list(view::field(&policy.document, "rules"));
    let mut doubts: Vec<Doubt> = policy.old_names.iter().map(renamed).collect();
    let document = &policy.document;
    let backends = policy.config.backends();
    doubts.extend(backends.iter().filter_map(|backend| unencrypted(document, backend)));
    doubts.extend(backends.iter().filter_map(|backend| misplaced(document, backend)));
    doubts.extend(backends.iter().filter_map(|backend| unchecked(document, backend)));
    doubts.extend(credentials::doubts(&policy.config));
    doubts.extend(hedging::doubts(&policy.config));
    doubts.extend(client_redirects::doubts(&policy.config, rules));
    doubts.extend(upstreams::doubts(&policy.config, document));
    doubts.extend(unused_backends(document, backends, rules));
    doubts.extend(repeated_globs(document, rules));
    doubts.extend(chains_behind_their_owner(rules));
    doubts.extend(tags_that_do_not_fail_over(rules));
    doubts.extend(placement::doubts(&policy.config, document));
    doubts.extend(slips::doubts(&policy.config, document, rules));
    let warnings = doubts.into_iter();
    warnings.map(|(path, message)| policy.warning(&path, message)).collect()
}

/// docs/support.md says for how long an older name works.
fn renamed(OldName { path, old, new }: &OldName) -> Doubt {
    let message = format!("`{old}` is called `{new}` now; `portolan check --fix` writes that");
    (path.clone(), message)
}

/// Content is checked by its digest, but what a tag means, and every credential, is not.
fn unencrypted(document: &Document, backend: &Backend) -> Option<Doubt> {
    let url = backend.url();
    if !credentials::is_exposed(url) {
        return None;
    }
    let message = format!(
        "requests to `{}` and their credentials are sent unencrypted; write `https`",
        url.host()
    );
    Some((upstreams::path_of_url(document, backend.name()), message))
}

/// Envoy's health checks do not go through its own tunnels.
fn unchecked(document: &Document, backend: &Backend) -> Option<Doubt> {
    backend.connect_proxy()?;
    let written = view::field(view::field(document, "backends")?, backend.name())?;
    view::field(written, "health_check")?;
    let message = "is not used: a backend behind a `connect_proxy` is taken out by its connections alone \
                   (`ejection`); leave it out";
    let path = join(&join("backends", backend.name()), "health_check");
    Some((path, message.to_owned()))
}

/// URLs at which there is a host, and no registry.
fn misplaced(document: &Document, backend: &Backend) -> Option<Doubt> {
    let url = backend.url();
    let message = if let Some((before, behind)) = url.base_path().split_once("/v2/") {
        format!(
            "the registry is looked for at `{}/v2/`; write `{}{before}`, and `{behind}/` as the start of the names \
             there: `names: [{{front: \"\", backend: {behind}/}}]`",
            url.base_path(),
            url.origin()
        )
    } else if url.base_path().split('/').next_back() == Some("v2") {
        format!(
            "the registry is looked for at `{}/v2/`; leave the `/v2/` at the end out",
            url.base_path()
        )
    } else if matches!(
        url.host(),
        "docker.io" | "www.docker.io" | "hub.docker.com" | "index.docker.io"
    ) {
        format!(
            "there is no registry at `{}`; write `https://registry-1.docker.io` for Docker Hub",
            url.host()
        )
    } else {
        return None;
    };
    Some((upstreams::path_of_url(document, backend.name()), message))
}

/// Backends that are written and not used; those that were made for an upstream have a rule.
fn unused_backends(document: &Document, backends: &[Backend], rules: &[Document]) -> Vec<Doubt> {
    let written = view::field(document, "backends");
    let is_written =
        |backend: &&Backend| written.and_then(|all| view::field(all, backend.name())).is_some();
    let used = used_backends(rules);
    let unused = backends.iter().filter(is_written);
    let unused = unused.filter(|backend| !used.contains(backend.name()));
    unused
        .map(|backend| {
            let message =
                "no rule uses this backend; name it in a chain or as an owner, or take it out";
            (join("backends", backend.name()), message.to_owned())
        })
        .collect()
}

/// Globs that cannot match any more, because rules before have the same one or `**` for all of
/// their fronts.
fn repeated_globs(document: &Document, rules: &[Document]) -> Vec<Doubt> {
    let every = view::mapping(view::field(document, "fronts"));
    let every: Vec<&str> = every.iter().map(|(name, _)| name.as_str()).collect();
    let mut doubts = Vec::new();
    let mut taken = Taken::default();
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("rules[{index}]");
        let fronts = match view::field(rule, "fronts") {
            None => every.clone(),
            written => view::texts(written).collect(),
        };
        let globs: Vec<&str> = view::texts(view::field(rule, "repositories")).collect();
        let why: Vec<Option<String>> = globs.iter().map(|glob| taken.why(&fronts, glob)).collect();
        let reason = why.first().cloned().flatten();
        if let Some(reason) = reason.filter(|_| why.iter().all(Option::is_some)) {
            doubts.push((path, format!("this rule never matches: {reason}")));
        } else {
            doubts.extend(why.into_iter().enumerate().filter_map(|(position, why)| {
                let message = format!("this glob never matches: {}", why?);
                Some((format!("{path}.repositories[{position}]"), message))
            }));
        }
        taken.by(view::field(rule, "name").and_then(view::text), &fronts, &globs);
    }
    doubts
}

/// The rule that was first to have each glob, for each front.
#[derive(Default)]
struct Taken<'d>(HashMap<(&'d str, &'d str), &'d str>);

impl<'d> Taken<'d> {
    /// Why nothing is left for a glob, if nothing is.
    fn why(&self, fronts: &[&'d str], glob: &'d str) -> Option<String> {
        let first = |front: &&'d str| {
            let Self(first) = self;
            first.get_key_value(&(*front, glob)).or_else(|| first.get_key_value(&(*front, "**")))
        };
        let firsts: Option<Vec<_>> = fronts.iter().map(first).collect();
        let ((_, glob), rule) = *firsts?.first()?;
        Some(format!("the rule `{rule}` stands before and takes `{glob}`"))
    }

    fn by(&mut self, rule: Option<&'d str>, fronts: &[&'d str], globs: &[&'d str]) {
        for front in fronts {
            for glob in globs {
                self.0.entry((*front, *glob)).or_insert(rule.unwrap_or_default());
            }
        }
    }
}

/// Rules that read tags from their owner, and chains that cannot follow: a digest that was just
/// pushed is on the owner only.
fn chains_behind_their_owner(rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let reads_owner = view::field(rule, "tags_from").and_then(view::text) == Some("owner")
            || view::field(rule, "read_your_writes").is_some();
        let owner = view::field(rule, "owner").and_then(view::text);
        let Some(owner) = owner.filter(|_| reads_owner) else { continue };
        for (region, chain) in view::mapping(view::field(rule, "chains")) {
            if !links(chain).any(|name| name == owner) {
                let message = format!(
                    "tags come from the owner `{owner}`, but digests cannot: what was just \
                     pushed fails until it is replicated; write `{owner}` at the end of the chain"
                );
                doubts.push((join(&format!("rules[{index}].chains"), region), message));
            }
        }
    }
    doubts
}

/// Rules with chains of several that say nothing of tags: only digests fail over then, and most
/// pulls begin with a tag.
fn tags_that_do_not_fail_over(rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let says = view::field(rule, "replicas").is_some()
            || view::field(rule, "tags_from").and_then(view::text) == Some("owner");
        let chains = view::mapping(view::field(rule, "chains"));
        let several = chains.iter().find(|(_, chain)| links(chain).nth(1).is_some());
        let Some((_, chain)) = several.filter(|_| !says) else { continue };
        let first = links(chain).next().unwrap_or_default();
        let message = format!(
            "tags do not fail over: while `{first}` is down a pull by tag fails, though others are \
             in its chain; write `replicas` with all of those that have the same tags"
        );
        doubts.push((format!("rules[{index}].chains"), message));
    }
    doubts
}

#[cfg(test)]
mod tests;
