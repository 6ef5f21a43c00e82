//! What a directory of files has in it, and what a change of the policy changes of it.

use std::collections::BTreeSet;

use portolan_core::config::Config;
use serde_json::{Value, json};

use super::slots::{self, does_nothing};
use super::{FileSet, Kind, name_of};
use crate::model::Model;
use crate::options::{FilterFile, FilterKind, Options, Target};
use crate::{Rendering, bootstrap, listener};

fn options(target: Target, database: bool) -> Options {
    Options {
        target,
        listen: "0.0.0.0:8080".parse().unwrap(),
        sds_directory: "/d/sds".to_owned(),
        directory: "/d".to_owned(),
        ..crate::tests::options(true, database.then_some("/geoip.mmdb"))
    }
}

/// A plain policy; the rows of tests change it.
fn policy() -> Value {
    json!({
        "version": 1, "cluster_fingerprints": true,
        "fronts": {"main": {"hosts": ["r.example"]}},
        "credentials": {"robot": {"file": "/c/robot"}},
        "backends": {
            "a": {"url": "https://a.example", "credential": "robot", "auth": "basic"},
            "b": {"url": "https://b.example"},
        },
        "regions": {"default": {}},
        "rules": [{"name": "x", "repositories": ["acme/**"], "readers": "anyone",
                   "chains": {"default": ["a", "b"]}, "owner": "b"}],
    })
}

fn rendering(policy: &Value, database: bool) -> Rendering {
    let json = policy.to_string();
    let config = Config::from_json(json.as_bytes()).unwrap_or_else(|all| panic!("{json}: {all:?}"));
    Rendering { json, config, options: options(Target::Files, database), fill: None }
}

fn set(policy: &Value) -> FileSet {
    FileSet::of(&rendering(policy, policy.pointer("/clients/geo/database").is_some()))
}

fn with(pointer: &str, value: Value) -> Value {
    let mut policy = policy();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    policy.pointer_mut(parent).unwrap()[key] = value;
    policy
}

/// All that a policy is likely to change while clients are connected.
fn changes() -> Vec<(&'static str, Value)> {
    let geo = json!({"geo": {"database": "/geoip.mmdb"}});
    let cdn = json!({"url": "https://b.example", "redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}});
    let inside = json!({"url": "http://b.example", "redirect_handling": "follow",
                        "followed_redirects": {"hosts": ["cdn"], "private_addresses": true}});
    vec![
        ("a backend comes", with("/backends/c", json!({"url": "https://c.example"}))),
        ("a backend moves", with("/backends/b/url", json!("https://other.example"))),
        ("a chain is in another order", with("/rules/0/chains/default", json!(["b", "a"]))),
        ("a rule has another name", with("/rules/0/name", json!("y"))),
        ("names are mapped", with("/backends/b/names", json!([{"front": "x/", "backend": "y/"}]))),
        ("it may take longer", with("/backends/b/attempt_timeouts", json!({"blobs": "900s"}))),
        ("redirects are followed", with("/backends/b", cdn)),
        ("and to private addresses", with("/backends/b", inside)),
        ("a front tells its health", with("/fronts/main/health", json!(true))),
        (
            "a front has pages",
            with("/fronts/main/cors", json!({"origins": ["https://ui.example"]})),
        ),
        ("clients are located", with("/clients", geo)),
        ("another credential", with("/credentials/robot/file", json!("/c/other"))),
    ]
}

/// A listener that changes closes the connections of all clients.
#[test]
fn the_listener_and_the_bootstrap_stay() {
    let before = set(&policy());
    for (what, changed) in changes() {
        let after = set(&changed);
        assert_eq!(before.bootstrap, after.bootstrap, "{what}");
        assert_eq!(before.listeners, after.listeners, "{what}");
        assert_ne!(
            (&before.clusters, &before.routes, &before.filters),
            (&after.clusters, &after.routes, &after.filters),
            "{what} is nowhere to be found"
        );
    }
}

/// The route of scrapes names the policy, and nothing else of the listener for metrics does.
#[test]
fn metrics_labels_change_with_the_policy() {
    let with_metrics = |fingerprint: &str| {
        let mut rendering = rendering(&policy(), false);
        rendering.options.metrics = Some("0.0.0.0:9902".parse().unwrap());
        fingerprint.clone_into(&mut rendering.options.policy);
        FileSet::of(&rendering)
    };
    let (one, other) = (with_metrics("1111111111111111"), with_metrics("2222222222222222"));
    assert_eq!(one.bootstrap, other.bootstrap);
    assert!(!one.bootstrap.contains("1111111111111111"));
    assert!(one.bootstrap.contains("/d/scrapes.json"));
    for (set, fingerprint) in [(one, "1111111111111111"), (other, "2222222222222222")] {
        let route = set.scrapes[0].pointer("/virtual_hosts/0/routes/0").unwrap();
        let said = route.pointer("/metadata/filter_metadata/portolan/policy");
        assert_eq!(said, Some(&json!(fingerprint)));
    }
    assert!(set(&policy()).scrapes.is_empty(), "nobody scrapes");
}

/// What a listener says itself, about connections and who is at their other end. `portolan apply`
/// says so.
#[test]
fn policies_that_change_the_listener() {
    let rows = [
        ("proxies are trusted", with("/clients", json!({"trusted_hops": 1}))),
        (
            "geo headers are believed",
            with(
                "/clients",
                json!({"trusted_proxies": ["10.0.0.0/8"],
            "geo": {"headers": {"country": "cf-ipcountry"}}}),
            ),
        ),
        (
            "a front has TLS",
            with("/fronts/main/tls", json!({"certificate_file": "/t/c", "key_file": "/t/k"})),
        ),
        (
            "HTTP/1.0 without a host is no front's now",
            with("/fronts/other", json!({"hosts": ["s.example"]})),
        ),
    ];
    let before = set(&policy());
    for (what, changed) in rows {
        assert_ne!(before.listeners, set(&changed).listeners, "{what}");
    }
}

/// One name is one place: a cluster that is in both policies connects to the same.
#[test]
fn no_cluster_moves() {
    let before = set(&policy());
    let parts = ["/load_assignment", "/transport_socket", "/cluster_type"];
    for (what, changed) in changes() {
        for new in set(&changed).clusters {
            let old = before.clusters.iter().find(|old| name_of(old) == name_of(&new));
            for part in parts {
                let is_same = old.is_none_or(|old| old.pointer(part) == new.pointer(part));
                assert!(is_same, "{what}: {} {part}", name_of(&new));
            }
        }
    }
}

#[test]
fn secrets_of_two_policies_have_two_names() {
    let names = |policy: &Value| -> BTreeSet<String> { set(policy).secrets.into_keys().collect() };
    let (one, two) = (names(&policy()), names(&with("/credentials/robot/file", json!("/c/other"))));
    assert_eq!(one.len(), 1);
    assert_eq!(one.intersection(&two).count(), 0, "{one:?}, {two:?}");
    let set = set(&policy());
    let (name, text) = set.secrets.iter().next().unwrap();
    let name = name.strip_suffix(".yaml").unwrap();
    assert!(name.starts_with("credential-robot~") && text.contains(name), "{name}: {text}");
    let clusters = serde_json::to_string(&set.clusters).unwrap();
    assert!(clusters.contains(&format!("/d/sds/{name}.yaml")), "Envoy looks for it");
}

/// A filter that the connection manager has and that has no place here would come and go with the
/// listener.
#[test]
fn every_filter_has_its_place() {
    for (what, changed) in changes() {
        let rendering = rendering(&changed, changed.pointer("/clients/geo/database").is_some());
        let options = options(Target::Bootstrap, rendering.options.geoip_database.is_some());
        let model = Model::of(&rendering.config, &rendering.json, &options, None);
        let whole = bootstrap::bootstrap(&model);
        let listeners = whole.pointer("/static_resources/listeners").unwrap().as_array().unwrap();
        let ours = listeners.iter().find(|one| name_of(one) == listener::NAME).unwrap();
        let filters = ours.pointer("/filter_chains/0/filters/0/typed_config/http_filters").unwrap();
        let names: Vec<&str> = filters.as_array().unwrap().iter().map(name_of).collect();
        let (router, filters) = names.split_last().unwrap();
        assert_eq!(*router, "envoy.filters.http.router");
        let places: Vec<&str> = slots::all(&options).map(|slot| slot.name).collect();
        let mut rest = places.iter();
        for filter in filters {
            assert!(
                rest.any(|place| place == filter),
                "{what}: {filter} has no place, or is not in order"
            );
        }
        let found = FileSet::of(&rendering);
        let kept: Vec<&str> =
            found.filters.iter().filter(|one| !does_nothing(one)).map(name_of).collect();
        assert_eq!(&kept, filters, "{what}");
    }
}

#[test]
fn a_file_says_its_version() {
    let set = set(&policy());
    let kinds: Vec<Kind> = set.resources().into_iter().map(|file| file.kind).collect();
    assert_eq!(kinds[..3], [Kind::Clusters, Kind::Routes, Kind::Listeners]);
    assert!(kinds.contains(&Kind::of_the_decision()));
    for file in set.resources() {
        let text: Value = serde_json::from_str(&file.text()).unwrap();
        assert_eq!(text["version_info"], file.version.as_str());
        assert!(file.version.starts_with("0123456789abcdef-"), "{}", file.version);
        for resource in text["resources"].as_array().unwrap() {
            let message = resource["@type"].as_str().unwrap();
            assert!(message.starts_with("type.googleapis.com/envoy.config."), "{message}");
        }
    }
    let read: FileSet = serde_json::from_str(&serde_json::to_string(&set).unwrap()).unwrap();
    assert_eq!((&read, read.id()), (&set, set.id()), "it is kept to go back to");
}

/// The native module stands wherever the filter does, and a place that takes the one takes no
/// other.
#[test]
fn the_filter_is_of_one_kind_everywhere() {
    let [wasm, native] = [FilterKind::Wasm, FilterKind::Module].map(|kind| {
        let mut rendering = rendering(&policy(), false);
        rendering.options.filter = Some(FilterFile { kind, path: "/filter".to_owned() });
        let set = FileSet::of(&rendering);
        let whole = rendering.whole();
        let parts = json!([set.clusters, set.listeners, set.filters]).to_string();
        [whole, parts]
    });
    let count =
        |text: &str, message: &str| text.matches(&format!("filters.http.{message}.v3")).count();
    for (wasm, native) in wasm.iter().zip(&native) {
        let places = count(wasm, "wasm");
        assert!(places > 1, "{wasm}");
        assert_eq!(count(native, "dynamic_modules"), places, "{native}");
        assert_eq!((count(wasm, "dynamic_modules"), count(native, "wasm")), (0, 0));
    }
}
