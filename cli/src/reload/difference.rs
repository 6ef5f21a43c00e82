//! Differences between two policies: backends, the listener, answers to requests.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use portolan_core::config::Backend;
use portolan_core::contract::{Fingerprint, without_fingerprint};
use portolan_render::files::{FileSet, Kind, name_of};
use serde_json::Value;

use super::answers::{Policy, made_of, of_file};
use super::error::ReloadError;
use super::plan::{Plan, Written};

/// What changes.
pub(super) struct Difference {
    /// The fingerprints of the policy before and the one after; none before the first policy.
    policies: [Option<String>; 2],
    backends: Vec<String>,
    /// How many requests were compared, and what changes for which.
    asked: usize,
    answers: Vec<Changed>,
}

/// A request with another answer.
struct Changed {
    request: String,
    before: String,
    after: String,
}

impl Difference {
    /// What changes between what is written now and a policy, for the requests of a file or for
    /// some.
    pub(super) fn of(
        now: &Written,
        set: &FileSet,
        requests: Option<&Path>,
    ) -> Result<Self, ReloadError> {
        let kind = Kind::of_the_decision();
        let old = now.get(&kind).and_then(|all| policy_in(all));
        let new = policy_in(&set.filters);
        let [old_policy, new_policy] =
            [&old, &new].map(|json| json.as_deref().and_then(Policy::read));
        let mut difference = Self {
            policies: [old.as_deref().map(fingerprint), Some(set.policy.clone())],
            backends: Vec::new(),
            asked: 0,
            answers: Vec::new(),
        };
        if let (Some(old), Some(new)) = (&old_policy, &new_policy) {
            difference.backends = backends(old, new);
            let asked = match requests {
                Some(path) => of_file(path)?,
                None => made_of(&[old, new]),
            };
            difference.asked = asked.len();
            let path = || requests.unwrap_or(Path::new("-")).to_owned();
            for request in &asked {
                let failed = |why| ReloadError::Requests { path: path(), why };
                let before = old.answer(request).map_err(failed)?;
                let after = new.answer(request).map_err(failed)?;
                if before != after {
                    let [before, after] = [before, after].map(|answer| words(&answer));
                    difference.answers.push(Changed { request: asked_for(request), before, after });
                }
            }
        }
        Ok(difference)
    }

    /// Prints it for a person.
    pub(super) fn print(&self, plan: &Plan, out: &mut impl Write) -> io::Result<()> {
        let [old, new] = self.policies.each_ref().map(|policy| policy.as_deref().unwrap_or("none"));
        writeln!(out, "policy {old} -> {new}")?;
        if plan.is_empty() {
            writeln!(out, "all files are written already")?;
        }
        for line in &self.backends {
            writeln!(out, "  {line}")?;
        }
        if plan.changes_listener {
            writeln!(
                out,
                "  the listener changes: open connections end with Envoy's --drain-time-s"
            )?;
        }
        writeln!(out, "{} of {} requests are answered otherwise", self.answers.len(), self.asked)?;
        for Changed { request, before, after } in &self.answers {
            writeln!(out, "  {request}\n    - {before}\n    + {after}")?;
        }
        Ok(())
    }
}

/// The policy in the filter that decides, as JSON.
fn policy_in(filters: &[Value]) -> Option<String> {
    let kind = Kind::of_the_decision();
    let filter = filters.iter().find(|filter| Kind::Filter(name_of(filter).to_owned()) == kind)?;
    let json = filter.pointer("/typed_config/config/configuration/value")?;
    json.as_str().map(str::to_owned)
}

fn fingerprint(json: &str) -> String {
    Fingerprint::of([json]).to_string()
}

/// A line for each backend that comes, goes, or is another one under its name.
fn backends(old: &Policy, new: &Policy) -> Vec<String> {
    let all = |policy: &Policy| -> BTreeMap<String, (String, String)> {
        let backends = policy.config.backends().iter();
        backends.map(|backend| (backend.name().to_owned(), place(backend))).collect()
    };
    let (old, new) = (all(old), all(new));
    let gone = old.iter().filter(|(name, _)| !new.contains_key(*name));
    let gone = gone.map(|(name, (url, _))| format!("- backend {name} {url}"));
    let rest = new.iter().filter_map(|(name, (url, key))| match old.get(name) {
        None => Some(format!("+ backend {name} {url}")),
        Some((_, before)) if before == key => None,
        Some((before, _)) if before == url => Some(format!(
            "~ backend {name} {url}: another credential, token service or TLS setting"
        )),
        Some((before, _)) => Some(format!("~ backend {name} {before} -> {url}")),
    });
    gone.chain(rest).collect()
}

fn place(backend: &Backend) -> (String, String) {
    let url = backend.url();
    (format!("{}{}", url.origin(), url.base_path()), backend.key().to_owned())
}

fn asked_for(request: &Value) -> String {
    let text = |key: &str| request.get(key).and_then(Value::as_str);
    let from = ["country", "subdivision", "continent", "address"];
    let from: Vec<&str> = from.iter().filter_map(|key| text(key)).collect();
    let from = if from.is_empty() { String::new() } else { format!(" from {}", from.join(" ")) };
    let [method, host, target] =
        ["method", "authority", "target"].map(|key| text(key).unwrap_or_default());
    format!("{method} {host}{target}{from}")
}

/// An answer in a line.
fn words(answer: &Value) -> String {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or("-");
    if let Some(chain) = answer.get("chain").and_then(Value::as_array) {
        let chain: Vec<&str> = chain.iter().filter_map(Value::as_str).collect();
        let [rule, host, path] = ["rule", "authority", "path"].map(text);
        return format!("rule {rule}: {}; first {host}{path}", chain.join(", "));
    }
    match answer.get("status") {
        Some(status) => format!("rule {}: {status} {}", text("rule"), text("code")),
        None => answer.to_string(),
    }
}

/// The clusters whose name says nothing of what they connect to, and that connect to something
/// else.
pub(super) fn moved(now: &Written, set: &FileSet) -> Vec<String> {
    const CONNECTION: [&str; 2] = ["/load_assignment", "/transport_socket"];
    let old = now.get(&Kind::Clusters).map_or(&[][..], Vec::as_slice);
    let is_other = |new: &&Value| {
        let name = name_of(new);
        let old = old.iter().find(|old| name_of(old) == name);
        let is_named = without_fingerprint(name) == name;
        let differs = |old: &Value| CONNECTION.iter().any(|at| old.pointer(at) != new.pointer(at));
        is_named && old.is_some_and(differs)
    };
    let clusters = set.clusters.iter().filter(is_other);
    clusters.map(|cluster| format!("`{}`", name_of(cluster))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn policy(backends: &str) -> Policy {
        let json = format!(
            r#"{{"version": 1, "cluster_fingerprints": true, "fronts": {{"main": {{"hosts": ["r.example"]}}}},
                "backends": {backends}, "regions": {{"default": {{}}}},
                "rules": [{{"name": "x", "repositories": ["**"], "chains": {{"default": ["a"]}}}}]}}"#
        );
        Policy::read(&json).unwrap()
    }

    #[test]
    fn backends_come_go_and_move() {
        let old = policy(
            r#"{"a": {"url": "https://a"}, "b": {"url": "https://b"}, "c": {"url": "https://c"}, "d": {"url": "https://d"}}"#,
        );
        let new = policy(
            r#"{"a": {"url": "https://a"}, "b": {"url": "https://b:444/x"}, "e": {"url": "https://e"},
                "d": {"url": "https://d", "tls": {"ca_file": "/ca"}}}"#,
        );
        let expected = [
            "- backend c https://c",
            "~ backend b https://b -> https://b:444/x",
            "~ backend d https://d: another credential, token service or TLS setting",
            "+ backend e https://e",
        ];
        assert_eq!(backends(&old, &new), expected);
    }

    #[test]
    fn answers_in_a_line() {
        let policy = policy(r#"{"a": {"url": "https://a"}}"#);
        let ask = |target: &str, host: &str| {
            policy.answer(&json!({"method": "GET", "target": target, "authority": host})).unwrap()
        };
        let found = words(&ask("/v2/x/manifests/v1", "r.example"));
        assert_eq!(found, "rule x: a; first a/v2/x/manifests/v1");
        assert_eq!(words(&ask("/v2/x/manifests/v1", "other")), "rule -: 404 NAME_UNKNOWN");
    }

    #[test]
    fn clusters_that_move_under_their_name() {
        let cluster = |name: &str, to: u16| json!({"name": name, "load_assignment": to});
        let set = |to| FileSet {
            policy: String::new(),
            bootstrap: String::new(),
            secrets: BTreeMap::new(),
            clusters: vec![cluster("mine", to), cluster("a~0123456789abcdef", to)],
            listeners: Vec::new(),
            routes: Vec::new(),
            scrapes: Vec::new(),
            filters: Vec::new(),
        };
        let now = Written::from([(Kind::Clusters, set(1).clusters)]);
        assert_eq!(moved(&now, &set(2)), ["`mine`"], "the other one cannot move");
        assert!(moved(&now, &set(1)).is_empty());
    }
}
