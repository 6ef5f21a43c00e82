//! Plans of requests that are redirected to the first backend that is up.

use super::client_redirect::POLICY;
use super::*;
use crate::health::Health;

/// Clients are not sent to a backend that is known to be down, if another one is up.
#[test]
fn the_first_backend_that_is_up() {
    let health = |up: &[&str]| {
        let cluster = |name: &&str| {
            let state = if up.contains(name) { r#"[{"health_status": {}}]"# } else { "[]" };
            format!(r#"{{"name": "{name}", "host_statuses": {state}}}"#)
        };
        let all: Vec<String> = ["ar", "us"].iter().map(cluster).collect();
        Health::read(format!(r#"{{"cluster_statuses": [{}]}}"#, all.join(",")).as_bytes()).unwrap()
    };
    let (both, ar, us, none) =
        (health(&["ar", "us"]), health(&["ar"]), health(&["us"]), health(&[]));
    let at_ar =
        |rest: &str| redirected(format!("https://ar.example/base/v2/project/images/a/{rest}"));
    let at_us = |rest: &str| redirected(format!("https://us.example/v2/project/images/a/{rest}"));
    let asked = || Outcome::NeedsHealth { is_optional: true };
    let (tag, digest) = ("manifests/v1", "manifests/DIGEST");
    #[rustfmt::skip]
    let rows = [
        (digest, None, asked(), "health", "how are they?"),
        (digest, Some(HealthView::Known(&both)), at_ar(digest), "nearest, redirected", "the first"),
        (digest, Some(HealthView::Known(&ar)), at_ar(digest), "nearest, redirected", "the first"),
        (digest, Some(HealthView::Known(&us)), at_us(digest), "next that is up, redirected", "the first is down; the name is the second's"),
        (digest, Some(HealthView::Known(&none)), at_ar(digest), "nearest, redirected", "the checks may be what is wrong"),
        (digest, Some(HealthView::Unknown), at_ar(digest), "nearest, redirected", "nobody knows"),
        ("blobs/DIGEST", None, asked(), "health", "before a store is asked"),
        ("blobs/DIGEST", Some(HealthView::Known(&us)), needs_blob("east"), "asked", "then it is"),
        (tag, None, at_ar(tag), "nearest replica, redirected", "no other holds this tag: nothing to choose"),
        (tag, Some(HealthView::Known(&us)), at_ar(tag), "nearest replica, redirected", "no other holds this tag"),
    ];
    let config = Config::from_json(POLICY.as_bytes()).unwrap();
    assert!(config.redirects_by_health());
    for (rest, health, expected, why, reason) in rows {
        let target = with_digest(&format!("/v2/a/{rest}"));
        let head = request("GET", "registry.example", &target);
        let plan = plan(&config, &head, &Facts { health, ..NONE });
        assert_eq!(Outcome::of(&config, plan.action), expected, "{rest}: {reason}");
        assert_eq!(plan.record.reason, format!("default; {why}"), "{rest}: {reason}");
    }
}
