//! Requests that two policies are asked about, and what each answers.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use portolan_core::config::Config;
use portolan_explain as explain;
use serde_json::{Map, Value, json};

use super::error::ReloadError;

/// The most requests that are made up.
const MOST: usize = 2000;
const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A policy as the filter reads it, for questions.
pub(super) struct Policy {
    json: Value,
    pub(super) config: Config,
}

impl Policy {
    /// Reads a policy; `None` for one that this release does not read.
    pub(super) fn read(json: &str) -> Option<Self> {
        let config = Config::from_json(json.as_bytes()).ok()?;
        Some(Self { json: serde_json::from_str(json).ok()?, config })
    }

    /// What becomes of a request, without the names of clusters: where they lead is said besides.
    pub(super) fn answer(&self, request: &Value) -> Result<Value, String> {
        let mut answer = explain::answer(&self.config, request.to_string().as_bytes())?;
        without_clusters(&mut answer);
        Ok(answer)
    }
}

fn without_clusters(answer: &mut Value) {
    if let Value::Object(fields) = answer {
        fields.remove("cluster");
        fields.values_mut().for_each(without_clusters);
    }
}

/// The requests of a file, one JSON object a line.
pub(super) fn of_file(path: &Path) -> Result<Vec<Value>, ReloadError> {
    let failed = |why: String| ReloadError::Requests { path: path.to_owned(), why };
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    let lines = text.lines().zip(1_u64..).filter(|(line, _)| !line.trim().is_empty());
    let read = |(line, number): (&str, u64)| {
        serde_json::from_str(line).map_err(|error| failed(format!("line {number}: {error}")))
    };
    lines.map(read).collect()
}

/// Some requests for every pattern of a repository, at every front, from every region of any of the
/// policies.
pub(super) fn made_of(policies: &[&Policy]) -> Vec<Value> {
    let of = |list: fn(&Value) -> Vec<String>| -> BTreeSet<String> {
        policies.iter().flat_map(|policy| list(&policy.json)).collect()
    };
    let (hosts, repositories) = (of(hosts), of(repositories));
    let mut clients = vec![Map::new()];
    for policy in policies {
        for client in clients_of(&policy.json) {
            if !clients.contains(&client) {
                clients.push(client);
            }
        }
    }
    let mut requests = Vec::new();
    for repository in &repositories {
        let targets = [
            ("GET", format!("/v2/{repository}/manifests/latest")),
            ("GET", format!("/v2/{repository}/blobs/{DIGEST}")),
            ("PUT", format!("/v2/{repository}/manifests/latest")),
        ];
        for host in &hosts {
            for client in &clients {
                for (method, target) in &targets {
                    let mut request = client.clone();
                    request.insert("method".to_owned(), (*method).into());
                    request.insert("target".to_owned(), target.as_str().into());
                    request.insert("authority".to_owned(), host.as_str().into());
                    requests.push(request.into());
                }
            }
        }
    }
    requests.truncate(MOST);
    requests
}

fn hosts(policy: &Value) -> Vec<String> {
    let fronts = policy.get("fronts").and_then(Value::as_object);
    let fronts = fronts.into_iter().flat_map(Map::values);
    fronts.filter_map(|front| Some(texts(front.get("hosts")?).next()?.to_owned())).collect()
}

/// A repository for every pattern.
fn repositories(policy: &Value) -> Vec<String> {
    let rules = policy.get("rules").and_then(Value::as_array);
    let rules = rules.into_iter().flatten();
    let patterns = rules.filter_map(|rule| rule.get("repositories")).flat_map(texts);
    patterns.map(|pattern| pattern.replace("**", "some/image").replace('*', "some")).collect()
}

/// A client for every region, by what locates it first; those of `default` are located by nothing.
fn clients_of(policy: &Value) -> Vec<Map<String, Value>> {
    let regions = policy.get("regions").and_then(Value::as_object);
    let regions = regions.into_iter().flat_map(Map::values);
    let first = |region: &Value, key: &str| Some(texts(region.get(key)?).next()?.to_owned());
    let client = |region: &Value| {
        let facts = if let Some(country) = first(region, "countries") {
            json!({"country": country})
        } else if let Some(subdivision) = first(region, "subdivisions") {
            let (country, part) = subdivision.split_once('-')?;
            json!({"country": country, "subdivision": part})
        } else if let Some(continent) = first(region, "continents") {
            json!({"continent": continent})
        } else {
            let network = first(region, "networks")?;
            json!({"address": network.split('/').next()?})
        };
        facts.as_object().cloned()
    };
    regions.filter_map(client).collect()
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    let list = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    value.as_str().into_iter().chain(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(rules: &str) -> Policy {
        let json = format!(
            r#"{{"version": 1, "fronts": {{"main": {{"hosts": ["r.example", "s.example"]}}}},
                "backends": {{"a": {{"url": "http://a"}}, "b": {{"url": "http://b"}}}},
                "regions": {{"cn": {{"countries": ["CN"]}}, "office": {{"networks": ["10.0.0.0/8"]}}, "default": {{}}}},
                "rules": {rules}}}"#
        );
        Policy::read(&json).unwrap()
    }

    #[test]
    fn every_pattern_from_everywhere() {
        let one =
            policy(r#"[{"name": "x", "repositories": ["x/**"], "chains": {"default": ["a"]}}]"#);
        let two =
            policy(r#"[{"name": "y", "repositories": ["y/*"], "chains": {"default": ["a"]}}]"#);
        let found = made_of(&[&one, &two]);
        assert_eq!(found.len(), 2 * 3 * 3, "patterns, clients, requests");
        assert!(found.contains(&json!({
            "method": "PUT", "target": "/v2/y/some/manifests/latest", "authority": "r.example", "country": "CN",
        })));
        assert!(found.contains(&json!({
            "method": "GET", "target": "/v2/x/some/image/manifests/latest", "authority": "r.example",
            "address": "10.0.0.0",
        })));
        for request in found {
            one.answer(&request).unwrap();
        }
    }
}
