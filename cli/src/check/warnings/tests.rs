//! Doubts, each with the policy that deserves it.

use std::fs;

use super::*;
use crate::policy_file;

/// A policy with these backends and rules.
fn told(backends: &str, rules: &str) -> Vec<String> {
    let policy = format!(
        "version: 1\nfronts: {{main: {{hosts: [r.example.com]}}}}\nregions: {{cn: {{}}, default: {{}}}}\n\
         backends: {{{backends}}}\nrules: [{rules}]\n"
    );
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
    for (chains, more, region) in rows {
        let rule = format!("{{name: r, repositories: [x], chains: {chains}, {more}}}");
        let expected: Vec<String> =
            region.iter().map(|region| format!("rules[0].chains.{region}: {message}")).collect();
        assert_eq!(told(AB, &rule), expected, "{chains} {more}");
    }
}
