//! Registries that clients name: what a policy may say of them, and what it may not.

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

#[test]
fn nothing_names_two_registries() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#""upstreams": {}"#, "fronts.main.upstreams: is empty; write at least one registry"),
        (r#""upstreams": ["docker.io"]"#, "fronts.main.upstreams: is a list; write a mapping of the registries"),
        (r#""upstreams": {"a b": {"prefix": "x/"}}"#, "fronts.main.upstreams[\"a b\"]: the name is not valid"),
        (r#""upstreams": {"a": {"host": []}}"#, "fronts.main.upstreams.a.host: there is no such field; did you mean `hosts`?"),
        (r#""upstreams": {"a": {"prefix": "a"}}"#, "fronts.main.upstreams.a.prefix: `a` is not valid; write the start of its repositories' names"),
        (r#""upstreams": {"a": {"prefix": "A/"}}"#, "fronts.main.upstreams.a.prefix: `A/` is not valid"),
        (r#""upstreams": {"Hub": {}}"#, "fronts.main.upstreams.Hub: its name cannot stand before a repository's; write `prefix`"),
        (r#""upstreams": {"a": {"prefix": "", "path": true}}"#, "fronts.main.upstreams.a.path: an empty `prefix` cannot be seen in a path"),
        (r#""upstreams": {"a": {"hosts": ["https://a.example"]}}"#, "fronts.main.upstreams.a.hosts[0]: `https://a.example` is not valid; write `host`"),
        (r#""upstreams": {"a": {"ns": ["a/b"]}}"#, "fronts.main.upstreams.a.ns[0]: `a/b` is not valid; write `host`"),
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
        (r#""upstreams": {"a": {}}, "default_upstream": "b""#, "fronts.main.default_upstream: there is no upstream `b`; the upstreams are `a`"),
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
