//! Plans: a policy, a request, and its action.

use portolan_policy_builder::{Backend, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::attempt;
use crate::client::ClientFacts;
use crate::health::Examined;
use crate::policy::Password;
use crate::probe::Presence;
use crate::reply::Reply;

mod auth;
mod cache;
mod client_files;
mod client_redirect;
mod client_redirect_health;
mod facts;
mod followed_redirects;
mod health;
mod naming;
mod outside;
mod refused;
mod scrapes;
mod writes;

/// Nothing was found out.
const NONE: Facts<'static> = Facts {
    password: None,
    health: None,
    in_store: None,
    recently_pushed: None,
    in_repository: None,
};

fn policy() -> Policy {
    Policy::new()
        .backend("ghcr", Backend::at("https://ghcr.io/base").names("drycc/", "acme/"))
        .backend("quay", Backend::at("https://quay.io"))
        .region("cn", Region::countries(["CN"]))
        .geo_database()
        .rule(Rule::of("drycc").owner("ghcr").chain_of("cn", ["quay"]).chain(["ghcr"]))
        .rule(
            Rule::of("public")
                .chain_of("cn", ["quay", "ghcr"])
                .chain(["ghcr", "quay"])
                .replicas(["ghcr"]),
        )
}

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// Plans a request and prints where it ends: `backend target; reason` or `status; reason`.
fn planned(country: &str, method: &str, target: &str) -> String {
    let config = policy().read_by(Config::from_json);
    let target = target.replace("DIGEST", DIGEST);
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: b"registry.example.com",
        client: ClientFacts { country: Some(country.as_bytes()), ..ClientFacts::default() },
        ..RequestHead::default()
    };
    let plan = plan(&config, &head, &NONE);
    let reason = plan.record.reason.clone();
    let end = match plan.action {
        Action::Reply(reply) => reply.status.to_string(),
        Action::Forward(forwarding) => {
            let sent = String::from_utf8(forwarding.receipt.targets[0].clone()).unwrap();
            assert!(forwarding.target_changed || sent == target);
            format!("{} {}", forwarding.cluster, sent.replace(DIGEST, "DIGEST"))
        }
        other => format!("{other:?}"),
    };
    format!("{end}; {reason}")
}

#[test]
fn requests_end_where_the_policy_says() {
    #[rustfmt::skip]
    let rows = [
        ("CN", "GET", "/v2/", "200; country CN; ping"),
        ("CN", "GET", "/v2/drycc/a/manifests/v1", "quay /v2/drycc/a/manifests/v1; country CN; nearest replica"),
        ("DE", "GET", "/v2/drycc/a/manifests/v1", "ghcr /base/v2/acme/a/manifests/v1; default; nearest replica"),
        ("CN", "GET", "/v2/drycc/a/blobs/DIGEST?x=%2f", "quay /v2/drycc/a/blobs/DIGEST?x=%2f; country CN; nearest"),
        ("CN", "HEAD", "/v2/drycc/a/blobs/DIGEST", "ghcr@owner /base/v2/acme/a/blobs/DIGEST; country CN; owner, for an existence check"),
        ("CN", "HEAD", "/v2/drycc/a/manifests/DIGEST", "ghcr+quay /base/v2/acme/a/manifests/DIGEST; country CN; owner, for an existence check"),
        ("CN", "HEAD", "/v2/drycc/a/manifests/v1", "quay /v2/drycc/a/manifests/v1; country CN; nearest replica"),
        ("CN", "PUT", "/v2/drycc/a/manifests/v1", "ghcr@owner /base/v2/acme/a/manifests/v1; country CN; owner, for a write"),
        ("CN", "POST", "/v2/drycc/a/blobs/uploads/", "ghcr@owner /base/v2/acme/a/blobs/uploads/; country CN; owner, for a write"),
        ("CN", "GET", "/v2/drycc/a/blobs/uploads/1?s=%3d", "ghcr@owner /base/v2/acme/a/blobs/uploads/1?s=%3d; country CN; owner, for a write"),
        ("CN", "GET", "/v2/public/a/blobs/DIGEST", "quay+ghcr /v2/public/a/blobs/DIGEST; country CN; nearest"),
        ("CN", "GET", "/v2/public/a/tags/list?n=2", "ghcr /base/v2/public/a/tags/list?n=2; country CN; nearest replica"),
        ("CN", "GET", "/v2/public/a/referrers/DIGEST", "ghcr /base/v2/public/a/referrers/DIGEST; country CN; nearest replica"),
        ("CN", "HEAD", "/v2/public/a/blobs/DIGEST", "quay+ghcr /v2/public/a/blobs/DIGEST; country CN; nearest"),
        ("CN", "DELETE", "/v2/public/a/manifests/v1", "405; country CN; UNSUPPORTED"),
        ("CN", "POST", "/v2/public/a/blobs/uploads/", "405; country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2/nobody/a/manifests/v1", "404; country CN; NAME_UNKNOWN"),
        ("CN", "GET", "/v2/_catalog", "404; country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2foo", "404; country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2/drycc/../a/manifests/v1", "400; country CN; NAME_INVALID"),
        ("CN", "GET", "/v2/drycc/A/manifests/v1", "400; country CN; NAME_INVALID"),
        ("CN", "GET", "/v2/drycc/a/blobs/sha256:0", "400; country CN; DIGEST_INVALID"),
    ];
    for (country, method, target, expected) in rows {
        assert_eq!(planned(country, method, target), expected, "{method} {target}");
    }
}

#[test]
fn a_mount_follows_the_owner_of_its_source() {
    let target = |from: &str| format!("/v2/drycc/a/blobs/uploads/?mount=DIGEST&from={from}&x=%20");
    #[rustfmt::skip]
    let rows = [
        ("drycc/b", "ghcr@owner /base/v2/acme/a/blobs/uploads/?mount=DIGEST&from=acme%2Fb&x=%20"),
        ("drycc%2Fb", "ghcr@owner /base/v2/acme/a/blobs/uploads/?mount=DIGEST&from=acme%2Fb&x=%20"),
        ("public/b", "ghcr@owner /base/v2/acme/a/blobs/uploads/?x=%20"),
        ("nobody/b", "ghcr@owner /base/v2/acme/a/blobs/uploads/?x=%20"),
    ];
    for (from, expected) in rows {
        let expected = format!("{expected}; country CN; owner, for a write");
        assert_eq!(planned("CN", "POST", &target(from)), expected, "{from}");
    }
    let expected = "ghcr@owner /base/v2/acme/a/blobs/uploads/; country CN; owner, for a write";
    let only = "/v2/drycc/a/blobs/uploads/?mount=DIGEST&from=public/b";
    assert_eq!(planned("CN", "POST", only), expected, "nothing is left of the query");
    assert_eq!(planned("CN", "POST", &target("Bad")), "400; country CN; NAME_INVALID");
}

#[test]
fn reads_that_go_on_after_a_404_and_final_404s() {
    let chain = json!(["quay", "ghcr"]);
    let config = policy().set("/rules/0/chains/cn", chain).read_by(Config::from_json);
    // The cluster, whether a 404 sends the request on, and whether the owner's is final.
    let rows = [
        ("GET", "blobs/DIGEST", "quay+ghcr", Some(true), false),
        ("GET", "manifests/DIGEST", "quay+ghcr", Some(true), false),
        ("HEAD", "manifests/DIGEST", "ghcr+quay", Some(false), true),
        ("HEAD", "blobs/DIGEST", "ghcr@owner", None, true),
        ("GET", "manifests/v1", "quay", None, true),
    ];
    for (method, path, cluster, goes_on, is_final) in rows {
        let target = format!("/v2/drycc/a/{path}").replace("DIGEST", DIGEST);
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            authority: b"registry.example.com",
            client: ClientFacts { country: Some(b"CN"), ..ClientFacts::default() },
            ..RequestHead::default()
        };
        let Action::Forward(forwarding) = plan(&config, &head, &NONE).action else {
            panic!("{path}")
        };
        let prepared = forwarding.prepared.unwrap_or_default();
        let is_authority = attempt::all(&prepared).any(|part| part.is_authority);
        let after_404 = forwarding.retry.map(|_| !is_authority);
        let found = (forwarding.cluster, after_404, forwarding.receipt.authority.is_some());
        assert_eq!(found, (cluster, goes_on, is_final), "{method} {path}");
    }
}

#[test]
fn after_a_push_tags_come_from_the_owner() {
    let config = policy().set("/rules/0/read_your_writes", "60s").read_by(Config::from_json);
    let run = |method: &str, target: &str, recently_pushed| {
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            authority: b"registry.example.com",
            client: ClientFacts { country: Some(b"CN"), ..ClientFacts::default() },
            ..RequestHead::default()
        };
        let facts = Facts { recently_pushed, ..Facts::default() };
        match plan(&config, &head, &facts).action {
            Action::Need(Need::RecentPush(_)) => ("ask", false),
            Action::Forward(forwarding) => (forwarding.cluster, forwarding.push.is_some()),
            _ => ("something else", false),
        }
    };
    // Clusters borrow from the configuration, so the rows are compared one by one.
    let tag = "/v2/drycc/a/manifests/v1";
    let digest = format!("/v2/drycc/a/manifests/{DIGEST}");
    assert_eq!(run("GET", tag, None), ("ask", false));
    assert_eq!(run("GET", tag, Some(true)), ("ghcr@owner", false));
    assert_eq!(run("GET", tag, Some(false)), ("quay", false));
    assert_eq!(run("GET", "/v2/drycc/a/tags/list", None), ("ask", false));
    assert_eq!(run("GET", &digest, None), ("quay", false), "digests are never asked about");
    assert_eq!(run("GET", "/v2/public/a/manifests/v1", None), ("ghcr", false), "another rule");
    assert_eq!(run("PUT", tag, None), ("ghcr@owner", true), "a push is noted");
    assert_eq!(run("DELETE", tag, None), ("ghcr@owner", true), "so is a deletion");
    assert_eq!(run("POST", "/v2/drycc/a/blobs/uploads/", None), ("ghcr@owner", false));
}

#[test]
fn a_name_that_grows_too_long_is_refused_here() {
    let longer = policy().set("/backends/ghcr/names/0/backend", "a-much-longer-prefix/");
    let config = longer.read_by(Config::from_json);
    let target = format!("/v2/drycc/{}/manifests/v1", "a".repeat(245));
    let head = RequestHead {
        method: b"GET",
        target: target.as_bytes(),
        authority: b"registry.example.com",
        client: ClientFacts::default(),
        ..RequestHead::default()
    };
    let plan = plan(&config, &head, &NONE);
    assert_eq!(plan.record.rule, Some("drycc"));
    assert!(matches!(plan.action, Action::Reply(Reply { status: 400, .. })));
}

#[test]
fn a_host_that_no_front_has_is_refused() {
    let config = policy().read_by(Config::from_json);
    let head = RequestHead {
        method: b"HEAD",
        target: b"/v2/drycc/a/manifests/v1",
        authority: b"evil.example",
        client: ClientFacts::default(),
        ..RequestHead::default()
    };
    let plan = plan(&config, &head, &NONE);
    assert_eq!(plan.record.front, None);
    let Action::Reply(reply) = plan.action else { panic!("it must be refused") };
    let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no registry is served under this host name"}]}"#;
    assert_eq!((reply.status, &*reply.body.text()), (404, body));
}

/// Whoever is asked: the default front serves hosts that nobody declares, and no two at a time.
#[test]
fn a_request_that_names_no_one_host_is_refused() {
    let rows: [(&[u8], u16); 6] = [
        (b"registry.example.com", 0),
        (b"registry.example.com:", 0),
        (b"evil.example", 404),
        (b"registry.example.com,registry.example.com", 400),
        (b"registry.example.com,evil.example", 400),
        (b"user@registry.example.com", 400),
    ];
    for default in [false, true] {
        let config = policy().set("/fronts/main/default", default).read_by(Config::from_json);
        for (authority, expected) in rows {
            let head = RequestHead {
                method: b"GET",
                target: b"/v2/drycc/a/manifests/v1",
                authority,
                ..RequestHead::default()
            };
            let found = match plan(&config, &head, &NONE).action {
                Action::Reply(reply) => reply.status,
                _ => 0,
            };
            let expected = if default && expected == 404 { 0 } else { expected };
            assert_eq!(found, expected, "{}", authority.escape_ascii());
        }
    }
}
