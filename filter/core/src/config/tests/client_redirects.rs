//! Client redirects, blob stores and pages: what the policy refuses, and what it comes to.

use super::*;
use crate::config::ids::StoreId;

/// An open registry, one with tokens, one with the proxy's credential, two stores.
fn policy(front: &str, rule: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["registry.example.com"], {front}}}}},
        "backends": {{
            "ar": {{"url": "https://ar.example"}},
            "home": {{"url": "https://home.example", "drained": true}},
            "hub": {{"url": "https://hub.example", "auth": "token"}},
            "robot": {{"url": "https://robot.example", "auth": "token", "credential": "c"}}
        }},
        "blob_stores": {{
            "east": {{"url": "https://east.example/images/{{digest}}"}},
            "west": {{"url": "https://west.example/images/{{digest}}"}}
        }},
        "credentials": {{"c": {{"file": "/c"}}}},
        "networks": {{"gcp:us": ["10.0.0.0/9"], "gcp:eu": ["10.128.0.0/9"], "office": ["192.0.2.0/24"]}},
        "regions": {{"cn": {{"countries": ["CN"]}}, "us": {{"drained": true}}, "default": {{}}}},
        "rules": [{{"name": "r", "repositories": ["acme/**"], {rule}}}]
    }}"#
    )
}

const MANAGED: &str = r#""auth": "managed""#;
const UPSTREAM: &str = r#""auth": {"upstream": {"login": "hub"}}"#;
const BASIC: &str = r#""auth": {"basic": {"verifier": "http://127.0.0.1:9080"}}"#;

#[test]
fn clients_are_sent_only_where_they_can_be_served() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str)] = &[
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": ["manifests", "blobs", "tags", "referrers"]}"#, ""),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": {"cn": [], "default": ["blobs"]}, "stores": {"cn": "none", "default": "east"}, "keep": ["gcp:*", "office"]}"#, ""),
        (MANAGED, r#""chains": {"default": ["hub"]}, "client_redirects": {"stores": "east"}"#, ""),
        (MANAGED, r#""chains": {"default": ["ar"]}, "signatures": "ar""#, ""),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": ["uploads"]}"#, "rules[0].client_redirects.classes[0]: `uploads` is not valid; write one of `manifests`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": {"asia": ["blobs"], "default": ["blobs"]}}"#, "rules[0].client_redirects.classes.asia: there is no region `asia`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"stores": {"default": "south"}}"#, "rules[0].client_redirects.stores.default: there is no blob store `south`; the blob stores are `east`, `west`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"stores": {"asia": "none", "default": "east"}}"#, "rules[0].client_redirects.stores.asia: there is no region `asia`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"stores": "east", "keep": ["aws:*"]}"#, "rules[0].client_redirects.keep[0]: no label of `networks` matches `aws:*`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": ["blobs"], "keep": ["office"]}"#, "rules[0].client_redirects.keep: keeps clients from blob stores, and none is named"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {}"#, "rules[0].client_redirects: sends nobody anywhere"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": [], "stores": "none"}"#, "rules[0].client_redirects: sends nobody anywhere"),
        (MANAGED, r#""chains": {"default": ["hub"]}, "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients to `hub`, which wants to see a token"),
        (MANAGED, r#""chains": {"default": ["ar", "hub"]}, "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients to `hub`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "signatures": "hub", "client_redirects": {"classes": ["referrers"]}"#, "rules[0].client_redirects: sends clients to `hub`"),
        (MANAGED, r#""chains": {"default": ["robot"]}, "readers": "anyone", "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients away from `robot`, which the proxy reads with its own credential `c`: a client that is sent there has none, and could not log in"),
        (MANAGED, r#""chains": {"default": ["robot"]}, "readers": "anyone", "client_redirects": {"stores": "east"}"#, "rules[0].client_redirects: sends clients away from `robot`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "readers": {"networks": ["office"]}, "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients to where the content is, which is open to everybody who knows the URL, and `readers` lets only some in"),
        (BASIC, r#""chains": {"default": ["ar"]}, "readers": "authenticated", "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients to where the content is, which is open to everybody who knows the URL, and `readers`"),
        (BASIC, r#""chains": {"default": ["ar"]}, "client_redirects": {"stores": "east"}"#, "rules[0].client_redirects: sends clients to where the content is, which is open to everybody who knows the URL, and a front asks for passwords"),
        (BASIC, r#""chains": {"default": ["ar"]}, "readers": "anyone", "client_redirects": {"stores": "east"}"#, ""),
        (UPSTREAM, r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": ["blobs"], "stores": "east"}"#, ""),
        (UPSTREAM, r#""chains": {"default": ["hub"]}, "client_redirects": {"stores": "east"}"#, "rules[0].client_redirects: would give blobs to everybody while `hub` asks clients who they are"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "signatures": "nobody""#, "rules[0].signatures: there is no backend `nobody`"),
        (MANAGED, r#""chains": {"default": ["ar"]}, "signatures": "robot""#, "rules[0]: reads from `robot` with the proxy's credential `c`, so it has to say for whom"),
        (UPSTREAM, r#""chains": {"default": ["hub"]}, "signatures": "robot", "readers": "anyone""#, "rules[0].chains.default: clients log in to `hub` and to `robot` at different places"),
    ];
    for (front, rule, expected) in rows {
        let found = mistakes(&policy(front, rule));
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{front} {rule}\nwanted: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn without_stores_none_can_be_named() {
    let rule = r#""chains": {"default": ["ar"]}, "client_redirects": {"stores": "east"}"#;
    let json = policy(MANAGED, rule);
    let without = json.replacen(r#""blob_stores""#, r#""networks_of_old""#, 1);
    let found = mistakes(&without);
    let expected = "rules[0].client_redirects.stores: there is no blob store `east`; write it under `blob_stores`";
    assert!(found.iter().any(|mistake| mistake == expected), "{found:#?}");
}

#[test]
fn stores_and_pages_that_are_wrong() {
    #[rustfmt::skip]
    let rows = [
        ("/blob_stores/a", "{}", "blob_stores.a: is empty; write `url`"),
        ("/blob_stores/a", r#"{"url": "https://a.example/"}"#, "blob_stores.a.url: `https://a.example/` has no place for the digest; write `https://a.example/{digest}`"),
        ("/blob_stores/none", r#"{"url": "https://a.example/{digest}"}"#, "blob_stores.none: `none` is the word for no store"),
        ("/blob_stores/a", r#"{"url": "http://a.example/{digest}", "tls": {"ca_file": "/ca"}}"#, "blob_stores.a.tls: the URL is plain `http`"),
        ("/blob_stores/a", r#"{"url": "https://a.example/{digest}", "tls": {"certificate_file": "/c", "key_file": "/k"}}"#, "blob_stores.a.tls: shows the store a certificate that clients who are sent there do not have"),
        ("/blob_stores/a", r#"{"url": "https://a.example/{digest}", "probe": {"present": "25h"}}"#, "blob_stores.a.probe.present: `25h` is longer than a day"),
        ("/blob_stores/a", r#"{"url": "https://a.example/{digest}", "probe": {"entries": 0}}"#, "blob_stores.a.probe.entries: is 0; write a whole number from 1"),
        ("/blob_stores/a", r#"{"url": "https://a.example/{digest}", "probes": {}}"#, "blob_stores.a.probes: there is no such field; did you mean `probe`?"),
        ("/fronts/main/landing", r#"{"/v2/": "https://a.example"}"#, "fronts.main.landing[\"/v2/\"]: the path is not valid"),
        ("/fronts/main/landing", r#"{"/": "example.com"}"#, "fronts.main.landing[\"/\"]: `example.com` is not valid; write the URL of a page"),
    ];
    for (pointer, value, expected) in rows {
        let mut document: serde_json::Value =
            serde_json::from_str(&policy(MANAGED, r#""chains": {"default": ["ar"]}"#)).unwrap();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let parent = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        parent.insert(key.to_owned(), serde_json::from_str(value).unwrap());
        let found = mistakes(&document.to_string());
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{pointer} = {value}\n{found:#?}"
        );
    }
}

#[test]
fn chains_of_compiled_rules() {
    let rule = r#""chains": {"default": ["ar"]}, "signatures": "ar",
        "client_redirects": {"classes": {"us": ["tags"], "default": ["blobs"]},
                     "stores": {"cn": "none", "us": "west", "default": "east"}, "keep": ["gcp:*"]}"#;
    let config = Config::from_json(policy(MANAGED, rule).as_bytes()).unwrap();
    let rule = config.rules().all().first().unwrap();
    let client_redirects = rule.client_redirects().unwrap();
    let label = |name: &str| {
        let ids = (0..).map(ids::LabelId::new).take(3);
        ids.into_iter().find(|id| config.regions().label(*id) == name)
    };
    let store = |region: usize, label| {
        let region = config.regions().ids().nth(region).unwrap();
        client_redirects
            .store(region, label)
            .and_then(|id| config.blob_store(id))
            .map(BlobStore::name)
    };
    assert_eq!(store(0, None), None, "`cn` has none");
    assert_eq!(store(1, None), Some("east"), "`us` is drained: as the default region");
    assert_eq!(store(2, label("office")), Some("east"), "not kept");
    assert_eq!(store(2, label("gcp:us")), None, "kept");
    assert_eq!(store(2, label("gcp:eu")), None, "kept");
    let us = config.regions().ids().nth(1).unwrap();
    assert!(client_redirects.sends_away(us, RedirectClass::Blobs), "as the default region");
    assert!(!client_redirects.sends_away(us, RedirectClass::Tags), "drained");
    let list = rule.signatures().and_then(|id| config.list(id)).unwrap();
    assert_eq!(list.cluster(), "ar");
    let east = config.blob_store(StoreId::new(0)).unwrap();
    assert_eq!((east.cluster(), east.probing()), ("east@probe", Probing::default()));
}

#[test]
fn where_somebody_is_sent_may_depend_on_how_backends_are() {
    #[rustfmt::skip]
    let rows = [
        (r#""chains": {"default": ["ar"]}, "client_redirects": {"classes": ["blobs"]}"#, false, "there is nobody else"),
        (r#""chains": {"default": ["ar", "open"]}, "client_redirects": {"stores": "east"}"#, false, "a store; whatever else is carried"),
        (r#""chains": {"default": ["ar", "open"]}"#, false, "carried"),
        (r#""chains": {"default": ["ar", "open"]}, "client_redirects": {"classes": ["blobs"]}"#, true, "one of two"),
        (r#""chains": {"cn": ["open", "ar"], "default": ["ar"]}, "client_redirects": {"classes": {"cn": ["blobs"]}}"#, true, "in one region"),
        (r#""chains": {"default": [{"backend": "open", "share": 1}, "ar"]}, "client_redirects": {"classes": ["blobs"]}"#, true, "one that is tried out"),
    ];
    for (rule, expected, reason) in rows {
        let policy = policy(MANAGED, rule)
            .replace(r#""home": "#, r#""open": {"url": "https://open.example"}, "home": "#);
        let config = Config::from_json(policy.as_bytes()).unwrap_or_else(|all| panic!("{all:#?}"));
        assert_eq!(config.redirects_by_health(), expected, "{reason}");
    }
}

#[test]
fn a_drained_backend_answers_for_no_signatures() {
    let rule = r#""chains": {"default": ["ar"]}, "signatures": "home""#;
    let config = Config::from_json(policy(MANAGED, rule).as_bytes()).unwrap();
    assert_eq!(config.rules().all().first().unwrap().signatures(), None);
}
