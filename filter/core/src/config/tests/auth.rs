//! Authentication: policies that are refused, and backends that are one auth domain.

use super::*;

/// Two registries with token services, one with passwords, one that is open.
fn policy(front: &str, rule: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{"main": {{"hosts": ["registry.example.com"], "auth": {front}}}}},
        "backends": {{
            "hub": {{"url": "https://registry-1.docker.io", "auth": {{"token":
                {{"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}}}}}},
            "twin": {{"url": "https://mirror.docker.io", "auth": {{"token":
                {{"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}}}}}},
            "ghcr": {{"url": "https://ghcr.io", "auth": "token", "credential": "robot"}},
            "ecr": {{"url": "https://ecr.example", "auth": "basic", "credential": "aws"}},
            "open": {{"url": "http://10.0.0.1:5000"}}
        }},
        "credentials": {{"robot": {{"file": "/c/robot"}}, "aws": {{"file": "/c/aws"}}}},
        "networks": {{"office": ["10.0.0.0/8"]}},
        "regions": {{"default": {{}}}},
        "rules": [{{"name": "r", "repositories": ["acme/**"], {rule}}}]
    }}"#
    )
}

const MANAGED: &str = r#""managed""#;
const UPSTREAM: &str = r#"{"upstream": {"login": "hub"}}"#;
const BASIC: &str = r#"{"basic": {"verifier": "http://127.0.0.1:9080"}}"#;

#[test]
fn rules_without_readers_and_impossible_ones_are_refused() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str)] = &[
        (MANAGED, r#""chains": {"default": ["hub", "open"]}"#, ""),
        (MANAGED, r#""chains": {"default": ["ghcr"]}"#, "rules[0]: reads from `ghcr` with the proxy's credential `robot`, so it has to say for whom"),
        (MANAGED, r#""chains": {"default": ["ghcr"]}, "readers": "anyone""#, ""),
        (MANAGED, r#""chains": {"default": ["ghcr"]}, "readers": {"networks": ["office"]}"#, ""),
        (MANAGED, r#""chains": {"default": ["ghcr"]}, "readers": {"networks": ["home"]}"#, "rules[0].readers.networks[0]: no label of `networks` matches `home`"),
        (MANAGED, r#""chains": {"default": ["ghcr"]}, "readers": "authenticated""#, "rules[0].readers: nobody can prove to the proxy who they are"),
        (MANAGED, r#""chains": {"default": ["hub"]}, "owner": "hub""#, "rules[0]: the proxy has no credential for pushes to `hub`"),
        (MANAGED, r#""chains": {"default": ["open"]}, "owner": "open""#, ""),
        (MANAGED, r#""chains": {"default": ["open"]}, "owner": "open", "writers": "authenticated""#, "rules[0].writers: `open` takes pushes from everybody"),
        (BASIC, r#""chains": {"default": ["ghcr"]}, "readers": "authenticated""#, ""),
        (BASIC, r#""chains": {"default": ["ghcr"]}, "readers": "authenticated", "owner": "ghcr""#, "rules[0]: pushes to `ghcr` would be made with the proxy's credential `robot`; write `writers"),
        (BASIC, r#""chains": {"default": ["ghcr"]}, "readers": "authenticated", "owner": "ghcr", "writers": "authenticated""#, ""),
        (BASIC, r#""chains": {"default": ["ghcr"]}, "readers": "authenticated", "owner": "ghcr", "writers": "anyone""#, "rules[0].writers: `anyone` is not valid; write `authenticated`"),
        (BASIC, r#""chains": {"default": ["ghcr"]}, "readers": "everybody""#, "rules[0].readers: `everybody` is not valid; write `authenticated`, "),
        (MANAGED, r#""chains": {"default": ["ghcr"]}, "readers": "anyone", "owner": "ghcr", "writers": "authenticated""#, "rules[0].writers: nobody can prove to the proxy"),
        (UPSTREAM, r#""chains": {"default": ["hub", "twin", "open"]}, "owner": "hub""#, ""),
        (UPSTREAM, r#""chains": {"default": ["hub", "ghcr"]}"#, "rules[0].chains.default: clients log in to `hub` and to `ghcr` at different places"),
        (UPSTREAM, r#""chains": {"default": ["open", "hub"]}, "owner": "ghcr""#, "rules[0].chains.default: clients log in to `hub` and to `ghcr`"),
        (UPSTREAM, r#""chains": {"default": ["ecr"]}, "readers": "anyone""#, ""),
        (UPSTREAM, r#""chains": {"default": ["ecr"]}"#, "rules[0]: reads from `ecr` with the proxy's credential `aws`"),
        (r#""upstream""#, r#""chains": {"default": ["hub"]}"#, ""),
        (r#"{"upstream": {"login": "open"}}"#, r#""chains": {"default": ["hub"]}"#, "fronts.main.auth: no client can log in to `open`"),
        (r#"{"upstream": {"login": "ecr"}}"#, r#""chains": {"default": ["hub"]}"#, "fronts.main.auth: no client can log in to `ecr`"),
        (r#"{"upstream": {}, "basic": {"verifier": "http://x"}}"#, r#""chains": {"default": ["hub"]}"#, "fronts.main.auth: says two things"),
        (r#"{"basic": {}}"#, r#""chains": {"default": ["hub"]}"#, "fronts.main.auth.basic: is empty; write `verifier`"),
        (r#""open""#, r#""chains": {"default": ["hub"]}"#, "fronts.main.auth: `open` is not valid; write `managed`"),
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
fn a_credential_is_not_for_everything_and_anyone() {
    let rule = r#""chains": {"default": ["ghcr"]}, "readers": "anyone""#;
    let everything = policy(MANAGED, rule).replace("acme/**", "**");
    let found = mistakes(&everything);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("rules[0].repositories: `**` would show anyone all"), "{found:?}");
}

#[test]
fn tokens_and_passwords_of_clients_do_not_go_through_one_front() {
    let rule = r#""chains": {"default": ["hub"]}"#;
    let second = r#"{"name": "e", "repositories": ["e/**"], "chains": {"default": ["ecr"]}}"#;
    let mixed = policy(UPSTREAM, rule).replace(r#", "credential": "aws""#, "");
    let mixed = mixed.replace(r#""rules": ["#, &format!(r#""rules": [{second}, "#));
    let found = mistakes(&mixed);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("fronts.main.auth: clients cannot log in to `hub` with tokens"));
}

#[test]
fn backends_with_one_token_service_are_one_auth_domain() {
    let json = policy(UPSTREAM, r#""chains": {"default": ["hub"]}"#);
    let config = Config::from_json(json.as_bytes()).unwrap();
    let auth_domains: Vec<_> =
        config.backends().iter().map(|each| (each.name(), each.auth_domain())).collect();
    let id = |index| Some(ids::AuthDomainId::new(index));
    let expected =
        [("hub", id(0)), ("twin", id(0)), ("ghcr", id(1)), ("ecr", None), ("open", None)];
    assert_eq!(auth_domains, expected);
    assert!(config.auth_domains().has_several());
}

#[test]
fn parts_of_a_backend_that_do_not_fit() {
    #[rustfmt::skip]
    let rows: &[(&str, &str)] = &[
        (r#"{"url": "https://h", "auth": {"token": {"realm": "/token"}}}"#, "backends.hub.auth.token.realm: `/token` is not valid; write the URL of a token service"),
        (r#"{"url": "https://h", "auth": "bearer"}"#, "backends.hub.auth: `bearer` is not valid; write `token`"),
        (r#"{"url": "https://h", "auth": {"basic": {"realm": "a b"}}}"#, "backends.hub.auth.basic.realm: `a b` has ` ` in it"),
        (r#"{"url": "https://h", "credential": "x"}"#, "backends.hub.credential: there is no credential of this name; write its file under `credentials`, and its name here"),
        (r#"{"url": "https://h", "credential": "robot:planted"}"#, "backends.hub.credential: there is no credential of this name; write"),
        (r#"{"url": "https://h", "redirect_handling": "follow"}"#, "backends.hub.redirect_handling: says nowhere to"),
        (r#"{"url": "https://h", "redirect_handling": {"asia": "pass"}}"#, "backends.hub.redirect_handling.asia: there is no region `asia`"),
        (r#"{"url": "https://h", "redirect_handling": {"cn": "follow", "default": "pass"}, "followed_redirects": {"hosts": ["*.com"]}}"#, "backends.hub.followed_redirects.hosts[0]: `*.com` means every host below `com`"),
        (r#"{"url": "https://h", "followed_redirects": {"hosts": ["cdn.example"]}}"#, "backends.hub.followed_redirects: no region has its redirects followed"),
        (r#"{"url": "https://h", "tls": {"key_file": "/k"}}"#, "backends.hub.tls: a certificate goes with its key"),
        (r#"{"url": "https://h", "auth": {"token": {"cluster": "ghcr"}}}"#, "backends.hub.auth: the cluster `ghcr` already belongs to `ghcr`"),
    ];
    for (backend, expected) in rows {
        let found = mistakes(&with("/backends/hub", backend));
        assert!(
            found.iter().any(|mistake| mistake.starts_with(expected)),
            "{backend}\nwanted: {expected}\nfound: {found:#?}"
        );
    }
}

/// A call of the filter's own through a cluster that it runs in would end the worker's virtual
/// machine.
#[test]
fn the_filters_calls_use_no_cluster_of_clients() {
    const TOKEN: &str = "backends.a.auth.token.cluster: requests of clients go through the cluster";
    const VERIFIER: &str =
        "fronts.f.auth.basic.cluster: requests of clients go through the cluster";
    const STORE: &str = "blob_stores.s.cluster: requests of clients go through the cluster";
    let policy = |token: &str, verifier: &str, store: &str| {
        format!(
            r#"{{
            "version": 1,
            "fronts": {{"f": {{"hosts": ["r.example"], "auth": {{"basic": {{"verifier": "http://v", "cluster": "{verifier}"}}}}}}}},
            "backends": {{
                "a": {{"url": "https://a.example", "auth": {{"token": {{"cluster": "{token}"}}}}}},
                "b": {{"url": "https://b.example", "cluster": "b-cluster",
                      "redirect_handling": "follow", "followed_redirects": {{"hosts": ["cdn.example"]}}}}
            }},
            "blob_stores": {{"s": {{"url": "https://s.example/{{digest}}", "cluster": "{store}"}}}},
            "regions": {{"default": {{}}}},
            "rules": [{{"name": "r", "repositories": ["**"], "chains": {{"default": ["a", "b"]}}, "owner": "b"}}]
        }}"#
        )
    };
    let followed = redirects_cluster("b", Scheme::Https);
    #[rustfmt::skip]
    let rows = [
        ("t", "v", "s", "", "clusters of their own"),
        ("a@owner", "v", "s", TOKEN, "the one for writes, which is made by default"),
        ("a+b", "v", "s", TOKEN, "a list"),
        ("t", "a", "s", VERIFIER, "a backend"),
        ("t", "b-cluster@owner", "s", VERIFIER, "the one for writes"),
        ("t", "v", "b-cluster", STORE, "a backend, by its cluster"),
        ("t", "v", followed.as_str(), STORE, "where redirects are followed to"),
    ];
    for (token, verifier, store, expected, reason) in rows {
        let mistakes = match Config::from_json(policy(token, verifier, store).as_bytes()) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.iter().map(ToString::to_string).collect(),
        };
        let about = |line: &String| line.starts_with(expected) && !expected.is_empty();
        assert_eq!(mistakes.iter().any(about), !expected.is_empty(), "{reason}: {mistakes:#?}");
        let others = mistakes.iter().filter(|line| line.contains("go through the cluster"));
        assert_eq!(others.count(), usize::from(!expected.is_empty()), "{reason}: {mistakes:#?}");
    }
}

/// What a front asks of its clients follows from the rules that are for them.
#[test]
fn a_login_is_answered_by_the_fronts_own_rules() {
    let policy = |first: &str, second: &str, third: &str, fronts: [&str; 2]| {
        let [of_first, of_second] = fronts;
        format!(
            r#"{{"version": 1, "fronts": {{
                "one": {{"hosts": ["one.example"], "auth": "upstream"}},
                "two": {{"hosts": ["two.example"], "auth": "upstream"}}}},
            "backends": {{"a": {{"url": "https://a.example", "auth": {first}}},
                          "b": {{"url": "https://b.example", "auth": {second}}},
                          "c": {{"url": "https://c.example"{third}}}}},
            "regions": {{"default": {{}}}},
            "rules": [{{"name": "a", {of_first} "repositories": ["a/**"], "chains": {{"default": ["a"]}}}},
                      {{"name": "b", {of_second} "repositories": ["b/**"], "chains": {{"default": ["b"]}}}}]}}"#
        )
    };
    let (token, basic) = (r#""token""#, r#""basic""#);
    let each = [r#""fronts": ["one"],"#, r#""fronts": ["two"],"#];
    let all = ["", r#""fronts": ["two"],"#];
    let unused = r#", "auth": "token""#;
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, [&str; 2], &[&str], &str)] = &[
        (token, token, "", each, &[], "each front has one"),
        (token, basic, "", each, &[], "of another kind"),
        (token, token, unused, each, &[], "a backend of no rule is nobody's"),
        (token, token, "", all, &["fronts.two.auth: who answers a login that names no repository?"], "one front has both"),
        (token, basic, "", all, &["fronts.two.auth: clients cannot log in to `a` with tokens", "fronts.two.auth: who answers"], "of two kinds"),
    ];
    for (first, second, third, fronts, expected, reason) in rows {
        let found = mistakes(&policy(first, second, third, *fronts));
        assert_eq!(found.len(), expected.len(), "{reason}: {found:#?}");
        for (told, start) in found.iter().zip(*expected) {
            assert!(told.starts_with(start), "{reason}: {told}");
        }
    }
    let config = Config::from_json(policy(token, basic, "", each).as_bytes()).unwrap();
    let asked = config.fronts().all().iter().map(|front| match front.auth() {
        FrontAuth::Upstream { login, kind, .. } => (login.index(), *kind),
        other => panic!("{other:?}"),
    });
    assert_eq!(asked.collect::<Vec<_>>(), [(0, AuthDomainKind::Token), (1, AuthDomainKind::Basic)]);
}
