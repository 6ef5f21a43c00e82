//! Plans: a policy, a request, and its action.

use portolan_policy_builder::{Backend, Policy, Region, Rule};
use serde_json::json;

use super::*;
use crate::attempt;
use crate::client::ClientFacts;
use crate::health::HealthView;
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
mod scenario;
mod scrapes;
mod writes;

use scenario::{
    Outcome, forwarded, header, in_country, needs_blob, redirected, replied, request, targets,
    with_digest,
};

/// Nothing was found out.
const NONE: Facts<'static> = Facts {
    password: None,
    health: None,
    in_store: None,
    recently_pushed: None,
    in_repository: None,
    tag_was: None,
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

/// Where a request ends, and why, as the log says it.
fn planned(country: &str, method: &str, target: &str) -> (Outcome, String) {
    let config = policy().read_by(Config::from_json);
    let target = with_digest(target);
    let head = RequestHead {
        client: in_country(country),
        ..request(method, "registry.example.com", &target)
    };
    let plan = plan(&config, &head, &NONE);
    if let Action::Forward(forwarding) = &plan.action {
        let is_sent_as_it_came = forwarding.receipt.targets[0] == target.as_bytes();
        assert!(forwarding.target_changed || is_sent_as_it_came, "{target}");
    }
    (Outcome::of(&config, plan.action), plan.record.reason)
}

#[test]
fn requests_end_where_the_policy_says() {
    #[rustfmt::skip]
    let rows = [
        ("CN", "GET", "/v2/", replied(200, "ok"), "country CN; ping"),
        ("CN", "GET", "/v2/drycc/a/manifests/v1", forwarded("quay", ["/v2/drycc/a/manifests/v1"]), "country CN; nearest replica"),
        ("DE", "GET", "/v2/drycc/a/manifests/v1", forwarded("ghcr", ["/base/v2/acme/a/manifests/v1"]), "default; nearest replica"),
        ("CN", "GET", "/v2/drycc/a/blobs/DIGEST?x=%2f", forwarded("quay", ["/v2/drycc/a/blobs/DIGEST?x=%2f"]), "country CN; nearest"),
        ("CN", "HEAD", "/v2/drycc/a/blobs/DIGEST", forwarded("ghcr@owner", ["/base/v2/acme/a/blobs/DIGEST"]), "country CN; owner, for an existence check"),
        ("CN", "HEAD", "/v2/drycc/a/manifests/DIGEST", forwarded("ghcr+quay", ["/base/v2/acme/a/manifests/DIGEST", "/v2/drycc/a/manifests/DIGEST"]), "country CN; owner, for an existence check"),
        ("CN", "HEAD", "/v2/drycc/a/manifests/v1", forwarded("quay", ["/v2/drycc/a/manifests/v1"]), "country CN; nearest replica"),
        ("CN", "PUT", "/v2/drycc/a/manifests/v1", forwarded("ghcr@owner", ["/base/v2/acme/a/manifests/v1"]), "country CN; owner, for a write"),
        ("CN", "POST", "/v2/drycc/a/blobs/uploads/", forwarded("ghcr@owner", ["/base/v2/acme/a/blobs/uploads/"]), "country CN; owner, for a write"),
        ("CN", "GET", "/v2/drycc/a/blobs/uploads/1?s=%3d", forwarded("ghcr@owner", ["/base/v2/acme/a/blobs/uploads/1?s=%3d"]), "country CN; owner, for a write"),
        ("CN", "GET", "/v2/public/a/blobs/DIGEST", forwarded("quay+ghcr", ["/v2/public/a/blobs/DIGEST", "/base/v2/public/a/blobs/DIGEST"]), "country CN; nearest"),
        ("CN", "GET", "/v2/public/a/tags/list?n=2", forwarded("ghcr", ["/base/v2/public/a/tags/list?n=2"]), "country CN; nearest replica"),
        ("CN", "GET", "/v2/public/a/referrers/DIGEST", forwarded("ghcr", ["/base/v2/public/a/referrers/DIGEST"]), "country CN; nearest replica"),
        ("CN", "HEAD", "/v2/public/a/blobs/DIGEST", forwarded("quay+ghcr", ["/v2/public/a/blobs/DIGEST", "/base/v2/public/a/blobs/DIGEST"]), "country CN; nearest"),
        ("CN", "DELETE", "/v2/public/a/manifests/v1", replied(405, "UNSUPPORTED"), "country CN; UNSUPPORTED"),
        ("CN", "POST", "/v2/public/a/blobs/uploads/", replied(405, "UNSUPPORTED"), "country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2/nobody/a/manifests/v1", replied(404, "NAME_UNKNOWN"), "country CN; NAME_UNKNOWN"),
        ("CN", "GET", "/v2/_catalog", replied(404, "UNSUPPORTED"), "country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2foo", replied(404, "UNSUPPORTED"), "country CN; UNSUPPORTED"),
        ("CN", "GET", "/v2/drycc/../a/manifests/v1", replied(400, "NAME_INVALID"), "country CN; NAME_INVALID"),
        ("CN", "GET", "/v2/drycc/A/manifests/v1", replied(400, "NAME_INVALID"), "country CN; NAME_INVALID"),
        ("CN", "GET", "/v2/drycc/a/blobs/sha256:0", replied(400, "DIGEST_INVALID"), "country CN; DIGEST_INVALID"),
    ];
    for (country, method, target, expected, why) in rows {
        let found = planned(country, method, target);
        assert_eq!(found, (expected, why.to_owned()), "{method} {target}");
    }
}

#[test]
fn a_mount_follows_the_owner_of_its_source() {
    let target = |from: &str| format!("/v2/drycc/a/blobs/uploads/?mount=DIGEST&from={from}&x=%20");
    let mounted = "/base/v2/acme/a/blobs/uploads/?mount=DIGEST&from=acme%2Fb&x=%20";
    let uploaded = "/base/v2/acme/a/blobs/uploads/?x=%20";
    let rows = [
        ("drycc/b", mounted),
        ("drycc%2Fb", mounted),
        ("public/b", uploaded),
        ("nobody/b", uploaded),
    ];
    for (from, expected) in rows {
        let (found, _) = planned("CN", "POST", &target(from));
        assert_eq!(found, forwarded("ghcr@owner", [expected]), "{from}");
    }
    let (found, _) = planned("CN", "POST", "/v2/drycc/a/blobs/uploads/?mount=DIGEST&from=public/b");
    let without_query = forwarded("ghcr@owner", ["/base/v2/acme/a/blobs/uploads/"]);
    assert_eq!(found, without_query, "nothing is left of the query");
    assert_eq!(planned("CN", "POST", &target("Bad")).0, replied(400, "NAME_INVALID"));
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
            client: in_country("CN"),
            ..request(method, "registry.example.com", &target)
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
    let (tag, tags) = ("/v2/drycc/a/manifests/v1", "/v2/drycc/a/tags/list");
    let digest = "/v2/drycc/a/manifests/DIGEST";
    let uploads = "/v2/drycc/a/blobs/uploads/";
    let other = "/v2/public/a/manifests/v1";
    let from_owner = || forwarded("ghcr@owner", ["/base/v2/acme/a/manifests/v1"]);
    let begins = forwarded("ghcr@owner", ["/base/v2/acme/a/blobs/uploads/"]);
    let (noted, not_noted) = (true, false);
    #[rustfmt::skip]
    let rows = [
        ("GET", tag, None, Outcome::NeedsRecentPush, not_noted, "a tag"),
        ("GET", tag, Some(true), from_owner(), not_noted, "it was pushed lately"),
        ("GET", tag, Some(false), forwarded("quay", [tag]), not_noted, "it was not"),
        ("GET", tags, None, Outcome::NeedsRecentPush, not_noted, "the list of tags"),
        ("GET", digest, None, forwarded("quay", [digest]), not_noted, "a digest never changes"),
        ("GET", other, None, forwarded("ghcr", ["/base/v2/public/a/manifests/v1"]), not_noted, "another rule"),
        ("PUT", tag, None, from_owner(), noted, "a push"),
        ("DELETE", tag, None, from_owner(), noted, "a deletion"),
        ("POST", uploads, None, begins, not_noted, "an upload has no tag yet"),
    ];
    for (method, target, recently_pushed, expected, is_noted, reason) in rows {
        let target = with_digest(target);
        let head = RequestHead {
            client: in_country("CN"),
            ..request(method, "registry.example.com", &target)
        };
        let facts = Facts { recently_pushed, ..Facts::default() };
        let action = plan(&config, &head, &facts).action;
        let leaves_a_note =
            matches!(&action, Action::Forward(forwarding) if forwarding.push.is_some());
        assert_eq!(leaves_a_note, is_noted, "{method} {target}: {reason}");
        assert_eq!(Outcome::of(&config, action), expected, "{method} {target}: {reason}");
    }
}

#[test]
fn a_name_that_grows_too_long_is_refused_here() {
    let longer = policy().set("/backends/ghcr/names/0/backend", "a-much-longer-prefix/");
    let config = longer.read_by(Config::from_json);
    let target = format!("/v2/drycc/{}/manifests/v1", "a".repeat(245));
    let plan = plan(&config, &request("GET", "registry.example.com", &target), &NONE);
    assert_eq!(plan.record.rule, Some("drycc"));
    assert_eq!(Outcome::of(&config, plan.action), replied(400, "NAME_INVALID"));
}

#[test]
fn a_host_that_no_front_has_is_refused() {
    let config = policy().read_by(Config::from_json);
    let head = request("HEAD", "evil.example", "/v2/drycc/a/manifests/v1");
    let plan = plan(&config, &head, &NONE);
    assert_eq!(plan.record.front, None);
    let Action::Reply(reply) = plan.action else { panic!("it must be refused") };
    let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no registry is served under this host name"}]}"#;
    assert_eq!((reply.status, &*reply.body.text()), (404, body));
}

/// Whoever is asked: the default front serves hosts that nobody declares, and no two at a time.
#[test]
fn a_request_that_names_no_one_host_is_refused() {
    let (unknown, invalid) = (|| replied(404, "NAME_UNKNOWN"), || replied(400, "UNSUPPORTED"));
    let served = || forwarded("ghcr", ["/base/v2/acme/a/manifests/v1"]);
    // A host, and the ends where no front is the default one, and where one is.
    let rows = [
        ("registry.example.com", served(), served()),
        ("registry.example.com:", served(), served()),
        ("evil.example", unknown(), served()),
        ("registry.example.com,registry.example.com", invalid(), invalid()),
        ("registry.example.com,evil.example", invalid(), invalid()),
        ("user@registry.example.com", invalid(), invalid()),
    ];
    let planned = |has_default: bool, host: &str| {
        let config = policy().set("/fronts/main/default", has_default).read_by(Config::from_json);
        let head = request("GET", host, "/v2/drycc/a/manifests/v1");
        Outcome::of(&config, plan(&config, &head, &NONE).action)
    };
    for (host, without_default, with_default) in rows {
        assert_eq!(planned(false, host), without_default, "{host}");
        assert_eq!(planned(true, host), with_default, "{host}");
    }
}
