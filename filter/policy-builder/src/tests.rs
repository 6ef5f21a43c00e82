//! What a policy has that a test did not name, and that nothing it named is lost.

use serde_json::json;

use super::*;

#[test]
fn a_policy_has_what_a_test_does_not_name() {
    let expected = json!({
        "version": 1,
        "fronts": {"main": {"hosts": ["registry.example.com"]}},
        "backends": {"a": {"url": "https://a.example"}},
        "regions": {"default": {}},
        "rules": [{"name": "all", "repositories": ["**"], "chains": {"default": ["a"]}}],
    });
    assert_eq!(Policy::smallest().document(), expected);
}

#[test]
fn a_policy_has_every_field_that_a_test_names() {
    let made = Policy::new()
        .front("public", Front::at(["r.example", "s.example"]).logins_of("far"))
        .front("closed", Front::at(["c.example"]).passwords())
        .backend("near", Backend::at("http://near").basic("robot").followed_to(["cdn.example"]))
        .backend("far", Backend::at("https://far").tokens_of("https://t", "far").names("a/", "b/"))
        .region("cn", Region::countries(["CN"]))
        .network("office", ["192.0.2.0/24"])
        .credential("robot")
        .geo_database()
        .rule(
            Rule::of("team")
                .owner("far")
                .replicas(["far"])
                .readers("anyone")
                .fronts(["public"])
                .chain_of("cn", ["near", "far"])
                .chain(["far"]),
        );
    let expected = json!({
        "version": 1,
        "fronts": {
            "public": {"hosts": ["r.example", "s.example"], "auth": {"upstream": {"login": "far"}}},
            "closed": {"hosts": ["c.example"], "auth": {"basic": {"verifier": "http://v"}}},
        },
        "backends": {
            "near": {"url": "http://near", "auth": "basic", "credential": "robot",
                     "redirect_handling": "follow", "followed_redirects": {"hosts": ["cdn.example"]}},
            "far": {"url": "https://far", "auth": {"token": {"realm": "https://t", "service": "far"}},
                    "names": [{"front": "a/", "backend": "b/"}]},
        },
        "networks": {"office": ["192.0.2.0/24"]},
        "credentials": {"robot": {"file": "/c/robot"}},
        "regions": {"cn": {"countries": ["CN"]}, "default": {}},
        "rules": [{
            "name": "team", "repositories": ["team/**"], "owner": "far", "replicas": ["far"],
            "readers": "anyone", "fronts": ["public"],
            "chains": {"cn": ["near", "far"], "default": ["far"]},
        }],
        "clients": {"geo": {"database": "/geo.mmdb"}},
    });
    assert_eq!(made.document(), expected);
}

#[test]
fn fronts_backends_and_rules_keep_their_order() {
    let made =
        Policy::new().backend("z", Backend::at("http://z")).backend("a", Backend::at("http://a"));
    assert!(made.json().contains(r#""chains":{"default":["z","a"]}"#), "{}", made.json());
}

#[test]
fn a_change_replaces_a_value_or_adds_one() {
    let made = Policy::smallest()
        .set("/rules/0/owner", "a")
        .set("/rules/0/chains/default/0", "b")
        .set("/clients/trusted_hops", 1)
        .document();
    let rule = json!({
        "name": "all", "repositories": ["**"], "chains": {"default": ["b"]}, "owner": "a",
    });
    assert_eq!(made["rules"], json!([rule]));
    assert_eq!(made["clients"], json!({"trusted_hops": 1}));
}

#[test]
#[should_panic(expected = "/rules/7/owner leads nowhere")]
fn a_change_of_what_is_not_there_fails_the_test() {
    let _ = Policy::smallest().set("/rules/7/owner", "a").document();
}
