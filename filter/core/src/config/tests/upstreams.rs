//! Upstreams of a front: what a policy may write and what it may not.

use super::*;

fn policy(front: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["registry.example.com"], {front}}},
                    "other": {{"hosts": ["other.example"], "upstreams": {{"docker.io": {{}}}}}}}},
        "backends": {{"hub": {{"url": "https://hub.example"}}}},
        "regions": {{"default": {{}}}},
        "rules": [{{"name": "r", "repositories": ["**"], "chains": {{"default": ["hub"]}}}}]
    }}"#
    )
}

#[test]
fn upstreams_with_everything_and_with_nothing() {
    let json = policy(
        r#""upstreams": {
            "docker.io": {"prefix": "hub/", "hosts": ["Hub.example.com:443"], "library": true,
                          "ns": ["docker.io", "index.docker.io"], "path": false},
            "ghcr.io": {},
            "own": null,
            "empty": {"prefix": ""}
        },
        "default_upstream": "own""#,
    );
    let config = Config::from_json(json.as_bytes()).unwrap();
    let front = config.fronts().get(config.fronts().find(b"hub.example.com").unwrap()).unwrap();
    let hosts: Vec<&str> = front.hosts().iter().map(FrontHost::as_str).collect();
    assert_eq!(hosts, ["registry.example.com", "hub.example.com"], "the front's own come first");
    let upstreams = front.upstreams().unwrap();
    let facts = upstreams.all().iter().map(|upstream| {
        let namespaces: Vec<&str> = upstream.namespaces().iter().map(FrontHost::as_str).collect();
        let (library, path) = (upstream.has_library(), upstream.is_in_paths());
        format!("{} {:?} {namespaces:?} {library} {path}", upstream.name(), upstream.prefix())
    });
    let expected = [
        r#"docker.io "hub/" ["docker.io", "index.docker.io"] true false"#,
        r#"ghcr.io "ghcr.io/" ["ghcr.io"] false true"#,
        r#"own "own/" ["own"] false true"#,
        r#"empty "" ["empty"] false false"#,
    ];
    assert_eq!(facts.collect::<Vec<_>>(), expected);
    let default = upstreams.for_unnamed().and_then(|id| upstreams.get(id));
    assert_eq!(default.map(Upstream::name), Some("own"));
    let plain = Config::from_json(GOOD.as_bytes()).unwrap();
    assert!(plain.fronts().all().iter().all(|front| front.upstreams().is_none()));
}

/// A policy that says no more than its upstreams.
fn short(upstreams: &str, rest: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["registry.example.com"], "upstreams": {upstreams}}}}},
        "regions": {{"default": {{}}}}{rest}
    }}"#
    )
}

#[test]
fn one_entry_is_a_whole_registry() {
    let json = short(
        r#"{"docker.io": {"backend": "http://docker-cache:5000", "prefix": "hub/"},
            "ghcr.io": {"backend": "https://ghcr-cache.internal/base"},
            "own": {"backend": "http://own:5000", "prefix": ""},
            "quay.io": {}}"#,
        r#", "backends": {"quay": {"url": "https://quay.io"}},
             "rules": [{"name": "q", "repositories": ["quay.io/**", "hub/special/*"],
                        "chains": {"default": ["quay"]}}]"#,
    );
    let config = Config::from_json(json.as_bytes()).unwrap();
    let served = |name: &str| {
        let rule =
            config.rules().get(config.rules().find(ids::FrontId::new(0), name).unwrap()).unwrap();
        let lists = rule.chain(config.regions().default_region()).unwrap().lists(name);
        let backends = config.list(lists.digests).unwrap().backends();
        let backend = config.backend(backends[0]).unwrap();
        assert_eq!((backends.len(), rule.owner()), (1, None), "pull-only");
        let (rule, url, name) = (rule.name(), backend.url(), backend.names().to_backend(name));
        format!("{rule} {} {}{}/v2/{name}", backend.name(), url.authority(), url.base_path())
    };
    #[rustfmt::skip]
    let rows = [
        ("hub/library/nginx", "docker.io docker.io docker-cache:5000/v2/library/nginx"),
        ("ghcr.io/a/b", "ghcr.io ghcr.io ghcr-cache.internal/base/v2/a/b"),
        ("quay.io/a/b", "q quay quay.io/v2/quay.io/a/b"),
        ("hub/special/x", "q quay quay.io/v2/hub/special/x"),
        ("team/app", "own own own:5000/v2/team/app"),
    ];
    for (name, expected) in rows {
        assert_eq!(served(name), expected, "{name}");
    }
    let nothing_else = short(r#"{"docker.io": {"backend": "http://docker-cache:5000"}}"#, "");
    assert!(mistakes(&nothing_else).is_empty());
}

#[test]
fn an_entry_is_no_second_one() {
    let quay = r#", "backends": {"quay": {"url": "https://quay.io"}},
        "rules": [{"name": "q", "repositories": ["**"], "chains": {"default": ["quay"]}}]"#;
    #[rustfmt::skip]
    let rows = [
        (r#"{"quay": {"backend": "http://cache:5000"}}"#, quay, "fronts.main.upstreams.quay.backend: makes a backend `quay`, and there is one"),
        (r#"{"q": {"backend": "http://cache:5000"}}"#, quay, "fronts.main.upstreams.q.backend: makes a rule `q`, and there is one"),
        (r#"{"a": {"backend": "cache:5000"}}"#, "", "fronts.main.upstreams.a.backend: `cache:5000` has no scheme; write `https://cache:5000`"),
        (r#"{"A": {"backend": "http://cache:5000"}}"#, quay, "fronts.main.upstreams.A: its name cannot stand before a repository's"),
        (r#"{"a": {}}"#, r#", "rules": []"#, "`backends` is missing"),
    ];
    for (upstreams, rest, expected) in rows {
        let found = mistakes(&short(upstreams, rest));
        assert!(found.iter().any(|mistake| mistake.starts_with(expected)), "{found:#?}");
        assert!(found.len() == 1 || rest.contains("[]"), "{found:#?}");
    }
}

#[test]
fn nothing_names_two_registries() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#""upstreams": {}"#, "fronts.main.upstreams: is empty; write at least one registry"),
        (r#""upstreams": ["docker.io"]"#, "fronts.main.upstreams: is a list; write a mapping of the registries"),
        (r#""upstreams": {"a b": {"prefix": "x/"}}"#, "fronts.main.upstreams[\"a b\"]: the name has ` ` in it"),
        (r#""upstreams": {"a": {"host": []}}"#, "fronts.main.upstreams.a.host: there is no such field; did you mean `hosts`?"),
        (r#""upstreams": {"a": {"prefix": "a"}}"#, "fronts.main.upstreams.a.prefix: `a` has no `/` at its end; write `a/`"),
        (r#""upstreams": {"a": {"prefix": "A/"}}"#, "fronts.main.upstreams.a.prefix: `A/` is not valid"),
        (r#""upstreams": {"Hub": {}}"#, "fronts.main.upstreams.Hub: its name cannot stand before a repository's; write `prefix`"),
        (r#""upstreams": {"a": {"prefix": "", "path": true}}"#, "fronts.main.upstreams.a.path: an empty `prefix` cannot be seen in a path"),
        (r#""upstreams": {"a": {"hosts": ["https://a.example"]}}"#, "fronts.main.upstreams.a.hosts[0]: `https://a.example` is a URL; write its host: `a.example`"),
        (r#""upstreams": {"a": {"ns": ["a/b"]}}"#, "fronts.main.upstreams.a.ns[0]: `a/b` has a path behind its host; write `a`"),
        (r#""upstreams": {"a": {"hosts": ["registry.example.com:443"]}}"#, "fronts.main.upstreams.a.hosts[0]: the host `registry.example.com` already belongs to `main`"),
        (r#""upstreams": {"a": {"hosts": ["a.example"]}, "b": {"hosts": ["A.example."]}}"#, "fronts.main.upstreams.b.hosts[0]: the host `a.example` already belongs to `main.upstreams.a`"),
        (r#""upstreams": {"a": {"hosts": ["other.example"]}}"#, "fronts.other.hosts[0]: the host `other.example` already belongs to `main.upstreams.a`"),
        (r#""upstreams": {"a": {"ns": ["a.example"]}, "b": {"ns": ["b", "A.example:443"]}}"#, "fronts.main.upstreams.b.ns[1]: the `ns` `a.example` already belongs to `a`"),
        (r#""upstreams": {"a": {"ns": ["b"]}, "b": {}}"#, "fronts.main.upstreams.b.ns[0]: the `ns` `b` already belongs to `a`"),
        (r#""upstreams": {"a": {"prefix": "x/"}, "b": {"prefix": "x/"}}"#, "fronts.main.upstreams.b.prefix: `x/` and `x/` of `a` can begin one name"),
        (r#""upstreams": {"a": {"prefix": "x/"}, "b": {"prefix": "x/y/"}}"#, "fronts.main.upstreams.b.prefix: `x/y/` and `x/` of `a` can begin one name"),
        (r#""upstreams": {"a": {"prefix": "x/y/"}, "b": {"prefix": "x/", "path": false}}"#, "fronts.main.upstreams.b.prefix: `x/` and `x/y/` of `a` can begin one name"),
        (r#""upstreams": {"a": {"prefix": ""}, "b": {"prefix": ""}}"#, "fronts.main.upstreams.b.prefix: is empty, as that of `a`"),
        (r#""upstreams": {"a": {"prefix": "", "ns": []}}"#, "fronts.main.upstreams.a: no request can name it; write `hosts`, `ns` or `path: true`"),
        (r#""upstreams": {"a": {}}, "default_upstream": "b""#, "fronts.main.default_upstream: there is no upstream `b`; the only upstream is `a`"),
        (r#""default_upstream": "b""#, "fronts.main.default_upstream: there are no `upstreams`; write them"),
        (r#""upstreams": {"a": {"prefix": "", "ns": []}}, "default_upstream": "a""#, ""),
        (r#""upstreams": {"a": {"prefix": "x/"}, "b": {"prefix": "xy/"}, "c": {"prefix": ""}}"#, ""),
        (r#""upstreams": {"docker.io": {}}"#, ""),
    ];
    for (front, expected) in rows {
        let found = mistakes(&policy(front));
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{front}\nwanted: {expected}\nfound: {found:#?}");
    }
}
