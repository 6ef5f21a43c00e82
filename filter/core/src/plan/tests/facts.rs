//! Facts in every order: a plan needs what is missing, or is the same as with all of them.

use portolan_policy_builder::{Backend, Front, Policy, Rule};
use serde_json::json;

use super::*;
use crate::grammar::Digest;
use crate::health::Health;

/// A policy by which a request may need every kind of fact.
fn policy() -> Policy {
    Policy::new()
        .front(
            "strict",
            Front::at(["strict.example"])
                .passwords_of("http://127.0.0.1:9")
                .with("ping", "all_backends")
                .with("health", true),
        )
        .backend("ar", Backend::at("https://ar.example"))
        .backend("us", Backend::at("https://us.example"))
        .with("caches", json!({"eu": {"nodes": ["http://10.0.0.7"]}}))
        .with("blob_stores", json!({"east": {"url": "https://east.example/{digest}"}}))
        .rule(
            Rule::of("sent").readers("anyone").chain(["ar", "us"]).with(
                "client_redirects",
                json!({"classes": ["blobs", "manifests"], "stores": "east"}),
            ),
        )
        .rule(Rule::of("cached").readers("authenticated").chain(["cache@eu", "ar"]))
        .rule(
            Rule::of("stale")
                .readers("authenticated")
                .with("stale_tags", "1h")
                .chain(["cache@eu", "ar"]),
        )
        .rule(
            Rule::of("pushed")
                .readers("authenticated")
                .owner("us")
                .with("read_your_writes", "60s")
                .chain(["ar", "us"])
                .replicas(["ar", "us"]),
        )
}

/// Every combination of answers.
fn answers<'a>(known: &'a Health, digest: &'a Digest<'static>) -> Vec<Facts<'a>> {
    let mut all = Vec::new();
    for password in [Password::Right, Password::Wrong, Password::Unknown] {
        for health in [HealthView::Known(known), HealthView::AllUpExcept(&[]), HealthView::Unknown]
        {
            for in_store in [Presence::Present, Presence::Absent, Presence::Unknown] {
                for recently_pushed in [true, false] {
                    all.push(Facts {
                        password: Some(password),
                        health: Some(health),
                        in_store: Some(in_store),
                        recently_pushed: Some(recently_pushed),
                        // The same as of the store: no request needs both.
                        in_repository: Some(in_store),
                        // Where there was no push the tag is known.
                        tag_was: Some(Some(digest).filter(|_| !recently_pushed)),
                    });
                }
            }
        }
    }
    all
}

/// Those of the facts that a number selects.
fn some<'a>(all: &Facts<'a>, which: u8) -> Facts<'a> {
    let has = |bit: u8| which & bit != 0;
    Facts {
        password: all.password.filter(|_| has(1)),
        health: all.health.filter(|_| has(2)),
        in_store: all.in_store.filter(|_| has(4)),
        recently_pushed: all.recently_pushed.filter(|_| has(8)),
        in_repository: all.in_repository.filter(|_| has(16)),
        tag_was: all.tag_was.filter(|_| has(32)),
    }
}

#[test]
fn the_order_in_which_facts_come_changes_nothing() {
    let config = policy().read_by(Config::from_json);
    let us = r#"{"cluster_statuses": [{"name": "us", "host_statuses": [{"health_status": {}}]}]}"#;
    let known = Health::read(us.as_bytes()).unwrap();
    let cached = format!("/v2/cached/a/blobs/{DIGEST}");
    let blob = format!("/v2/sent/a/blobs/{DIGEST}");
    let manifest = format!("/v2/pushed/a/manifests/{DIGEST}");
    let requests = [
        ("GET", "/v2/"),
        ("GET", "/healthcheck"),
        ("GET", blob.as_str()),
        ("HEAD", blob.as_str()),
        ("GET", cached.as_str()),
        ("HEAD", cached.as_str()),
        ("GET", "/v2/sent/a/manifests/v1"),
        ("GET", "/v2/pushed/a/manifests/v1"),
        ("GET", "/v2/stale/a/manifests/v1"),
        ("GET", manifest.as_str()),
        ("PUT", "/v2/pushed/a/manifests/v1"),
        ("GET", "/v2/nobody/a/manifests/v1"),
    ];
    let digest = Digest::parse(DIGEST.as_bytes()).unwrap();
    let mut needed = [false; 6];
    for (method, target) in requests {
        for authorization in [None, Some(&b"Basic YTpi"[..])] {
            let head = RequestHead {
                method: method.as_bytes(),
                target: target.as_bytes(),
                authority: b"strict.example",
                authorization,
                ..RequestHead::default()
            };
            for all in answers(&known, &digest) {
                // The client's name is known where its password is, also where nothing depends on
                // either.
                let plan = |facts: &Facts<'_>| {
                    let mut plan = plan(&config, &head, facts);
                    plan.record.user = None;
                    plan
                };
                let whole = plan(&all);
                assert!(
                    !matches!(whole.action, Action::Need(_)),
                    "{method} {target}: all is known"
                );
                let whole = format!("{:?} {:?}", whole.action, whole.record);
                for which in 0..64 {
                    let facts = some(&all, which);
                    let found = plan(&facts);
                    let (kind, is_missing) = match &found.action {
                        Action::Need(Need::Password(_)) => (0, facts.password.is_none()),
                        Action::Need(Need::BackendHealth { .. }) => (1, facts.health.is_none()),
                        Action::Need(Need::BlobPresence(_)) => (2, facts.in_store.is_none()),
                        Action::Need(Need::RecentPush(_)) => (3, facts.recently_pushed.is_none()),
                        Action::Need(Need::Content(_)) => (4, facts.in_repository.is_none()),
                        Action::Need(Need::Tag(_)) => (5, facts.tag_was.is_none()),
                        action => {
                            let found = format!("{action:?} {:?}", found.record);
                            assert_eq!(found, whole, "{method} {target}, {which}");
                            continue;
                        }
                    };
                    needed[kind] = true;
                    assert!(is_missing, "{method} {target}, {which}: it is known");
                }
            }
        }
    }
    assert_eq!(needed, [true; 6], "each fact is needed by some request");
}
