//! The files of a reload in their order, in which no request meets a part of a policy that is
//! missing.

use std::collections::{BTreeMap, BTreeSet};

use portolan_render::files::{FileSet, Kind, Resources, does_nothing, name_of, union};
use serde_json::Value;

/// The steps from what is written now to a policy.
#[derive(Debug)]
pub(super) struct Plan {
    /// What serves both: one file after the other, Envoy having taken each before the next is
    /// written.
    pub(super) before: Vec<Resources>,
    /// The filters, and last what metrics say of them. The policy is in force when Envoy has these.
    pub(super) filters: Vec<Resources>,
    /// What is left when nothing needs the policy before any more.
    pub(super) after: Vec<Resources>,
    /// The clusters that go.
    pub(super) leaving: BTreeSet<String>,
    /// Whether the listener changes, which ends the connections of clients sooner or later.
    pub(super) changes_listener: bool,
}

/// What is written now, by file.
pub(super) type Written = BTreeMap<Kind, Vec<Value>>;

impl Plan {
    /// The plan. What stands in a file already is not written again.
    pub(super) fn new(now: &Written, set: &FileSet) -> Self {
        let current = |kind: &Kind| now.get(kind).map_or(&[][..], Vec::as_slice);
        let is_news = |new: &Resources| current(&new.kind) != new.all;
        let both = |kind: Kind, new: &[Value]| {
            let all = union(&kind, current(&kind), new);
            Resources::new(kind, all, &set.policy)
        };
        let clusters = both(Kind::Clusters, &set.clusters);
        let routes = both(Kind::Routes, &set.routes);
        let (filters, files): (Vec<_>, Vec<_>) = set.resources().into_iter().partition(is_in_turn);
        let listeners: Vec<_> = files
            .iter()
            .filter(|file| file.kind == Kind::Listeners && is_news(file))
            .cloned()
            .collect();
        let mut filters: Vec<_> = filters.into_iter().filter(is_news).collect();
        filters.sort_by_key(turn);
        let names: BTreeSet<&str> = set.clusters.iter().map(name_of).collect();
        let all = clusters.all.iter().map(name_of).filter(|name| !names.contains(name));
        let leaving = all.map(str::to_owned).collect();
        let changes_listener = !listeners.is_empty();
        // In the other order: routes lead to clusters.
        let after = [Kind::Routes, Kind::Clusters].into_iter().filter_map(|kind| {
            let new = files.iter().find(|file| file.kind == kind)?;
            let both = if kind == Kind::Routes { &routes.all } else { &clusters.all };
            (*both != new.all).then(|| new.clone())
        });
        Self {
            after: after.collect(),
            before: [clusters, routes].into_iter().filter(is_news).chain(listeners).collect(),
            filters,
            leaving,
            changes_listener,
        }
    }

    /// Whether everything is written already.
    pub(super) fn is_empty(&self) -> bool {
        self.before.is_empty() && self.filters.is_empty() && self.after.is_empty()
    }
}

/// Whether a file is one of those by which the policy comes in force.
const fn is_in_turn(file: &Resources) -> bool {
    matches!(file.kind, Kind::Filter(_) | Kind::Scrapes)
}

/// The filter that decides comes behind those that it needs, and before those go that it needed.
/// What metrics say is said when it is so.
fn turn(resources: &Resources) -> u8 {
    match &resources.kind {
        Kind::Scrapes => 3,
        kind if *kind == Kind::of_the_decision() => 1,
        _ if resources.all.iter().all(does_nothing) => 2,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOTHING: &str =
        "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation";

    fn filter(name: &str, message: &str) -> Value {
        json!({"name": name, "typed_config": {"@type": message}})
    }

    fn set(clusters: &[&str], geoip: &str, listener: u8) -> FileSet {
        let named = |names: &[&str]| names.iter().map(|name| json!({"name": name})).collect();
        let hosts = json!([{"name": "all", "domains": ["*"], "routes": [
            {"name": "r", "match": {}, "to": clusters},
        ]}]);
        FileSet {
            policy: clusters.concat(),
            bootstrap: String::new(),
            secrets: BTreeMap::new(),
            clusters: named(clusters),
            listeners: vec![json!({"name": "portolan", "v": listener})],
            routes: vec![json!({"name": "portolan", "virtual_hosts": hosts})],
            scrapes: vec![json!({"name": "portolan_metrics", "of": clusters.concat()})],
            filters: vec![
                filter("envoy.filters.http.geoip", geoip),
                filter("envoy.filters.http.wasm", &clusters.concat()),
            ],
        }
    }

    fn written(set: &FileSet) -> Written {
        set.resources().into_iter().map(|file| (file.kind, file.all)).collect()
    }

    fn words(resources: &[Resources]) -> Vec<String> {
        let word = |file: &Resources| {
            let names: Vec<&str> = match file.kind {
                Kind::Clusters => file.all.iter().map(name_of).collect(),
                _ => Vec::new(),
            };
            format!("{} {}", file.kind.file(), names.join(",")).trim_end().to_owned()
        };
        resources.iter().map(word).collect()
    }

    #[test]
    fn both_then_the_filter_then_the_new_alone() {
        let old = set(&["a~1", "b"], NOTHING, 1);
        let plan = Plan::new(&written(&old), &set(&["a~2", "b"], "geoip", 1));
        assert_eq!(words(&plan.before), ["clusters.json a~2,b,a~1", "routes.json"]);
        let decides = "filters/envoy.filters.http.wasm.json";
        let geoip = "filters/envoy.filters.http.geoip.json";
        let said = [geoip, decides, "scrapes.json"];
        assert_eq!(words(&plan.filters), said, "the country before the decision");
        assert_eq!(words(&plan.after), ["routes.json", "clusters.json a~2,b"]);
        assert_eq!(plan.leaving, BTreeSet::from(["a~1".to_owned()]));
        assert!(!plan.changes_listener);

        let with = set(&["a~1", "b"], "geoip", 1);
        let plan = Plan::new(&written(&with), &set(&["c"], NOTHING, 2));
        let said = [decides, geoip, "scrapes.json"];
        assert_eq!(words(&plan.filters), said, "as long as the country is needed");
        assert_eq!(words(&plan.before), ["clusters.json c,a~1,b", "routes.json", "listeners.json"]);
        assert!(plan.changes_listener);
    }

    #[test]
    fn unchanged_files_are_not_written_again() {
        let one = set(&["a"], NOTHING, 1);
        assert!(Plan::new(&written(&one), &one).is_empty());
    }

    /// Stopped at any point and run again, for the same policy or another one: what is there is a
    /// beginning.
    #[test]
    fn it_goes_on_from_anywhere() {
        let (old, new, other) =
            (set(&["a"], NOTHING, 1), set(&["b"], "geoip", 2), set(&["c"], NOTHING, 1));
        let mut now = written(&old);
        let plan = Plan::new(&now, &new);
        let steps = [plan.before, plan.filters, plan.after].concat();
        for step in steps {
            let further = Plan::new(&now, &other);
            let clusters = further.before.iter().find(|file| file.kind == Kind::Clusters).unwrap();
            for name in now[&Kind::Clusters].iter().map(name_of) {
                assert!(
                    clusters.all.iter().any(|one| name_of(one) == name),
                    "{name} may be needed"
                );
            }
            now.insert(step.kind.clone(), step.all);
            let mut end = now.clone();
            let again = Plan::new(&end, &new);
            for file in [again.before, again.filters, again.after].concat() {
                end.insert(file.kind, file.all);
            }
            assert_eq!(end, written(&new));
        }
    }
}
