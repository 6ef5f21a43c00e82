//! What a policy may say, but hardly means.

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

use portolan_core::config::{Backend, Document, Scheme};

use crate::policy_file::{Diagnostic, LoadedPolicy, join, view};

/// Every doubt about a policy that the core has accepted.
pub(super) fn of(policy: &LoadedPolicy) -> Vec<Diagnostic> {
    let rules = view::list(view::field(&policy.document, "rules"));
    let mut doubts = Vec::new();
    doubts.extend(policy.config.backends().iter().filter_map(unencrypted));
    doubts.extend(unused_backends(policy.config.backends(), rules));
    doubts.extend(repeated_globs(rules));
    doubts.extend(chains_without_failover(rules));
    let warnings = doubts.into_iter();
    warnings.map(|(path, message)| policy.warning(&path, message)).collect()
}

/// The path of a value, and what is doubtful about it.
type Doubt = (String, String);

/// Content is checked by its digest, but what a tag means, and every credential, is not.
fn unencrypted(backend: &Backend) -> Option<Doubt> {
    let url = backend.url();
    if url.scheme() == Scheme::Https || is_near(url.host()) {
        return None;
    }
    let message = format!(
        "requests to `{}` and their credentials are sent unencrypted; write `https`",
        url.host()
    );
    Some((join(&join("backends", backend.name()), "url"), message))
}

/// Whether a host is, by its name or address, on the same machine or in a private network.
fn is_near(host: &str) -> bool {
    match host.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => {
            v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
        // A single label is a name of the local network or of a container's; RFC 6761 section
        // 6.3 keeps `localhost` and all below it for the machine itself.
        Err(_) => !host.contains('.') || host.ends_with(".localhost"),
    }
}

fn unused_backends(backends: &[Backend], rules: &[Document]) -> Vec<Doubt> {
    let mut used = BTreeSet::new();
    for rule in rules {
        used.extend(view::field(rule, "owner").and_then(view::text));
        for (_, chain) in view::mapping(view::field(rule, "chains")) {
            used.extend(view::texts(Some(chain)));
        }
    }
    let unused = backends.iter().filter(|backend| !used.contains(backend.name()));
    unused
        .map(|backend| {
            let message =
                "no rule uses this backend; name it in a chain or as an owner, or take it out";
            (join("backends", backend.name()), message.to_owned())
        })
        .collect()
}

/// Globs that cannot match any more, because a rule before has the same one or `**`.
fn repeated_globs(rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let mut taken = Taken::default();
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("rules[{index}]");
        let globs: Vec<&str> = view::texts(view::field(rule, "repositories")).collect();
        let why: Vec<Option<String>> = globs.iter().map(|glob| taken.why(glob)).collect();
        let reason = why.first().cloned().flatten();
        if let Some(reason) = reason.filter(|_| why.iter().all(Option::is_some)) {
            doubts.push((path, format!("this rule never matches: {reason}")));
        } else {
            doubts.extend(why.into_iter().enumerate().filter_map(|(position, why)| {
                let message = format!("this glob never matches: {}", why?);
                Some((format!("{path}.repositories[{position}]"), message))
            }));
        }
        taken.by(view::field(rule, "name").and_then(view::text), globs);
    }
    doubts
}

/// The rule that was first to have each glob.
#[derive(Default)]
struct Taken<'d>(HashMap<&'d str, &'d str>);

impl<'d> Taken<'d> {
    /// Why nothing is left for a glob, if nothing is.
    fn why(&self, glob: &str) -> Option<String> {
        let Self(first) = self;
        let (glob, rule) = first.get_key_value(glob).or_else(|| first.get_key_value("**"))?;
        Some(format!("the rule `{rule}` stands before and takes `{glob}`"))
    }

    fn by(&mut self, rule: Option<&'d str>, globs: Vec<&'d str>) {
        for glob in globs {
            self.0.entry(glob).or_insert(rule.unwrap_or_default());
        }
    }
}

/// Chains with more than one backend: this release asks the first and no other.
fn chains_without_failover(rules: &[Document]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        let replicas: Vec<&str> = view::texts(view::field(rule, "replicas")).collect();
        for (region, chain) in view::mapping(view::field(rule, "chains")) {
            let names: Vec<&str> = view::texts(Some(chain)).collect();
            let [nearest, _, ..] = names.as_slice() else { continue };
            let replica = names.iter().find(|name| replicas.contains(*name)).unwrap_or(nearest);
            let asked = if replica == nearest {
                format!("only `{nearest}` is asked")
            } else {
                format!("digests are asked of `{nearest}` only, tags of `{replica}` only")
            };
            let message = format!(
                "has {} backends, but this release does not fail over: {asked}",
                names.len()
            );
            doubts.push((join(&format!("rules[{index}].chains"), region), message));
        }
    }
    doubts
}

#[cfg(test)]
mod tests;
