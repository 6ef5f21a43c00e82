//! Policies and the mistakes in them, as their author sees them.

use super::*;
use crate::config::ids::BackendId;

mod advice;
mod auth;
mod caches;
mod client_redirects;
mod edge;
mod fingerprints;
mod followed_redirects;
mod fronts;
mod loops;
mod upload_paths;
mod upstreams;

/// A policy that has everything.
const GOOD: &str = r#"{
    "version": 1,
    "fronts": {
        "main": {"hosts": ["registry.example.com", "127.0.0.1:5000"], "default": true}
    },
    "backends": {
        "ghcr": {"url": "https://ghcr.io", "names": [{"front": "drycc/", "backend": "acme/"}]},
        "quay": {"url": "https://quay.io", "cluster": "outbound|443||quay.io"},
        "hub": {"url": "https://[2001:db8::1]:5000/mirror",
                "tls": {"ca_file": "/ca.pem", "server_name": "hub.internal"}}
    },
    "regions": {
        "cn": {"countries": ["CN", "hk"], "networks": ["203.0.113.0/24"]},
        "us": {"subdivisions": ["US-CA"], "labels": ["aws:us-*"]},
        "eu": {"continents": ["EU"]},
        "default": null
    },
    "networks": {
        "aws:us-east-1": ["3.0.0.0/15", "2600:1f00::/24"],
        "office": ["10.0.0.0/8"]
    },
    "clients": {"trusted_proxies": ["192.0.2.0/24"], "geo": {"headers": {"country": "cf-ipcountry"}}},
    "rules": [
        {"name": "drycc", "repositories": ["drycc/**"], "owner": "ghcr",
         "chains": {"cn": ["quay", "ghcr"], "default": ["ghcr", "hub", "quay"]},
         "replicas": ["quay", "ghcr"]},
        {"name": "rest", "repositories": ["**"], "chains": {"default": ["hub"]}}
    ]
}"#;

fn mistakes(json: &str) -> Vec<String> {
    match Config::from_json(json.as_bytes()) {
        Ok(_) => vec![],
        Err(found) => found.iter().map(ToString::to_string).collect(),
    }
}

/// The good policy with one part, found by its JSON pointer, replaced.
fn with(pointer: &str, value: &str) -> String {
    let mut policy: serde_json::Value = serde_json::from_str(GOOD).unwrap();
    *policy.pointer_mut(pointer).unwrap_or_else(|| panic!("{pointer}")) =
        serde_json::from_str(value).unwrap();
    policy.to_string()
}

#[test]
fn a_good_policy_compiles() {
    let config = Config::from_json(GOOD.as_bytes()).unwrap();
    let names: Vec<&str> = config.backends().iter().map(Backend::name).collect();
    let id = |name| {
        BackendId::new(u32::try_from(names.iter().position(|n| *n == name).unwrap()).unwrap())
    };
    let (ghcr, quay, hub) = (id("ghcr"), id("quay"), id("hub"));
    let backend = |id| config.backend(id).unwrap();
    assert_eq!(backend(ghcr).cluster(), "ghcr");
    assert_eq!(backend(quay).cluster(), "outbound|443||quay.io");
    assert_eq!(backend(hub).url().authority(), "[2001:db8::1]:5000");
    assert_eq!(backend(hub).tls().server_name, "hub.internal");
    assert_eq!(
        backend(quay).tls(),
        &Tls { server_name: "quay.io".into(), ca_file: None, client: None }
    );

    let list = |id| {
        let list = config.list(id).unwrap();
        (list.cluster(), list.backends().to_vec())
    };
    let region =
        |name| config.regions().ids().find(|id| config.regions().name(*id) == name).unwrap();
    let rule = config
        .rules()
        .get(config.rules().find(ids::FrontId::new(0), "drycc/base").unwrap())
        .unwrap();
    let digests = |rule: &Rule, name| list(rule.chain(region(name)).unwrap().lists("x").digests);
    let tags = |rule: &Rule, name| list(rule.chain(region(name)).unwrap().lists("x").tags);
    assert_eq!((rule.name(), rule.owner().map(|owner| owner.backend)), ("drycc", Some(ghcr)));
    assert_eq!(digests(rule, "cn"), ("quay+ghcr", vec![quay, ghcr]));
    assert_eq!(digests(rule, "us"), ("ghcr+hub+quay", vec![ghcr, hub, quay]));
    assert_eq!(tags(rule, "us"), ("ghcr+quay", vec![ghcr, quay]));
    assert_eq!(list(rule.owner().unwrap().list), ("ghcr@owner", vec![ghcr]));
    let rest = config
        .rules()
        .get(config.rules().find(ids::FrontId::new(0), "library/nginx").unwrap())
        .unwrap();
    assert_eq!((rest.name(), rest.owner()), ("rest", None));
    assert_eq!(tags(rest, "cn"), ("hub", vec![hub]), "no replicas: the first alone");

    assert_eq!(config.fronts().find(b"REGISTRY.example.com:443").map(FrontIndex::index), Some(0));
    assert_eq!(config.fronts().find(b"anything").map(FrontIndex::index), Some(0), "the default");
}

use ids::FrontId as FrontIndex;

#[test]
fn a_front_that_is_not_the_default_answers_only_to_its_hosts() {
    let config = Config::from_json(with("/fronts/main/default", "false").as_bytes()).unwrap();
    assert!(config.fronts().find(b"127.0.0.1:5000").is_some());
    for other in [&b"127.0.0.1:5001"[..], b"127.0.0.1", b"evil.example", b"", b"\xff"] {
        assert!(config.fronts().find(other).is_none(), "{other:?}");
    }
}

#[test]
fn each_mistake_has_its_path_and_a_way_out() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str)] = &[
        ("/version", "2", "version: is 2; this release reads version 1 only"),
        ("/fronts", "{}", "fronts: there is no front"),
        ("/fronts/main/hosts", "[]", "fronts.main.hosts: is empty; write at least one host"),
        ("/fronts/main/hosts/0", "\"https://x\"", "fronts.main.hosts[0]: `https://x` is a URL; write its host: `x`"),
        ("/fronts/main/hosts/1", "\"registry.example.com:443\"", "fronts.main.hosts[1]: the host `registry.example.com` stands twice"),
        ("/backends", "[]", "backends: is a list; write a mapping of backends by name"),
        ("/backends/ghcr/url", "\"ghcr.io\"", "backends.ghcr.url: `ghcr.io` has no scheme; write `https://ghcr.io`"),
        ("/backends/ghcr", "{\"URL\":\"x\"}", "backends.ghcr.URL: there is no such field; did you mean `url`?"),
        ("/backends/ghcr/names/0/front", "\"drycc\"", "backends.ghcr.names[0].front: `drycc` has no `/` at its end; write `drycc/`"),
        ("/backends/quay/cluster", "\"ghcr\"", "backends.quay.cluster: the cluster `ghcr` already belongs to `ghcr`"),
        ("/backends/hub/url", "\"http://hub\"", "backends.hub.tls: the URL is plain `http`"),
        ("/backends/hub/tls", "{\"insecure\":true}", "backends.hub.tls.insecure: there is no such field"),
        ("/regions", "{\"cn\":{}}", "regions: there is no region `default`; write `default: {}`"),
        ("/regions/cn/countries/0", "\"USA\"", "regions.cn.countries[0]: `USA` is no code of ISO 3166-1; write `US`"),
        ("/regions/cn/countries/1", "\"CN\"", "regions.cn.countries[1]: the country `CN` stands twice"),
        ("/regions/us/subdivisions/0", "\"CA\"", "regions.us.subdivisions[0]: `CA` is a country"),
        ("/regions/eu/continents/0", "\"Europe\"", "regions.eu.continents[0]: `Europe` is no code of a continent; write `EU`"),
        ("/regions/cn/networks/0", "\"10.1.2.3/8\"", "regions.cn.networks[0]: `10.1.2.3/8` has bits behind its length of 8; write `10.0.0.0/8`"),
        ("/regions/us/labels/0", "\"gcp:*\"", "regions.us.labels[0]: no label of `networks` matches `gcp:*`"),
        ("/regions/cn", "{\"labels\":[\"aws:us-*\"]}", "regions.us.labels[0]: the label `aws:us-*` already belongs to `cn`"),
        ("/networks/office/0", "\"3.0.0.0/15\"", "networks.office[0]: the prefix already belongs to `aws:us-east-1`"),
        ("/clients/trusted_proxies", "[]", "clients.geo.headers: is believed only from trusted proxies"),
        ("/clients/geo", "{\"headers\":{\"country\":\"CF-IPCountry\"}}", "clients.geo.headers.country: `CF-IPCountry` is no name of a header in lower case; write `cf-ipcountry`"),
        ("/clients/geo", "{\"headers\":{}}", "clients.geo.headers: names no header"),
        ("/clients/geo", "{\"headers\":{\"country\":\"a\"},\"database\":\"x\"}", "clients.geo: has both `database` and `headers`"),
        ("/clients", "{\"trusted_hops\":17}", "clients.trusted_hops: is too large"),
        ("/clients", "{\"trusted_hops\":1,\"trusted_proxies\":[\"10.0.0.0/8\"]}", "clients.trusted_hops: stands beside `trusted_proxies`"),
        ("/rules", "[]", "rules: there is no rule"),
        ("/rules/1/name", "\"drycc\"", "rules[1].name: the name `drycc` already belongs to `rules[0]`"),
        ("/rules/0/repositories", "[]", "rules[0].repositories: is empty"),
        ("/rules/0/repositories/0", "\"Drycc/**\"", "rules[0].repositories[0]: `Drycc/**` has capitals"),
        ("/rules/0/chains/cn/0", "\"quai\"", "rules[0].chains.cn[0]: there is no backend `quai`; did you mean `quay`? The backends are `ghcr`, `hub`, `quay`"),
        ("/rules/0/chains/cn/1", "\"quay\"", "rules[0].chains.cn[1]: `quay` stands twice"),
        ("/rules/0/chains/cn", "[]", "rules[0].chains.cn: is empty; write at least one backend"),
        ("/rules/1/chains", "{\"asia\":[\"hub\"]}", "rules[1].chains.asia: there is no region `asia`; the regions are `cn`, `default`, `eu`, `us`"),
        ("/rules/1/chains", "{\"cn\":[\"hub\"]}", "rules[1].chains: has no chain for `default`, `eu`, `us`; write one for `default`"),
        ("/rules/0/owner", "\"nobody\"", "rules[0].owner: there is no backend `nobody`"),
        ("/rules/0/replicas/1", "7", "rules[0].replicas[1]: is a number; write a name"),
        ("/rules/1", "{}", "rules[1]: is empty; write `name`, `repositories` and `chains`"),
    ];
    for (pointer, value, expected) in rows {
        let found = mistakes(&with(pointer, value));
        assert!(
            found.iter().any(|mistake| mistake.starts_with(expected)),
            "{pointer} = {value}\nwanted: {expected}\nfound: {found:#?}"
        );
    }
}

#[test]
fn one_mistake_is_not_told_twice() {
    #[rustfmt::skip]
    let rows = [
        ("/backends/ghcr/url", "\"ghcr.io\""),
        ("/rules/0/owner", "7"),
        ("/rules/0/replicas/1", "7"),
        ("/rules/0/replicas", "7"),
        ("/rules/0/chains/cn", "\"quay\""),
        ("/rules/0/repositories", "7"),
        ("/fronts/main", "{}"),
        ("/fronts", "7"),
        ("/regions/cn/countries/0", "\"USA\""),
    ];
    for (pointer, value) in rows {
        let found = mistakes(&with(pointer, value));
        assert_eq!(found.len(), 1, "{pointer}: {found:#?}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    let found = mistakes(
        r#"{"version":"1","fronts":{"a b":{"host":["x"]}},"rules":[{"repositories":["A"]}]}"#,
    );
    let starts = [
        "version: is the text `1`; write the number `1`",
        "fronts[\"a b\"]: the name has ` ` in it",
        "fronts[\"a b\"].host: there is no such field; did you mean `hosts`?",
        "`backends` is missing",
        "`regions` is missing",
        "rules[0].repositories[0]: `A` has capitals",
        "rules[0]: `chains` is missing",
        "rules[0]: `name` is missing",
    ];
    for start in starts {
        assert!(found.iter().any(|mistake| mistake.starts_with(start)), "{start}\n{found:#?}");
    }
}

#[test]
fn a_text_that_is_not_json_is_refused_with_its_place() {
    let found = mistakes("{\n  \"version\": 1,\n}");
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("the policy is not JSON:") && found[0].contains("line 3"),
        "{found:?}"
    );
}

#[test]
fn failover_mistakes_have_a_path_and_a_way_out() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str)] = &[
        ("/backends/hub", r#"{"url": "https://h", "attempt_timeouts": {"blobs": 10}}"#, "backends.hub.attempt_timeouts.blobs: `10` has no unit; write `10s`"),
        ("/backends/hub", r#"{"url": "https://h", "hedge_after": "1ms"}"#, "backends.hub.hedge_after: `1ms` is shorter than 100ms; write at least `100ms`"),
        ("/backends/hub", r#"{"url": "https://h", "hedge_after": "25h"}"#, "backends.hub.hedge_after: `25h` is longer than a day; write at most `24h`"),
        ("/backends/hub", r#"{"url": "https://h?sig=planted"}"#, "backends.hub.url: `https://h?…` has a query (`?…`) at its end; leave it out"),
        ("/backends/hub", r#"{"url": "https://h", "attempt_timeouts": {"manifests": "25h"}}"#, "backends.hub.attempt_timeouts.manifests: `25h` is longer than a day; write at most `24h`"),
        ("/backends/hub", r#"{"url": "https://h", "limits": {"requests": 0}}"#, "backends.hub.limits.requests: is 0; write a whole number from 1"),
        ("/backends/hub", r#"{"url": "https://h", "ejection": {"failures": 0}}"#, "backends.hub.ejection.failures: is 0; write a whole number from 1"),
        ("/backends/hub", r#"{"url": "https://h", "ejection": {"time": "long"}}"#, "backends.hub.ejection.time: `long` is not valid; write a length of time"),
        ("/backends/hub", r#"{"url": "https://h", "owner_cluster": "ghcr"}"#, "backends.hub.owner_cluster: the cluster `ghcr` already belongs to `ghcr`"),
        ("/rules/1/chains", r#"{"default": [{"backend": "hub", "share": 5}]}"#, "rules[1].chains.default: has a `share` and nobody for the other repositories"),
        ("/rules/1/chains", r#"{"default": [{"backend": "hub", "share": 5}, {"backend": "ghcr", "share": 5}, "quay"]}"#, "rules[1].chains.default: tries out two backends at once"),
        ("/rules/1/chains", r#"{"default": [{"backend": "hub", "share": 100}, "quay"]}"#, "rules[1].chains.default[0].share: is 100; write a whole number of percent from 1 to 99"),
        ("/rules/1/chains", r#"{"default": [{"share": 5}, "quay"]}"#, "rules[1].chains.default[0]: `backend` is missing"),
        ("/backends/hub", r#"{"url": "https://h", "drained": true}"#, "rules[1].chains.default: has nobody left: every backend that may answer is drained"),
        ("/regions/default", r#"{"drained": true}"#, "regions.default.drained: takes the clients of drained regions"),
        ("/rules/1", r#"{"name": "x", "repositories": ["**"], "chains": {"default": ["hub"]}, "tags_from": "owner"}"#, "rules[1].tags_from: is `owner`, and the rule has none"),
        ("/rules/1", r#"{"name": "x", "repositories": ["**"], "chains": {"default": ["hub"]}, "tags_from": "nearby"}"#, "rules[1].tags_from: `nearby` is not valid; write `owner` or `replicas`"),
        ("/rules/1", r#"{"name": "x", "repositories": ["**"], "chains": {"default": ["hub"]}, "read_your_writes": "60s"}"#, "rules[1].read_your_writes: reads tags from the owner, and the rule has none"),
    ];
    for (pointer, value, expected) in rows {
        let found = mistakes(&with(pointer, value));
        assert!(
            found.len() == 1 && found[0].starts_with(expected),
            "{pointer} = {value}\nwanted: {expected}\nfound: {found:#?}"
        );
    }
}

#[test]
fn tags_of_a_drained_replica_come_from_no_other_backend() {
    let policy = with("/backends/quay", r#"{"url": "https://quay.io", "drained": true}"#);
    let config = Config::from_json(policy.as_bytes()).unwrap();
    let cluster = |id| config.list(id).unwrap().cluster();
    let rule = config
        .rules()
        .get(config.rules().find(ids::FrontId::new(0), "drycc/base").unwrap())
        .unwrap();
    let cn = config.regions().ids().find(|id| config.regions().name(*id) == "cn").unwrap();
    let lists = rule.chain(cn).unwrap().lists("drycc/base");
    assert_eq!((cluster(lists.digests), cluster(lists.tags)), ("ghcr", "ghcr"));
    // Without `ghcr` among the replicas there would be nobody left for the tags.
    let alone = policy.replace(r#""replicas":["quay","ghcr"]"#, r#""replicas":["quay"]"#);
    assert_ne!(alone, policy);
    let found = mistakes(&alone);
    assert!(found.iter().all(|mistake| mistake.contains("has nobody left")), "{found:#?}");
    assert_eq!(found.len(), 2, "for `cn` and for `default`");
}

#[test]
fn clients_of_a_drained_region_are_served_as_the_others() {
    let policy = with("/regions/cn", r#"{"countries": ["CN"], "drained": true}"#);
    let config = Config::from_json(policy.as_bytes()).unwrap();
    let rule = config
        .rules()
        .get(config.rules().find(ids::FrontId::new(0), "drycc/base").unwrap())
        .unwrap();
    let chains: Vec<_> = config.regions().ids().map(|id| rule.chain(id).copied()).collect();
    assert!(chains.iter().all(|chain| *chain == chains[0]), "{chains:?}");
}
