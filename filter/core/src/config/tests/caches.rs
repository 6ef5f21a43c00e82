//! Caches: what the policy refuses, and what chains come to.

use super::*;

/// Two registries, one of which wants the proxy's tokens, and two caches.
fn policy(front: &str, caches: &str, rule: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["registry.example.com"]{front}}}}},
        "backends": {{
            "near": {{"url": "https://near.example"}},
            "far": {{"url": "https://far.example", "auth": "token"}}
        }},
        "caches": {{{caches}}},
        "regions": {{"asia": {{"continents": ["AS"]}}, "default": {{}}}},
        "rules": [{{"name": "r", "repositories": ["acme/**"], {rule}}}]
    }}"#
    )
}

const NODES: &str = r#""eu": {"nodes": ["http://10.0.0.7:8300", "http://10.0.0.8:8300"]}, "asia": {"nodes": ["http://10.1.0.7"]}"#;
const OPEN: &str = r#""readers": "anyone", "replicas": ["near", "far"]"#;

#[test]
fn a_cache_is_the_first_of_a_chain_whose_readers_are_known() {
    let upstream = r#", "auth": {"upstream": {"login": "far"}}"#;
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, &str)] = &[
        ("", r#""default": ["cache@eu", "near", "far"]"#, OPEN, ""),
        ("", r#""asia": ["cache@asia", "far"], "default": ["cache@eu", "near"]"#, OPEN, ""),
        ("", r#""default": ["cache@eu", {"backend": "near", "share": 10}, "far"]"#, OPEN, ""),
        ("", r#""default": ["near", "cache@eu"]"#, OPEN, "rules[0].chains.default[1]: is a cache, which is asked before any registry; write one at most, as the first"),
        ("", r#""default": ["cache@eu", "cache@asia", "near"]"#, OPEN, "rules[0].chains.default[1]: is a cache, which is asked before any registry"),
        ("", r#""default": ["cache@eu"]"#, r#""readers": "anyone""#, "rules[0].chains.default: has nobody behind the cache; write the registries that the content comes from"),
        ("", r#""default": [{"backend": "cache@eu", "share": 5}, "near"]"#, OPEN, "rules[0].chains.default[0]: is a cache, and has no `share`; write its name alone"),
        ("", r#""default": ["cache@us", "near"]"#, OPEN, "rules[0].chains.default[0]: there is no cache `us`; "),
        ("", r#""default": ["cache@eu", "near", "nobody"]"#, OPEN, "rules[0].chains.default[2]: there is no backend `nobody`"),
        ("", r#""default": ["cache@eu", "near"]"#, r#""replicas": ["near"]"#, "rules[0].chains.default[0]: is a cache, which serves content without asking a registry, so the rule has to say for whom; write `readers: anyone`"),
        ("", r#""default": ["near"]"#, r#""owner": "cache@eu""#, "rules[0].owner: `cache@eu` is a cache, and no registry; a cache is the first of a chain and nothing else"),
        ("", r#""default": ["near"]"#, r#""replicas": ["cache@eu"]"#, "rules[0].replicas[0]: `cache@eu` is a cache, and no registry"),
        (upstream, r#""default": ["cache@eu", "far"]"#, r#""readers": "anyone""#, "rules[0].chains.default[0]: is a cache, and what the clients of these fronts may read is between them and the registries"),
    ];
    for (front, chains, more, expected) in rows {
        let rule = format!(r#""chains": {{{chains}}}, {more}"#);
        let found = mistakes(&policy(front, NODES, &rule));
        let as_wanted = match *expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{chains} {more}\nwanted: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn nodes() {
    let rule = format!(r#""chains": {{"default": ["near"]}}, {OPEN}"#);
    #[rustfmt::skip]
    let rows = [
        (r#""eu": {"nodes": ["http://[2001:db8::7]:8300"]}"#, ""),
        (r#""eu": {"nodes": ["http://node.example:8300"], "fill_from": ["10.0.0.0/8"]}"#, ""),
        (r#""eu": {"nodes": ["http://10.0.0.7"], "known": {"present": "1h", "absent": "10s", "timeout": "1s", "entries": 10}}"#, ""),
        (r#""eu": {"nodes": []}"#, "caches.eu.nodes: is empty; write at least one node"),
        (r#""eu": {}"#, "caches.eu: is empty; write `nodes`"),
        (r#""eu": {"nodes": ["https://10.0.0.7"]}"#, "caches.eu.nodes[0]: is `https`, and a node and an Envoy show each other certificates there; write `tls: {ca_file"),
        (r#""eu": {"nodes": ["https://10.0.0.7"], "tls": {"ca_file": "/a", "certificate_file": "/b", "key_file": "/c"}}"#, ""),
        (r#""eu": {"nodes": ["https://10.0.0.7", "http://10.0.0.8"], "tls": {"ca_file": "/a", "certificate_file": "/b", "key_file": "/c"}}"#, "caches.eu.nodes[1]: is `http`, and the cache has `tls`"),
        (r#""eu": {"nodes": ["https://10.0.0.7"], "tls": {"ca_file": "/a", "certificate_file": "/b"}}"#, "caches.eu.tls: `key_file` is missing"),
        (r#""eu": {"nodes": ["https://10.0.0.7"], "tls": {"ca_file": "/a", "certificate_file": "/b", "key_file": "/c"}}, "us": {"nodes": ["http://10.0.0.8"]}"#, ""),
        (r#""eu": {"nodes": ["https://10.0.0.7"], "tls": {"ca_file": "/a", "certificate_file": "/b", "key_file": "/c"}}, "us": {"nodes": ["https://10.0.0.8"], "tls": {"ca_file": "/x", "certificate_file": "/b", "key_file": "/c"}}"#, "caches.us.tls: names other files than that of the cache `eu`"),
        (r#""eu": {"nodes": ["http://10.0.0.7/v2"]}"#, "caches.eu.nodes[0]: has a path"),
        (r#""eu": {"nodes": ["http://10.0.0.7", "http://10.0.0.7:80"]}"#, "caches.eu.nodes[1]: the node `http://10.0.0.7` stands twice"),
        (r#""eu": {"nodes": ["http://node.example"]}"#, "caches.eu: has nodes that are known by name, so it has to say from which addresses they ask"),
        (r#""e u": {"nodes": ["http://10.0.0.7"]}"#, r#"caches["e u"]: the name has"#),
    ];
    for (caches, expected) in rows {
        let found = mistakes(&policy("", caches, &rule));
        let as_wanted = match expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{caches}\nwanted: {expected}\nfound: {found:#?}");
    }
}

#[test]
fn only_content_goes_through_a_cache_and_only_where_the_policy_serves_clients() {
    let rule = format!(
        r#""chains": {{"asia": ["cache@asia", "far"], "default": ["cache@eu", "near", "far"]}}, {OPEN}"#
    );
    let text = policy("", NODES, &rule);
    let cluster = |config: &Config, list: Option<_>| {
        list.and_then(|id| config.list(id)).map(|list| list.cluster().to_owned())
    };
    let lists = |config: &Config| {
        let rule = config.rules().all().first().unwrap();
        let chains = config.regions().ids().filter_map(|region| rule.chain(region)).copied();
        let lists = chains.map(|chain| chain.lists("acme/a"));
        let clusters = lists.map(|lists| [lists.cached, Some(lists.digests), Some(lists.tags)]);
        clusters.map(|ids| ids.map(|id| cluster(config, id))).collect::<Vec<_>>()
    };
    let some = |name: &str| Some(name.to_owned());
    let config = Config::from_json(text.as_bytes()).unwrap();
    let [asia, default] = [
        [some("cache@asia+far"), some("far"), some("far")],
        [some("cache@eu+near+far"), some("near+far"), some("near+far")],
    ];
    assert_eq!(lists(&config), [asia.clone(), default.clone()]);
    // No cache is among the registries.
    let names: Vec<&str> = config.backends().iter().map(Backend::name).collect();
    assert_eq!(names, ["near", "far"]);
    let members = config.caches().iter().map(|cache| config.backend(cache.member()).unwrap());
    assert_eq!(members.map(Backend::name).collect::<Vec<_>>(), ["cache@eu", "cache@asia"]);
    let fills = text.replacen(r#""version": 1"#, r#""version": 1, "fills_caches": true"#, 1);
    let fills = Config::from_json(fills.as_bytes()).unwrap();
    assert!(fills.fills_caches() && !config.fills_caches());
    let without = |[_, digests, tags]: [Option<String>; 3]| [None, digests, tags];
    assert_eq!(lists(&fills), [without(asia), without(default)]);
}

#[test]
fn stale_tags_need_a_cache_and_replicas() {
    let cached = r#""asia": ["far"], "default": ["cache@eu", "near", "far"]"#;
    #[rustfmt::skip]
    let rows = [
        (cached, r#""stale_tags": "24h""#, ""),
        (cached, r#""stale_tags": "24h", "owner": "near""#, ""),
        (r#""default": ["near", "far"]"#, r#""stale_tags": "24h""#, "rules[0].stale_tags: needs a cache, which has the content of tags while no replica can be asked; write one as the first of a chain"),
        (cached, r#""stale_tags": "24h", "owner": "near", "tags_from": "owner""#, "rules[0].stale_tags: is for tags of replicas, and `tags_from: owner` says"),
        (cached, r#""stale_tags": "soon""#, "rules[0].stale_tags: "),
    ];
    for (chains, more, expected) in rows {
        let rule = format!(r#""chains": {{{chains}}}, {OPEN}, {more}"#);
        for fills in ["", r#""fills_caches": true, "#] {
            let text = policy("", NODES, &rule);
            let text = text.replacen(r#""version""#, &format!(r#"{fills}"version""#), 1);
            let found = mistakes(&text);
            let as_wanted = match expected {
                "" => found.is_empty(),
                start => found.len() == 1 && found[0].starts_with(start),
            };
            assert!(as_wanted, "{chains} {more}\nwanted: {expected}\nfound: {found:#?}");
        }
    }
}

/// What fills caches is told what tags were: by the cache, and of those rules alone.
#[test]
fn the_lists_of_stale_tags() {
    let chains =
        r#""asia": ["far"], "default": ["cache@eu", {"backend": "near", "share": 10}, "far"]"#;
    let clusters = |more: &str| {
        let rule = format!(r#""chains": {{{chains}}}, {OPEN}{more}"#);
        let config = Config::from_json(policy("", NODES, &rule).as_bytes()).unwrap();
        let lists = config.rules().all()[0].lists_of_stale_tags();
        lists.map(|id| config.list(id).unwrap().cluster().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(clusters(r#", "stale_tags": "1h""#), ["near+far", "far"]);
    assert_eq!(clusters(""), [""; 0]);
}

#[test]
fn the_cluster_of_a_cache_says_what_it_connects_to() {
    let rule = format!(r#""chains": {{"default": ["cache@eu", "near"]}}, {OPEN}"#);
    let read = |nodes: &str| {
        let text = policy("", nodes, &rule);
        let text =
            text.replacen(r#""version": 1"#, r#""version": 1, "cluster_fingerprints": true"#, 1);
        let config = Config::from_json(text.as_bytes()).unwrap();
        let member = config.backend(config.caches().first().unwrap().member()).unwrap();
        member.cluster().to_owned()
    };
    let first = read(NODES);
    assert!(first.starts_with("cache@eu~"), "{first}");
    assert_eq!(read(NODES), first);
    assert_ne!(read(&NODES.replace("10.0.0.8", "10.0.0.9")), first);
    let with = |ca: &str| {
        let tls = format!(
            r#""eu": {{"tls": {{"ca_file": "{ca}", "certificate_file": "/b", "key_file": "/c"}}, "#
        );
        read(&NODES.replace(r#""eu": {"#, &tls).replace("http://10.0.0", "https://10.0.0"))
    };
    assert_ne!(with("/a"), with("/b"));
}
