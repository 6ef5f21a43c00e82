//! The clusters of later attempts, and the conditions that take a backend out.

use super::*;
use crate::model::fill::Fill;

const SPECIFIER: &str =
    "/route/inline_cluster_specifier_plugin/extension/typed_config/cluster_matcher";

fn names(rendered: &Value) -> Vec<&str> {
    let clusters = at(rendered, "/static_resources/clusters").as_array().unwrap();
    clusters.iter().map(|cluster| cluster["name"].as_str().unwrap()).collect()
}

/// The clusters that the filter may name for a later attempt.
fn named(rendered: &Value) -> Vec<String> {
    let route = at(manager(rendered), "/route_config/virtual_hosts/0/routes/0");
    let map = at(route, &format!("{SPECIFIER}/matcher_tree/exact_match_map/map"));
    let mut names: Vec<String> = map.as_object().unwrap().keys().cloned().collect();
    names.sort();
    names
}

#[test]
fn each_rest_of_a_list_has_a_cluster_in_its_order() {
    let two = with_a_list(&["b", "a"]);
    assert_eq!(named(&two), ["a+b@sparing-1", "a@last", "b@last"]);
    let three = with_a_list(&["c", "a", "b"]);
    let rests = ["a+b@last", "a@last", "b@last", "c+a@last", "c+b@last", "c@last"];
    let orders = ["a+b+c@sparing-1", "a+c+b@sparing-2", "b+c+a@sparing-2", "c+b+a@sparing-1"];
    let mut expected = [&rests[..], &orders].concat();
    expected.sort_unstable();
    assert_eq!(named(&three), expected);
    for name in expected {
        assert!(names(&three).contains(&name), "{name} is a cluster");
    }
    let members = at(cluster(&three, "c+b@last"), "/cluster_type/typed_config/clusters");
    assert_eq!(members, &json!(["c@last", "b@last"]));
}

/// Envoy answers at once where the first cluster of a request has nobody who is up.
#[test]
fn a_first_attempt_has_the_whole_list() {
    let three = with_a_list(&["c", "a", "b"]);
    let first = cluster(&three, "a+b+c@sparing-1");
    let members = at(first, "/cluster_type/typed_config/clusters");
    assert_eq!(members, &json!(["a", "b", "c"]), "by the same rules as in the list's own order");
}

#[test]
fn a_long_list_has_a_cluster_for_each_backend_only() {
    let long = with_a_list(&["a", "b", "c", "d", "e", "f", "g"]);
    let expected = ["a", "b", "c", "d", "e", "f", "g"].map(|name| format!("{name}@last"));
    assert_eq!(named(&long), expected);
    let six = with_a_list(&["a", "b", "c", "d", "e", "f"]);
    assert_eq!(named(&six).len(), 62 + 57, "every set of one to five of six, and every order");
}

#[test]
fn clusters_asked_last_eject_by_health_checks_only() {
    let rendered = with_a_list(&["a", "b"]);
    let last = cluster(&rendered, "a@last");
    assert_eq!(last.get("outlier_detection"), None);
    assert_eq!(at(last, "/common_lb_config/healthy_panic_threshold/value"), 0);
    assert_eq!(last["health_checks"], cluster(&rendered, "a")["health_checks"]);
    let metadata = "/load_assignment/endpoints/0/lb_endpoints/0/metadata";
    assert_eq!(at(last, metadata), at(cluster(&rendered, "a"), metadata));
}

/// Anybody can ask for the image that makes a registry answer 500.
#[test]
fn no_answer_takes_a_backend_out() {
    let rendered = with_a_list(&["a", "b"]);
    let never = json!({"error_matcher": {"not_match": {"any_match": true}}});
    let options =
        "/typed_extension_protocol_options/envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
    for name in ["a", "b", "a+b", "a@last"] {
        let found = at(cluster(&rendered, name), &format!("{options}/outlier_detection"));
        assert_eq!(found, &never, "{name}");
    }
    let ejection = at(cluster(&rendered, "a"), "/outlier_detection");
    assert_eq!(ejection["enforcing_consecutive_5xx"], 0);
    assert_eq!(ejection["consecutive_gateway_failure"], 3);
}

/// Each filter of the configuration costs a start something.
#[test]
fn the_attempts_of_all_lists_have_one_filter() {
    let rendered = with_a_list(&["c", "a", "b"]);
    let filters = attempt_filters(&rendered);
    let names = filters.iter().map(|filter| filter["name"].as_str().unwrap());
    let expected = ["envoy.filters.http.wasm", "envoy.filters.http.upstream_codec"];
    assert!(names.eq(expected));
    let role = at(&filters[0], "/typed_config/config/configuration/value");
    assert_eq!(role, r#"{"phase":"attempt"}"#, "the request says the list");
    for name in ["c+a+b", "c+a@last", "b@last", "a+b+c@sparing-1"] {
        // The filters of a cluster would take the place of the router's.
        assert!(!cluster(&rendered, name).to_string().contains("http_filters"), "{name}");
    }
    assert_eq!(rendered.to_string().matches("portolan-attempt").count(), 1);
}

#[test]
fn who_has_no_attempts_to_look_at_has_no_filter_for_them() {
    let alone = with_a_list(&["a"]);
    assert!(attempt_filters(&alone).is_empty(), "its cluster has filters itself");
    assert!(cluster(&alone, "a").to_string().contains("http_filters"));
}

/// The filters of attempts that the router has.
fn attempt_filters(rendered: &Value) -> Vec<Value> {
    let filters = at(manager(rendered), "/http_filters").as_array().unwrap();
    let router = filters.last().unwrap();
    let own = router.pointer("/typed_config/upstream_http_filters").and_then(Value::as_array);
    own.cloned().unwrap_or_default()
}

/// The time in which Envoy starts grows with their number, and so does its memory.
#[test]
fn many_lists_have_a_cluster_each_and_no_more() {
    let (names, of_all) = with_many_lists();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let all = self::names(&of_all);
    let ends = |end: &str| all.iter().filter(|name| name.ends_with(end)).count();
    let lists = all.iter().filter(|name| name.contains('+')).count();
    assert_eq!(lists, names.len() * (names.len() - 1), "each list itself");
    assert_eq!((ends("@last"), ends("@sparing-0")), (names.len(), names.len()));
    let route = at(manager(&of_all), "/route_config/virtual_hosts/0/routes/0");
    let map = at(route, &format!("{SPECIFIER}/matcher_tree/exact_match_map/map"));
    let to = |name: &str| &map[name]["action"]["typed_config"]["cluster"];
    assert_eq!(to("b1+b2@sparing-1"), "b1@sparing-0", "the one that is not spared");
    assert_eq!(to("b1@last"), "b1@last");
    let deferred = "/cluster_manager/enable_deferred_cluster_creation";
    assert_eq!(at(&of_all, deferred), true, "a thread has what it uses");
    assert_eq!(with_a_list(&["a", "b"]).pointer(deferred), None);
    let first = cluster(&of_all, "b1@sparing-0");
    assert_eq!(at(first, "/cluster_type/typed_config/clusters"), &json!(["b1"]));
}

/// Each backend and another one, in both orders; and the names of the backends.
fn with_many_lists() -> (Vec<String>, Value) {
    let names: Vec<String> = (0..33).map(|number| format!("b{number}")).collect();
    let mut policy = Policy::new();
    for first in &names {
        policy = policy.backend(first, Backend::at(&format!("http://{first}.example")));
        for second in names.iter().filter(|second| *second != first) {
            let rule = Rule::of(&format!("{first}-{second}"));
            let repository = format!("{first}/{second}/**");
            let rule = rule.repositories([&repository]);
            policy = policy.rule(rule.chain([first.as_str(), second.as_str()]));
        }
    }
    (names, bootstrap(&policy.read_by(Config::from_json), "{}\n", &options(true, None)))
}

/// A policy whose tags may be stale, with what fills its cache; `chain` has the registries.
fn with_stale_tags(chain: &[&str], field: bool) -> Value {
    let with = |policy: Policy, name: &&str| {
        policy.backend(name, Backend::at(&format!("http://{name}.example")))
    };
    let members = ["cache@eu"].into_iter().chain(chain.iter().copied());
    let rule = Rule::of("team").readers("anyone").chain(members).with("replicas", json!(chain));
    let rule = if field { rule.with("stale_tags", "1h") } else { rule };
    let policy = chain.iter().fold(Policy::new(), with).rule(rule);
    let policy = policy.with("caches", json!({"eu": {"nodes": ["http://10.0.0.7:8300"]}}));
    let config = policy.clone().read_by(Config::from_json);
    let fill = Fill {
        address: "10.0.0.5:8081".parse().unwrap(),
        json: "{}\n".to_owned(),
        config: policy.with("fills_caches", true).read_by(Config::from_json),
    };
    let options = options(true, None);
    super::super::bootstrap::bootstrap(&Model::of(&config, "{}\n", &options, Some(&fill)))
}

/// The cache answers with what a tag was when health checks have taken out all that are left.
#[test]
fn rests_of_lists_whose_tags_may_be_stale() {
    let stale = |rendered: &Value| {
        let named = named(rendered).into_iter().filter(|name| name.contains("stale@cache"));
        named.collect::<Vec<_>>()
    };
    #[rustfmt::skip]
    let rows = [
        (&["a", "b"][..], &["a+stale@cache@last", "b+stale@cache@last", "stale@cache@last"][..]),
        (&["a"], &["a+stale@cache@last", "stale@cache@last"]),
    ];
    for (chain, expected) in rows {
        let rendered = with_stale_tags(chain, true);
        assert_eq!(stale(&rendered), expected);
        for name in expected {
            assert!(names(&rendered).contains(name), "{name} is a cluster");
        }
        assert_eq!(stale(&with_stale_tags(chain, false)), [""; 0], "no rule says so");
    }
    let rendered = with_stale_tags(&["a", "b"], true);
    let members = |name| at(cluster(&rendered, name), "/cluster_type/typed_config/clusters");
    assert_eq!(members("a+stale@cache@last"), &json!(["a@last", "portolan@fill"]));
    assert_eq!(members("stale@cache@last"), &json!(["portolan@fill"]));
    let host = "/load_assignment/endpoints/0/lb_endpoints/0/metadata/filter_metadata/portolan";
    assert_eq!(at(cluster(&rendered, "portolan@fill"), host), &json!({"backend": "stale@cache"}));
}

/// A node that lacks what this Envoy wants from it comes back to the same listener.
#[test]
fn what_this_envoy_wants_from_a_cache_is_no_loop() {
    for (field, expected) in [(true, true), (false, false)] {
        let rendered = with_stale_tags(&["a", "b"], field);
        let listeners = at(&rendered, "/static_resources/listeners").as_array().unwrap();
        let found = listeners.iter().map(|listener| {
            let name = listener["name"].as_str().unwrap();
            let text = listener.to_string();
            (name == "portolan-fill", text.contains("through a cache"))
        });
        let found: Vec<(bool, bool)> = found.collect();
        assert!(found.contains(&(true, expected)), "{found:?}");
        assert!(!found.contains(&(false, true)), "clients have none: {found:?}");
    }
}
