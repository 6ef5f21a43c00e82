//! Rules for the clients of some fronts only.

use super::*;

/// An open front, one with passwords, one whose clients log in to the registry; two auth domains.
fn policy(rules: &str) -> String {
    format!(
        r#"{{
        "version": 1,
        "fronts": {{
            "open": {{"hosts": ["open.example"]}},
            "passwords": {{"hosts": ["p.example"], "auth": {{"basic": {{"verifier": "http://v"}}}}}},
            "upstream": {{"hosts": ["u.example"], "auth": {{"upstream": {{"login": "hub"}}}}}}
        }},
        "backends": {{
            "hub": {{"url": "https://hub.example", "auth": "token"}},
            "quay": {{"url": "https://quay.example", "auth": "token"}},
            "robot": {{"url": "https://robot.example", "auth": "token", "credential": "c"}},
            "plain": {{"url": "https://plain.example"}}
        }},
        "credentials": {{"c": {{"file": "/c"}}}},
        "regions": {{"default": {{}}}},
        "rules": [{rules}]
    }}"#
    )
}

fn first_mistake(rule: &str) -> String {
    let rule = format!(r#"{{"name": "r", "repositories": ["acme/**"], {rule}}}"#);
    match Config::from_json(policy(&rule).as_bytes()) {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.first().unwrap().to_string(),
    }
}

/// What a rule has to say depends on who comes to it.
#[test]
fn the_fronts_of_a_rule_decide_what_it_must_say() {
    #[rustfmt::skip]
    let rows = [
        (r#""chains": {"default": ["hub", "quay"]}"#, "rules[0].chains.default: clients log in to `hub` and to `quay` at different places", "of all fronts"),
        (r#""fronts": ["open", "passwords"], "chains": {"default": ["hub", "quay"]}"#, "", "the proxy holds the tokens"),
        (r#""fronts": ["upstream"], "chains": {"default": ["hub", "quay"]}"#, "rules[0].chains.default: clients log in to `hub` and to `quay`", "clients hold them"),
        (r#""fronts": ["open"], "readers": "authenticated", "chains": {"default": ["robot"]}"#, "rules[0].readers: nobody can prove to the proxy who they are", "not there"),
        (r#""fronts": ["passwords"], "readers": "authenticated", "chains": {"default": ["robot"]}"#, "", "there they can"),
        (r#""fronts": ["passwords"], "readers": "authenticated", "chains": {"default": ["robot"]}, "owner": "robot", "writers": "authenticated""#, "", "and push"),
        (r#""fronts": ["upstream"], "chains": {"default": ["hub"]}, "owner": "hub""#, "", "clients push with what they hold"),
        (r#""chains": {"default": ["hub"]}, "owner": "hub""#, "rules[0]: the proxy has no credential for pushes to `hub`", "those of `open` hold nothing"),
        (r#""fronts": ["open"], "chains": {"default": ["plain"]}, "client_redirects": {"classes": ["blobs"]}"#, "", "open to everybody"),
        (r#""chains": {"default": ["plain"]}, "client_redirects": {"classes": ["blobs"]}"#, "rules[0].client_redirects: sends clients to where the content is, which is open to everybody who knows the URL, and a front asks for passwords", "not to those of `passwords`"),
        (r#""fronts": [], "chains": {"default": ["plain"]}"#, "rules[0].fronts: is empty", "for nobody"),
        (r#""fronts": ["outside"], "chains": {"default": ["plain"]}"#, "rules[0].fronts[0]: there is no front `outside`; the fronts are `open`, `passwords`, `upstream`", "a slip"),
        (r#""fronts": ["open", "open"], "chains": {"default": ["plain"]}"#, "rules[0].fronts[1]: `open` stands twice", "a slip"),
    ];
    for (rule, expected, reason) in rows {
        let found = first_mistake(rule);
        let as_wanted =
            if expected.is_empty() { found.is_empty() } else { found.starts_with(expected) };
        assert!(as_wanted, "{rule}: {reason}: {found}");
    }
}

#[test]
fn the_first_rule_for_a_front() {
    let rules = r#"
        {"name": "inside", "fronts": ["passwords", "upstream"], "repositories": ["acme/**"], "chains": {"default": ["hub"]}},
        {"name": "outside", "fronts": ["open"], "repositories": ["acme/public/**"], "chains": {"default": ["plain"]}},
        {"name": "all", "repositories": ["library/**"], "chains": {"default": ["plain"]}}"#;
    let config =
        Config::from_json(policy(rules).as_bytes()).unwrap_or_else(|all| panic!("{all:#?}"));
    let find = |host: &str, name: &str| {
        let front = config.fronts().find(host.as_bytes()).unwrap();
        let rule = config.rules().find(front, name)?;
        config.rules().get(rule).map(Rule::name)
    };
    #[rustfmt::skip]
    let rows = [
        ("p.example", "acme/app", Some("inside")),
        ("u.example", "acme/public/app", Some("inside")),
        ("open.example", "acme/public/app", Some("outside")),
        ("open.example", "acme/app", None),
        ("open.example", "library/app", Some("all")),
        ("p.example", "library/app", Some("all")),
    ];
    for (host, name, expected) in rows {
        assert_eq!(find(host, name), expected, "{host} {name}");
    }
}
