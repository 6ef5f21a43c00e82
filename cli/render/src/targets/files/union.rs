//! The configuration that serves two policies at once, while one replaces the other.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::named::name_of;
use super::resources::Kind;

/// The resources of both policies. Where both have one under one name, it is the new one's: what a
/// name connects to is in the name.
pub fn union(kind: &Kind, old: &[Value], new: &[Value]) -> Vec<Value> {
    match kind {
        Kind::Clusters => {
            let names: BTreeSet<&str> = new.iter().map(name_of).collect();
            let others = old.iter().filter(|one| !names.contains(name_of(one)));
            new.iter().chain(others).cloned().collect()
        }
        Kind::Routes => new.iter().map(|new| routes(old, new)).collect(),
        // The filter of one policy decides at a time, and a listener has no part in decisions; nor
        // has what metrics say.
        Kind::Listeners | Kind::Filter(_) | Kind::Scrapes => new.to_vec(),
    }
}

fn routes(old: &[Value], new: &Value) -> Value {
    let Some(old) = old.iter().find(|old| name_of(old) == name_of(new)) else { return new.clone() };
    let mut both = merge(old, new);
    if let Some(Value::Array(hosts)) = both.get_mut("virtual_hosts") {
        keep_domains_apart(hosts, new);
    }
    both
}

/// A domain of the new policy is in the virtual host that the new policy has it in, and in no
/// other: Envoy takes no domain twice.
fn keep_domains_apart(hosts: &mut Vec<Value>, new: &Value) {
    let new = new.get("virtual_hosts").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    for host in hosts.iter_mut() {
        let name = name_of(host).to_owned();
        let others = new.iter().filter(|other| name_of(other) != name);
        let taken: BTreeSet<&str> = others.flat_map(domains).collect();
        if let Some(Value::Array(domains)) = host.get_mut("domains") {
            domains.retain(|domain| domain.as_str().is_none_or(|domain| !taken.contains(domain)));
        }
    }
    hosts.retain(|host| domains(host).next().is_some());
}

fn domains(host: &Value) -> impl Iterator<Item = &str> {
    let all = host.get("domains").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_str)
}

/// Both, as far as they do not contradict each other; there the new one counts.
fn merge(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) if old.get("@type") == new.get("@type") => {
            fields(old, new).into()
        }
        (Value::Array(old), Value::Array(new)) => list(old, new).into(),
        _ => new.clone(),
    }
}

/// The ways in which a route says its cluster, of which it has one. A matcher comes first: it knows
/// the clusters of later attempts, and goes to the same first one.
const CLUSTER: [&str; 3] = ["inline_cluster_specifier_plugin", "cluster_header", "cluster"];

fn fields(old: &Map<String, Value>, new: &Map<String, Value>) -> Map<String, Value> {
    let has = |way: &&&str| new.contains_key(**way) || old.contains_key(**way);
    let way = CLUSTER.iter().find(has).copied();
    let is_taken = |key: &str| !CLUSTER.contains(&key) || way == Some(key);
    let mut both = Map::new();
    for (key, new) in new.iter().filter(|(key, _)| is_taken(key)) {
        let value = match (old.get(key), key.as_str()) {
            (None, _) => new.clone(),
            (Some(old), "retry_on") => words(old, new),
            (Some(old), _) => merge(old, new),
        };
        both.insert(key.clone(), value);
    }
    for (key, old) in old.iter().filter(|(key, _)| is_taken(key)) {
        both.entry(key.clone()).or_insert_with(|| old.clone());
    }
    both
}

/// The words of both, with commas between: what one policy marks to be tried again is, until
/// nothing needs that.
fn words(old: &Value, new: &Value) -> Value {
    let [old, new] = [old, new].map(|text| text.as_str().unwrap_or_default());
    let known: BTreeSet<&str> = new.split(',').collect();
    let others = old.split(',').filter(|word| !known.contains(word));
    new.split(',').chain(others).collect::<Vec<_>>().join(",").into()
}

/// The items of both: those that only the old one has stand before what followed them there.
fn list(old: &[Value], new: &[Value]) -> Vec<Value> {
    let mut both: Vec<Value> = new
        .iter()
        .map(|new| {
            old.iter().find(|old| is_same(old, new)).map_or(new.clone(), |old| merge(old, new))
        })
        .collect();
    let mut end = both.len();
    for one in old.iter().rev() {
        match both.iter().position(|other| is_same(one, other)) {
            Some(place) => end = place,
            None => both.insert(end, one.clone()),
        }
    }
    both
}

/// Whether two items are the same in two policies: a part of one name, for routes also of one
/// match, or one value.
fn is_same(old: &Value, new: &Value) -> bool {
    if old.is_object() && new.is_object() && !name_of(new).is_empty() {
        return name_of(old) == name_of(new) && old.get("match") == new.get("match");
    }
    old == new
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn named(kind: &Kind, old: &Value, new: &Value) -> Value {
        let all = |value: &Value| value.as_array().unwrap().clone();
        union(kind, &all(old), &all(new)).into()
    }

    #[test]
    fn clusters_of_both_and_the_new_ones_where_a_name_is_the_same() {
        let found = named(
            &Kind::Clusters,
            &json!([{"name": "a", "v": 1}, {"name": "b", "v": 1}]),
            &json!([{"name": "c", "v": 2}, {"name": "b", "v": 2}]),
        );
        let expected = json!([{"name": "c", "v": 2}, {"name": "b", "v": 2}, {"name": "a", "v": 1}]);
        assert_eq!(found, expected);
    }

    #[test]
    fn lists_keep_both_orders() {
        #[rustfmt::skip]
        let rows = [
            ("a b c", "a b c", "a b c", "equal"),
            ("a b c", "a c", "a b c", "one goes"),
            ("a c", "a b c", "a b c", "one comes"),
            ("a x c", "a y c", "a y x c", "one for another"),
            ("x", "a", "a x", "nothing in common"),
            ("x y a", "a", "x y a", "before what followed"),
            ("", "a", "a", "nothing before"),
        ];
        for (old, new, expected, reason) in rows {
            let values = |text: &str| -> Vec<Value> {
                text.split_whitespace().map(|name| json!({"name": name})).collect()
            };
            assert_eq!(list(&values(old), &values(new)), values(expected), "{reason}");
        }
    }

    #[test]
    fn routes_serve_both() {
        let matcher = |keys: &[&str]| {
            let map: Map<String, Value> =
                keys.iter().map(|key| ((*key).to_owned(), json!({"to": key}))).collect();
            json!({"inline_cluster_specifier_plugin": {"map": map}})
        };
        let route = |name: &str, action: Value| json!({"name": name, "match": {}, "route": action});
        let host = |name: &str, domains: &[&str], routes: Vec<Value>| json!({"name": name, "domains": domains, "routes": routes});
        let of = |hosts: Vec<Value>| json!([{"name": "portolan", "virtual_hosts": hosts}]);
        let old = of(vec![
            host(
                "all",
                &["*"],
                vec![route("several", matcher(&["a", "b"])), route("write", json!({"idle": 1}))],
            ),
            host("pages-x", &["x.example", "y.example"], vec![]),
            host("pages-z", &["z.example"], vec![]),
            host("redirects", &["cdn.example"], vec![route("redirect", json!({"cluster": "a"}))]),
        ]);
        let new = of(vec![
            host("all", &["*"], vec![route("write", json!({"idle": 2}))]),
            host("pages-w", &["y.example", "z.example"], vec![]),
            host("redirects", &["cdn.example"], vec![route("redirect", matcher(&["c"]))]),
        ]);
        let expected = of(vec![
            host(
                "all",
                &["*"],
                vec![route("several", matcher(&["a", "b"])), route("write", json!({"idle": 2}))],
            ),
            host("pages-w", &["y.example", "z.example"], vec![]),
            host("pages-x", &["x.example"], vec![]),
            host("redirects", &["cdn.example"], vec![route("redirect", matcher(&["c"]))]),
        ]);
        let found = named(&Kind::Routes, &old, &new);
        assert_eq!(found, expected, "{found:#}");
        let back = named(&Kind::Routes, &new, &old);
        let several = back.pointer("/0/virtual_hosts/0/routes/0/route").unwrap();
        assert_eq!(several, &matcher(&["a", "b"]));
        let redirect = |value: &Value| {
            let hosts = value.pointer("/0/virtual_hosts").unwrap().as_array().unwrap().clone();
            hosts.into_iter().find(|host| host["name"] == "redirects").unwrap()
        };
        assert_eq!(
            redirect(&back)["routes"][0]["route"],
            matcher(&["c"]),
            "later attempts of the old"
        );
    }

    #[test]
    fn retry_conditions_of_both_policies_are_united() {
        let policy =
            |words: &str| json!([{"name": "portolan", "retry_policy": {"retry_on": words}}]);
        let found = named(&Kind::Routes, &policy("a,marked,b"), &policy("b,c"));
        assert_eq!(found, policy("b,c,a,marked"));
    }

    #[test]
    fn with_itself_it_is_itself() {
        let routes = json!([{"name": "portolan", "virtual_hosts": [
            {"name": "all", "domains": ["*"], "routes": [{"name": "r", "match": {"prefix": "/"}}]},
        ], "request_headers_to_remove": ["a", "b"]}]);
        assert_eq!(named(&Kind::Routes, &routes, &routes), routes);
        assert_eq!(named(&Kind::Clusters, &routes, &routes), routes);
    }
}
