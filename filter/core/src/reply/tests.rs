//! The answer to a client for each refusal.

use portolan_policy_builder::Policy;
use serde_json::json;

use super::*;
use crate::attempt::Wait;
use crate::config::ids::{FrontId, RefusedId, RuleId};

fn config() -> Config {
    let refused = json!({"refused": "this site is passive for now"});
    let networks = json!({"networks": ["192.0.2.0/24"], "reason": "no clients from this network"});
    Policy::smallest()
        .set("/fronts/main/writes", refused)
        .set("/rules/0/writes", json!({"refused": "upgrade until 14:00 UTC"}))
        .with("clients", json!({"refused": [networks]}))
        .read_by(Config::from_json)
}

#[test]
fn every_refusal_has_a_status_a_code_and_perhaps_allow() {
    let first = RuleId::new(0);
    let allow = &[Method::Get, Method::Head];
    #[rustfmt::skip]
    let rows = [
        (Refusal::Request(RequestError::NotFound), 404, "UNSUPPORTED", None),
        (Refusal::Request(RequestError::MethodNotAllowed { allow }), 405, "UNSUPPORTED", Some("GET, HEAD")),
        (Refusal::Request(RequestError::TargetInvalid), 400, "NAME_INVALID", None),
        (Refusal::Request(RequestError::NameInvalid), 400, "NAME_INVALID", None),
        (Refusal::Request(RequestError::TagInvalid), 400, "TAG_INVALID", None),
        (Refusal::Request(RequestError::DigestInvalid), 400, "DIGEST_INVALID", None),
        (Refusal::FrontUnknown, 404, "NAME_UNKNOWN", None),
        (Refusal::HostInvalid, 400, "UNSUPPORTED", None),
        (Refusal::RepositoryUnknown, 404, "NAME_UNKNOWN", None),
        (Refusal::Unsupported(Class::Catalog), 404, "UNSUPPORTED", None),
        (Refusal::Unsupported(Class::Extension), 404, "UNSUPPORTED", None),
        (Refusal::PullOnly(first), 405, "UNSUPPORTED", Some("GET, HEAD")),
        (Refusal::WritesOfRule(first), 403, "DENIED", None),
        (Refusal::WritesOfFront(FrontId::new(0)), 403, "DENIED", None),
        (Refusal::OfClients(RefusedId::new(0)), 403, "DENIED", None),
        (Refusal::NameTooLong(first), 400, "NAME_INVALID", None),
    ];
    for (refusal, status, code, allow) in rows {
        let reply = refuse(&config(), &refusal, false, None);
        let header = |name| reply.headers.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str());
        assert_eq!((reply.status, reply.code), (status, code), "{refusal:?}");
        assert_eq!(header("allow"), allow, "{refusal:?}");
        assert_eq!(header("content-type"), Some("application/json"));
        assert_eq!(header("docker-distribution-api-version"), Some("registry/2.0"));
        assert_eq!(header("cache-control"), Some("no-store"));
        let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
        assert_eq!(body.pointer("/errors/0/code").and_then(|code| code.as_str()), Some(code));
        let message = body.pointer("/errors/0/message").and_then(|message| message.as_str());
        assert!(message.is_some_and(|message| message.len() > 20), "{refusal:?}");
    }
}

#[test]
fn a_tag_that_cannot_exist_is_not_there() {
    let reply = refuse(&config(), &Refusal::Request(RequestError::TagInvalid), true, None);
    assert_eq!((reply.status, reply.code), (404, "MANIFEST_UNKNOWN"));
}

#[test]
fn a_pull_only_rule_is_named() {
    let reply = refuse(&config(), &Refusal::PullOnly(RuleId::new(0)), false, None);
    assert!(reply.body.text().contains("rule `all`"), "{:?}", reply.body);
}

#[test]
fn the_ping_says_that_this_is_a_registry() {
    let reply = ping();
    assert_eq!((reply.status, &*reply.body.text()), (200, "{}"));
    let version = ("docker-distribution-api-version", "registry/2.0".to_owned());
    assert!(reply.headers.contains(&version));
}

#[test]
fn replies_to_misdirected_answers_name_no_host() {
    for reply in [undelivered(), list_failure(ListFailure::RedirectDenied)] {
        assert_eq!((reply.status, reply.code), (502, "UNAVAILABLE"));
        let names: Vec<&str> = reply.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["content-type", "docker-distribution-api-version", "cache-control"]);
        let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
        assert_eq!(body["errors"][0]["code"], "UNAVAILABLE");
    }
}

#[test]
fn limits_are_kept_as_text() {
    let limited = || list_failure(ListFailure::Limited(Wait::of_seconds(9)));
    let kept = limited().with_limit("ratelimit-limit", b"100;w=21600");
    assert!(kept.headers.contains(&("ratelimit-limit", "100;w=21600".to_owned())));
    assert!(kept.headers.contains(&("retry-after", "9".to_owned())));
    for odd in [&b"\xff"[..], b"a\r\nb", &[b'1'; 257]] {
        assert_eq!(limited().with_limit("ratelimit", odd), limited(), "{odd:?}");
    }
}
