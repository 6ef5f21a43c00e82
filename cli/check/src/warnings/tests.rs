//! Doubts, each with the policy that deserves it.

use std::fs;

use portolan_command::policy_file;

use super::*;

/// A policy with these backends and rules.
fn told(backends: &str, rules: &str) -> Vec<String> {
    let policy = format!(
        "version: 1\nfronts: {{main: {{hosts: [r.example.com]}}}}\nregions: {{cn: {{networks: [10.0.0.0/8]}}, default: {{}}}}\n\
         backends: {{{backends}}}\nrules: [{rules}]\n"
    );
    told_of(&policy)
}

pub(super) fn told_of(policy: &str) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("p.yaml");
    fs::write(&path, policy).unwrap();
    let policy = policy_file::load(&path).unwrap_or_else(|found| panic!("{found:?}"));
    let line = |warning: Diagnostic| format!("{}: {}", warning.path, warning.message);
    of(&policy).into_iter().map(line).collect()
}

const A: &str = "a: {url: \"https://a.example\"}";
const AB: &str = "a: {url: \"https://a.example\"}, b: {url: \"https://b.example\"}";
const ALL_TO_A: &str = "{name: all, repositories: [\"**\"], chains: {default: [a]}}";

#[test]
fn a_policy_without_doubts() {
    assert_eq!(told(A, ALL_TO_A), [""; 0]);
}

#[test]
fn a_health_check_that_cannot_be_made() {
    let through = "connect_proxy: \"http://proxy.example:3128\"";
    let found = told(&format!("a: {{url: \"https://a.example\", {through}}}"), ALL_TO_A);
    assert_eq!(found, [""; 0]);
    let checked =
        format!("a: {{url: \"https://a.example\", {through}, health_check: {{interval: 5s}}}}");
    let found = told(&checked, ALL_TO_A);
    assert!(
        found.iter().any(|line| line.starts_with("backends.a.health_check: is not used")),
        "{found:?}"
    );
}

#[test]
fn hedged_reads_that_have_no_second_backend() {
    let after = ", hedge_after: usual";
    let off = ", hedge_after: off";
    let chain = |links: &str| {
        format!("{{name: all, repositories: [\"**\"], chains: {{default: [{links}]}}}}")
    };
    let rows = [
        ([after, after], "a, b", &[][..], "both have it"),
        (["", ""], "a, b", &[], "none says so"),
        ([after, ""], "a, b", &[], "the other one is hedged as well"),
        ([after, off], "a, b", &["a"], "the other one is not asked"),
        ([off, after], "a, b", &["b"], "the first one is not hedged"),
        ([off, off], "a", &[], "never is what happens"),
        ([after, after], "a", &["a", "b"], "they are in no chain together"),
    ];
    for ([of_a, of_b], links, expected, reason) in rows {
        let backends = format!(
            "a: {{url: \"https://a.example\"{of_a}}}, b: {{url: \"https://b.example\"{of_b}}}"
        );
        let found = told(&backends, &chain(links));
        let wrong: Vec<&str> = found
            .iter()
            .filter_map(|line| {
                line.split_once(".hedge_after: is not used")?.0.strip_prefix("backends.")
            })
            .collect();
        assert_eq!(wrong, expected, "{reason}: {found:?}");
    }
}

#[test]
fn hosts_that_are_reached_over_plain_http() {
    let rows = [
        ("127.0.0.1:5000", true, "this machine"),
        ("localhost", true, "this machine"),
        ("a.localhost:5000", true, "this machine"),
        ("[::1]:5000", true, "this machine"),
        ("10.1.2.3", true, "private (RFC 1918)"),
        ("172.31.0.1", true, "private (RFC 1918)"),
        ("192.168.1.1", true, "private (RFC 1918)"),
        ("169.254.1.1", true, "link-local"),
        ("[fd00::1]", true, "unique local (RFC 4193)"),
        ("[fe80::1]", true, "link-local"),
        ("[::ffff:10.0.0.1]", true, "private, mapped into IPv6"),
        ("registry", true, "a single label"),
        ("172.32.0.1", false, "just outside of RFC 1918"),
        ("192.0.2.1", false, "a public address"),
        ("[2001:db8::1]", false, "a public address"),
        ("registry.example.com", false, "a public name"),
    ];
    for (host, near, reason) in rows {
        let found = told(&format!("a: {{url: \"http://{host}\"}}"), ALL_TO_A);
        assert_eq!(found.is_empty(), near, "{host}: {reason}: {found:?}");
        let start = "backends.a.url: requests to `";
        assert!(found.iter().all(|line| line.starts_with(start)), "{found:?}");
    }
}

#[test]
fn backends_that_no_rule_uses() {
    let expected =
        "backends.b: no rule uses this backend; name it in a chain or as an owner, or take it out";
    let rows = [
        ("{name: r, repositories: [x], chains: {default: [a]}}", true, "nowhere"),
        (
            "{name: r, repositories: [x], chains: {default: [a]}, replicas: [a, b]}",
            true,
            "a replica alone is never asked",
        ),
        ("{name: r, repositories: [x], chains: {default: [a]}, owner: b}", false, "it owns"),
        (
            "{name: r, repositories: [x], chains: {cn: [b], default: [a]}}",
            false,
            "it is in a chain",
        ),
    ];
    for (rule, unused, reason) in rows {
        let found = told(AB, rule);
        assert_eq!(found.contains(&expected.to_owned()), unused, "{reason}: {found:?}");
    }
}

#[test]
fn rules_and_globs_that_never_match() {
    let rule = |name, globs: &str| {
        format!("{{name: {name}, repositories: [{globs}], chains: {{default: [a]}}}}")
    };
    let rows: [(&[&str], &[&str]); 7] = [
        (&["a/**", "\"**\""], &[]),
        (&["a/**", "a/*"], &[]),
        (
            &["a/**", "a/**"],
            &["rules[1]: this rule never matches: the rule `r0` stands before and takes `a/**`"],
        ),
        (
            &["\"**\"", "a/b"],
            &["rules[1]: this rule never matches: the rule `r0` stands before and takes `**`"],
        ),
        (
            &["a, b", "c", "b, a"],
            &["rules[2]: this rule never matches: the rule `r0` stands before and takes `b`"],
        ),
        (
            &["a, b", "c, b"],
            &[
                "rules[1].repositories[1]: this glob never matches: the rule `r0` stands before and takes `b`",
            ],
        ),
        (
            &["a, \"**\"", "a"],
            &["rules[1]: this rule never matches: the rule `r0` stands before and takes `a`"],
        ),
    ];
    for (globs, expected) in rows {
        let rules: Vec<String> = globs
            .iter()
            .enumerate()
            .map(|(index, globs)| rule(format!("r{index}"), globs))
            .collect();
        assert_eq!(told(A, &rules.join(", ")), expected, "{globs:?}");
    }
}

#[test]
fn tags_that_only_one_backend_may_answer() {
    #[rustfmt::skip]
    let rows = [
        ("{default: [a, b]}", "", Some("a"), "nobody is a replica"),
        ("{default: [a], cn: [b, a]}", "", Some("b"), "in one region"),
        ("{default: [a, {backend: b, share: 5}]}", "", Some("a"), "one of them is tried out"),
        ("{default: [a, b]}", "owner: a", Some("a"), "an owner alone does not answer for tags"),
        ("{default: [a, b]}", "owner: a, tags_from: replicas", Some("a"), "no replicas"),
        ("{default: [a, b]}", "owner: a, tags_from: owner", None, "as it says"),
        ("{default: [a, b]}", "replicas: [a, b]", None, "they do"),
        ("{default: [a, b]}", "replicas: [a]", None, "as it says"),
        ("{default: [a], cn: [b]}", "", None, "nobody to fail over to"),
    ];
    for (chains, more, first, reason) in rows {
        let rule = format!("{{name: r, repositories: [x], chains: {chains}, {more}}}");
        let message = |first: &str| {
            format!(
                "rules[0].chains: tags do not fail over: while `{first}` is down a pull by tag fails, \
                 though others are in its chain; write `replicas` with all of those that have the \
                 same tags"
            )
        };
        let expected: Vec<String> = first.map(message).into_iter().collect();
        assert_eq!(told(AB, &rule), expected, "{reason}");
    }
}

#[test]
fn urls_at_which_there_is_no_registry() {
    #[rustfmt::skip]
    let rows = [
        ("https://a.example/v2/", Some("the registry is looked for at `/v2/v2/`")),
        ("https://a.example/mirror/v2", Some("the registry is looked for at `/mirror/v2/v2/`")),
        ("https://a.example/v2/mirror", Some("the registry is looked for at `/v2/mirror/v2/`; write `https://a.example`, and `mirror/`")),
        ("https://a.example/nexus-v2", None),
        ("https://docker.io", Some("there is no registry at `docker.io`; write `https://registry-1.docker.io`")),
        ("https://hub.docker.com", Some("there is no registry at `hub.docker.com`")),
        ("https://registry-1.docker.io", None),
    ];
    for (url, expected) in rows {
        let found = told(&format!("a: {{url: \"{url}\"}}"), ALL_TO_A);
        assert_eq!(found.len(), usize::from(expected.is_some()), "{url}: {found:#?}");
        let start = expected.map(|start| format!("backends.a.url: {start}"));
        assert!(start.is_none_or(|start| found[0].starts_with(&start)), "{url}: {found:?}");
    }
}

#[test]
fn chains_that_cannot_follow_their_owner() {
    let message = "tags come from the owner `b`, but digests cannot: what was just pushed fails \
         until it is replicated; write `b` at the end of the chain";
    let rows = [
        ("{default: [a, b]}", "owner: b, tags_from: owner", None),
        ("{default: [a, {backend: b, share: 5}]}", "owner: b, tags_from: owner", None),
        ("{default: [a]}", "owner: b, tags_from: owner", Some("default")),
        ("{default: [a, b], cn: [a]}", "owner: b, read_your_writes: 60s", Some("cn")),
        ("{default: [a]}", "owner: b, tags_from: replicas", None),
        ("{default: [a]}", "owner: b", None),
    ];
    // What tags do in an outage is another doubt.
    let other = |line: &String| !line.contains("tags do not fail over");
    for (chains, more, region) in rows {
        let rule = format!("{{name: r, repositories: [x], chains: {chains}, {more}}}");
        let expected: Vec<String> =
            region.iter().map(|region| format!("rules[0].chains.{region}: {message}")).collect();
        let found: Vec<String> = told(AB, &rule).into_iter().filter(other).collect();
        assert_eq!(found, expected, "{chains} {more}");
    }
}

/// A policy with this `auth` of its front, these fields of its backend `a`, and this file of the
/// credential `robot`.
fn told_of_credentials(front: &str, backend: &str, file: &str) -> Vec<String> {
    told_of(&format!(
        "version: 1\nfronts: {{main: {{hosts: [r.example.com], auth: {front}}}}}\n\
         regions: {{default: {{}}}}\ncredentials: {{robot: {{file: {file}}}}}\n\
         backends: {{a: {{url: \"https://a.example\", {backend}}}, l: {{url: \"https://l.example\", auth: token}}}}\n\
         rules: [{{name: r, repositories: [x], chains: {{default: [a]}}, readers: anyone}},\n\
         {{name: l, repositories: [l], chains: {{default: [l]}}}}]\n"
    ))
}

#[test]
fn passwords_that_can_be_read_on_their_way() {
    let token = |realm: &str| {
        let backend = format!("auth: {{token: {{realm: \"{realm}\"}}}}, credential: robot");
        told_of_credentials("managed", &backend, "/c/robot")
    };
    let verifier = |url: &str| {
        let front = format!("{{basic: {{verifier: \"{url}\"}}}}");
        told_of_credentials(&front, "auth: token, credential: robot", "/c/robot")
    };
    assert_eq!(token("https://auth.example/token"), [""; 0]);
    assert_eq!(token("http://127.0.0.1:5001/token"), [""; 0]);
    assert_eq!(
        token("http://auth.example/token"),
        [
            "backends.a.auth.token.realm: passwords and tokens go to and from `auth.example` unencrypted; \
             write `https`"
        ]
    );
    assert_eq!(verifier("http://127.0.0.1:9080"), [""; 0]);
    assert_eq!(verifier("https://users.example"), [""; 0]);
    assert_eq!(
        verifier("http://users.example"),
        [
            "fronts.main.auth.basic.verifier: the passwords of clients go to `users.example` unencrypted; \
             write `https`"
        ]
    );
}

#[test]
fn credentials_that_nothing_is_sent_with() {
    let rows = [
        ("managed", "auth: token, credential: robot", None),
        ("{upstream: {login: l}}", "auth: basic, credential: robot", None),
        ("{upstream: {login: l}}", "auth: token, credential: robot", Some("nothing is sent with")),
        ("managed", "auth: token", Some("no backend uses this credential")),
    ];
    for (front, backend, expected) in rows {
        let found = told_of_credentials(front, backend, "/c/robot");
        let expected = expected.map(|start| format!("credentials.robot: {start}"));
        assert_eq!(found.len(), usize::from(expected.is_some()), "{front} {backend}: {found:?}");
        assert!(expected.is_none_or(|start| found[0].starts_with(&start)), "{found:?}");
    }
}

#[test]
fn files_that_envoy_would_look_for_somewhere_else() {
    let tls = "auth: token, credential: robot, \
        tls: {ca_file: ca.pem, certificate_file: ./c.pem, key_file: /k.pem}";
    let found = told_of_credentials("managed", tls, "c/robot");
    let rows = [
        ("credentials.robot.file", "c/robot"),
        ("backends.a.tls.ca_file", "ca.pem"),
        ("backends.a.tls.certificate_file", "./c.pem"),
    ];
    let expected = rows.map(|(path, file)| {
        format!(
            "{path}: Envoy looks for `{file}` in the directory that it is started in; write the whole \
             path, from `/` on"
        )
    });
    assert_eq!(found, expected);
}

#[test]
fn where_clients_are_sent() {
    let policy = |backend: &str, store: &str, redirect: &str| {
        told_of(&format!(
            "version: 1\nfronts: {{main: {{hosts: [r.example.com]}}}}\nregions: {{default: {{}}}}\n\
             backends: {{a: {{url: \"{backend}\"}}}}\nblob_stores: {{s: {{{store}}}}}\n\
             rules: [{{name: all, repositories: [\"**\"], chains: {{default: [a]}}, client_redirects: {redirect}}}]\n"
        ))
    };
    let (far, store) = ("https://a.example", "url: \"https://s.example/{digest}\"");
    #[rustfmt::skip]
    let rows = [
        (far, store, "{classes: [blobs], stores: s}", "", "nothing to say"),
        (far, store, "{classes: [blobs]}", "blob_stores.s: no rule sends anybody to this store", "not named"),
        (far, store, "{classes: [blobs], stores: none}", "blob_stores.s: no rule sends anybody to this store", "not named"),
        (far, "url: \"http://s.example/{digest}\"", "{stores: s}", "blob_stores.s.url: clients that came by `https` are sent to `s.example` by `http`", "plain"),
        (far, "url: \"http://10.0.0.1/{digest}\"", "{stores: s}", "blob_stores.s.url: clients are sent to `10.0.0.1`, which only this machine", "near"),
        (far, "url: \"https://s.example/{digest}\", tls: {ca_file: ca.pem}", "{stores: s}", "blob_stores.s.tls.ca_file: Envoy looks for `ca.pem`", "relative"),
        ("http://127.0.0.1:5000", store, "{classes: [tags], stores: s}", "rules[0].client_redirects.classes: clients are sent to `127.0.0.1`", "near"),
        ("http://127.0.0.1:5000", store, "{stores: s}", "", "carried from there"),
    ];
    for (backend, store, redirect, expected, reason) in rows {
        let found = policy(backend, store, redirect);
        let as_wanted = match expected {
            "" => found.is_empty(),
            start => found.len() == 1 && found[0].starts_with(start),
        };
        assert!(as_wanted, "{backend} {store} {redirect}: {reason}\n{found:#?}");
    }
}

#[test]
fn a_backend_for_signatures_counts_as_used() {
    let rule = "{name: r, repositories: [x], chains: {default: [a]}, signatures: b}";
    assert_eq!(told(AB, rule), [""; 0]);
}

/// A rule for one front takes nothing from the others.
#[test]
fn rules_of_several_fronts() {
    let told = |rules: &str| {
        told_of(&format!(
            "version: 1\nfronts: {{in: {{hosts: [in.example.com]}}, out: {{hosts: [out.example.com]}}}}\n\
             regions: {{default: {{}}}}\nbackends: {{{A}}}\nrules: [{rules}]\n"
        ))
    };
    let rule = |name: &str, fronts: &str| {
        format!("{{name: {name}, {fronts} repositories: [\"x/**\"], chains: {{default: [a]}}}}")
    };
    let (all, inside, outside) =
        (rule("all", ""), rule("inside", "fronts: [in],"), rule("outside", "fronts: [out],"));
    let never = |index: usize, rule: &str| {
        format!(
            "rules[{index}]: this rule never matches: the rule `{rule}` stands before and takes `x/**`"
        )
    };
    let nobody = "fronts.out: no rule is for its clients";
    #[rustfmt::skip]
    let rows = [
        (vec![&inside, &outside], vec![], "each has its own"),
        (vec![&inside, &all], vec![], "the other front is left"),
        (vec![&all, &inside], vec![never(1, "all")], "all fronts are taken"),
        (vec![&inside, &outside, &all], vec![never(2, "inside")], "nothing is left for either"),
        (vec![&inside], vec![nobody.to_owned()], "a front without rules"),
    ];
    for (rules, expected, reason) in rows {
        let rules: Vec<&str> = rules.into_iter().map(String::as_str).collect();
        let found = told(&rules.join(", "));
        assert_eq!(found.len(), expected.len(), "{reason}: {found:#?}");
        for (line, start) in found.iter().zip(&expected) {
            assert!(line.starts_with(start), "{reason}: {line}");
        }
    }
}
