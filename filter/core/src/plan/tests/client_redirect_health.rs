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
    let at_ar = "307 https://ar.example/base/v2/project/images/a";
    let at_us = "307 https://us.example/v2/project/images/a";
    let by_digest = "manifests/DIGEST";
    #[rustfmt::skip]
    let rows = [
        (by_digest, None, "examine".to_owned(), "how are they?"),
        (by_digest, Some(Examined::Known(&both)), format!("{at_ar}/{by_digest}; nearest, redirected"), "the first"),
        (by_digest, Some(Examined::Known(&ar)), format!("{at_ar}/{by_digest}; nearest, redirected"), "the first"),
        (by_digest, Some(Examined::Known(&us)), format!("{at_us}/{by_digest}; next that is up, redirected"), "the first is down; the name is the second's"),
        (by_digest, Some(Examined::Known(&none)), format!("{at_ar}/{by_digest}; nearest, redirected"), "the checks may be what is wrong"),
        (by_digest, Some(Examined::Unknown), format!("{at_ar}/{by_digest}; nearest, redirected"), "nobody knows"),
        ("blobs/DIGEST", None, "examine".to_owned(), "before a store is asked"),
        ("blobs/DIGEST", Some(Examined::Known(&us)), "ask east".to_owned(), "then it is"),
        ("manifests/v1", None, format!("{at_ar}/manifests/v1; nearest replica, redirected"), "no other holds this tag: nothing to choose"),
        ("manifests/v1", Some(Examined::Known(&us)), format!("{at_ar}/manifests/v1; nearest replica, redirected"), "no other holds this tag"),
    ];
    let config = Config::from_json(POLICY.as_bytes()).unwrap();
    assert!(config.redirects_by_health());
    for (part, health, expected, reason) in rows {
        let target = format!("/v2/a/{part}").replace("DIGEST", DIGEST);
        let head = RequestHead {
            method: b"GET",
            target: target.as_bytes(),
            authority: b"registry.example",
            ..RequestHead::default()
        };
        let Plan { action, record, .. } = plan(&config, &head, &Facts { health, ..NONE });
        let found = match action {
            Action::Need(Need::BackendHealth { is_optional: true }) => "examine".to_owned(),
            Action::Need(Need::BlobPresence(blob)) => {
                format!("ask {}", config.blob_store(blob.store).unwrap().name())
            }
            Action::Reply(reply) => {
                let location = reply.headers.iter().find(|(name, _)| *name == "location").unwrap();
                let why = record.reason.strip_prefix("default; ").unwrap();
                format!("{} {}; {why}", reply.status, location.1)
            }
            other => format!("{other:?}"),
        };
        assert_eq!(found.replace(DIGEST, "DIGEST"), expected, "{part}: {reason}");
    }
}
