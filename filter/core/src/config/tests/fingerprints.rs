//! The parts of a policy that the fingerprint in a cluster's name depends on, and those that it
//! does not.

use super::*;
use crate::contract::clusters::later_attempts as last;
use crate::contract::without_fingerprint;

const POLICY: &str = r#"{
    "version": 1, "cluster_fingerprints": true,
    "fronts": {
        "main": {"hosts": ["r.example"], "auth": {"basic": {"verifier": "https://users.example/check"}}}
    },
    "credentials": {"robot": {"file": "/c/robot"}},
    "backends": {
        "ghcr": {"url": "https://ghcr.example/base", "auth": "token", "credential": "robot",
                 "tls": {"ca_file": "/ca.pem"}, "attempt_timeouts": {"blobs": "20s"}},
        "quay": {"url": "https://quay.example"},
        "mine": {"url": "https://mine.example", "cluster": "mine-v2", "names": []}
    },
    "blob_stores": {"s3": {"url": "https://s3.example/{digest}"}},
    "regions": {"default": {}},
    "rules": [{"name": "all", "repositories": ["acme/**"], "owner": "quay",
               "readers": "anyone", "chains": {"default": ["quay", "ghcr"]}}]
}"#;

fn read(json: &str) -> Config {
    Config::from_json(json.as_bytes()).unwrap_or_else(|mistakes| panic!("{json}: {mistakes:?}"))
}

/// The policy with one value at a JSON pointer set.
fn changed(pointer: &str, value: &str) -> Config {
    let mut policy: serde_json::Value = serde_json::from_str(POLICY).unwrap();
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = policy.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}"));
    parent.as_object_mut().unwrap().insert(key.to_owned(), serde_json::from_str(value).unwrap());
    read(&policy.to_string())
}

/// Every name of a cluster that the policy leads to, by what it is for.
fn names(config: &Config) -> Vec<String> {
    let mut names = Vec::new();
    for backend in config.backends() {
        names.push(backend.cluster().to_owned());
        names.push(backend.owner_cluster().to_owned());
        names.push(redirects_cluster(backend.key(), Scheme::Https));
        if let BackendAuth::Token(service) = backend.auth() {
            names.push(service.cluster().to_owned());
        }
    }
    names.extend(config.lists().iter().map(|list| list.cluster().to_owned()));
    names.extend(config.blob_stores().iter().map(|store| store.cluster().to_owned()));
    for front in config.fronts().all() {
        if let FrontAuth::Basic(verifier) = front.auth() {
            names.push(verifier.cluster().to_owned());
        }
    }
    names
}

#[test]
fn every_cluster_of_ours_has_a_fingerprint() {
    let found = names(&read(POLICY));
    let plain: Vec<_> = found.iter().map(|name| without_fingerprint(name)).collect();
    #[rustfmt::skip]
    let expected = [
        "ghcr", "ghcr@owner", "ghcr@redirects", "ghcr@token", "quay", "quay@owner",
        "quay@redirects", "mine-v2", "mine-v2@owner", "mine@redirects", "quay@owner", "quay+ghcr",
        "quay", "s3@probe", "main@verifier",
    ];
    assert_eq!(plain, expected);
    for (name, plain) in found.iter().zip(&plain) {
        assert_eq!(name != plain, !plain.starts_with("mine-v2"), "{name}: it is somebody's own");
    }
    let without = POLICY.replace(r#""cluster_fingerprints": true,"#, "");
    assert_eq!(names(&read(&without)), expected, "nobody asked for fingerprints");
}

/// Which names change with a value: that of the backend and of what is made of it, and no other.
#[test]
fn a_name_changes_with_what_it_connects_to_and_with_nothing_else() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &[&str], &str)] = &[
        ("/backends/quay/url", r#""https://quay.example:444""#, &["quay", "quay+ghcr"], "another port"),
        ("/backends/quay/url", r#""http://quay.example""#, &["quay", "quay+ghcr"], "another scheme"),
        ("/backends/quay/url", r#""https://quay.example/x""#, &["quay", "quay+ghcr"], "another path"),
        ("/backends/quay/tls", r#"{"server_name": "q"}"#, &["quay", "quay+ghcr"], "another name"),
        ("/backends/quay/tls", r#"{"ca_file": "/q"}"#, &["quay", "quay+ghcr"], "another CA"),
        ("/backends/quay/tls", r#"{"certificate_file": "/c", "key_file": "/k"}"#, &["quay", "quay+ghcr"], "who we are"),
        ("/backends/quay/connect_proxy", r#""http://proxy.example:3128""#, &["quay", "quay+ghcr"], "a proxy between"),
        ("/backends/ghcr/auth", r#"{"token": {"realm": "https://t.example/t"}}"#, &["ghcr", "quay+ghcr"], "a realm"),
        ("/backends/ghcr/auth", r#"{"token": {"service": "s"}}"#, &["ghcr", "quay+ghcr"], "a service"),
        ("/credentials/robot/file", r#""/c/other""#, &["ghcr", "quay+ghcr"], "another credential"),
        ("/blob_stores/s3/url", r#""https://s3.example:444/{digest}""#, &["s3"], "another store"),
        ("/fronts/main/auth", r#"{"basic": {"verifier": "https://users.example/other"}}"#, &["main"], "another verifier"),
        ("/fronts/main/hosts", r#"["other.example"]"#, &[], "who asks"),
        ("/backends/quay/names", r#"[{"front": "a/", "backend": "b/"}]"#, &[], "what is asked"),
        ("/backends/quay/attempt_timeouts", r#"{"blobs": "9s"}"#, &[], "how long it may take"),
        ("/backends/new", r#"{"url": "https://new.example"}"#, &[], "another backend"),
        ("/backends/new", r#"{"url": "https://new.example", "followed_redirects": {"hosts": ["c.example"]}, "redirect_handling": "follow"}"#,
         &["ghcr", "quay", "quay+ghcr"], "redirects are followed now, which all backends' filters see to"),
        ("/rules/0/name", r#""other""#, &[], "what a rule is called"),
    ];
    let before = names(&read(POLICY));
    for (pointer, value, expected, reason) in rows {
        let after = names(&changed(pointer, value));
        for name in &before {
            let plain = without_fingerprint(name);
            let base = plain.split('@').next().unwrap_or_default();
            let is_kept = after.contains(name);
            let is_own = name == &*plain;
            // The redirects of `mine` are fetched by a cluster that is ours.
            let of_mine =
                base == "mine" && expected.contains(&"quay") && expected.contains(&"ghcr");
            let changes = expected.contains(&base) || of_mine;
            assert_eq!(is_kept, is_own || !changes, "{reason}: {name}");
        }
    }
}

#[test]
fn equal_policies_have_equal_names() {
    assert_eq!(names(&read(POLICY)), names(&read(POLICY)));
    let config = read(POLICY);
    let keys: Vec<&str> = config.backends().iter().map(Backend::key).collect();
    assert_eq!(without_fingerprint(&last(&keys[..2])), "ghcr+quay@last");
    assert_eq!(last(&keys[..1]), format!("{}@last", keys[0]));
}
