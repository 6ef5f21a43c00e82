//! Plans of requests for health and for the catalog.

use portolan_policy_builder::{Backend, Front, Policy, Rule};

use super::*;
use crate::health::Health;

fn policy() -> Policy {
    Policy::new()
        .front(
            "strict",
            Front::at(["strict.example"])
                .with("ping", "all_backends")
                .with("health", true)
                .with("catalog", "hosted"),
        )
        .front("plain", Front::at(["plain.example"]))
        .front("passwords", Front::at(["p.example"]).passwords().with("catalog", "token"))
        .backend("cache", Backend::at("http://cache.example"))
        .backend("hosted", Backend::at("http://hosted.example/base"))
        .backend("token", Backend::at("https://token.example").tokens().credential("c"))
        .credential("c")
        .rule(Rule::of("own").chain(["hosted"]).owner("hosted"))
        .rule(Rule::of("rest").repositories(["**"]).chain(["cache", "hosted"]))
}

fn health(down: &str) -> Health {
    let host = r#"[{"health_status": {}}]"#;
    let cluster = |name: &str| {
        let hosts = if name == down { "[]" } else { host };
        format!(r#"{{"name": "{name}", "host_statuses": {hosts}}}"#)
    };
    let all: Vec<String> = ["cache", "hosted", "token"].iter().map(|name| cluster(name)).collect();
    Health::read(format!(r#"{{"cluster_statuses": [{}]}}"#, all.join(",")).as_bytes()).unwrap()
}

fn planned(front: &str, method: &str, target: &str, health: Option<HealthView<'_>>) -> Outcome {
    let config = policy().read_by(Config::from_json);
    let head = request(method, front, target);
    Outcome::of(&config, plan(&config, &head, &Facts { health, ..NONE }).action)
}

#[test]
fn a_front_and_its_backends() {
    let (up, cache, both) = (health(""), health("cache"), Health::default());
    let asked = || Outcome::NeedsHealth { is_optional: false };
    #[rustfmt::skip]
    let rows = [
        ("strict.example", "GET", "/v2/", None, asked(), "every backend has to be up"),
        ("strict.example", "GET", "/v2/", Some(HealthView::Known(&up)), replied(200, "ok"), "they are"),
        ("strict.example", "HEAD", "/v2/", Some(HealthView::Known(&cache)), replied(503, "UNAVAILABLE"), "one is not"),
        ("strict.example", "GET", "/v2/", Some(HealthView::Unknown), replied(503, "UNAVAILABLE"), "nobody knows"),
        ("strict.example", "GET", "/healthcheck", None, asked(), "how they are"),
        ("strict.example", "GET", "/healthcheck?x=y", Some(HealthView::Known(&up)), replied(200, "health"), "all up"),
        ("strict.example", "GET", "/healthcheck", Some(HealthView::Known(&cache)), replied(200, "health"), "some up"),
        ("strict.example", "GET", "/healthcheck", Some(HealthView::Known(&both)), replied(503, "health"), "none up"),
        ("strict.example", "GET", "/healthcheck", Some(HealthView::Unknown), replied(503, "health"), "nobody knows"),
        ("strict.example", "POST", "/healthcheck", None, replied(404, "UNSUPPORTED"), "only reads"),
        ("strict.example", "GET", "/healthcheck/x", None, replied(404, "UNSUPPORTED"), "that path alone"),
        ("strict.example", "GET", "/livez", None, replied(200, "live"), "it is there"),
        ("plain.example", "GET", "/v2/", None, replied(200, "ok"), "it answers by itself"),
        ("plain.example", "GET", "/healthcheck", None, replied(404, "UNSUPPORTED"), "not said"),
        ("plain.example", "GET", "/livez", None, replied(200, "live"), "about this process, not about a front"),
        ("10.1.2.3:8080", "GET", "/livez", None, replied(200, "live"), "who watches a process asks its address"),
        ("", "HEAD", "/livez?verbose", None, replied(200, "live"), "or says no host at all"),
        ("10.1.2.3:8080", "POST", "/livez", None, replied(404, "UNSUPPORTED"), "only reads"),
        ("10.1.2.3:8080", "GET", "/livez/x", None, replied(404, "UNSUPPORTED"), "that path alone"),
        ("10.1.2.3:8080", "GET", "/healthcheck", None, replied(404, "UNSUPPORTED"), "no front, no backends"),
        ("strict.example", "GET", "/v2/_catalog?n=5", None, forwarded("hosted", ["/base/v2/_catalog?n=5"]), "the hosted one's"),
        ("plain.example", "GET", "/v2/_catalog", None, replied(404, "UNSUPPORTED"), "none"),
        ("passwords.example", "GET", "/v2/_catalog", None, replied(404, "NAME_UNKNOWN"), "no such front"),
        ("p.example", "GET", "/v2/_catalog", None, replied(401, "UNAUTHORIZED"), "who lists names sees more than any rule shows"),
    ];
    for (front, method, target, health, expected, reason) in rows {
        assert_eq!(planned(front, method, target, health), expected, "{front} {target}: {reason}");
    }
}

/// Nothing is there that the policy did not ask for.
#[test]
fn a_policy_without_health_has_no_liveness() {
    let config = policy().set("/fronts/strict/health", false).read_by(Config::from_json);
    for authority in ["strict.example", "10.1.2.3:8080"] {
        let found = plan(&config, &request("GET", authority, "/livez"), &NONE).action;
        assert_eq!(Outcome::of(&config, found), replied(404, "UNSUPPORTED"), "{authority}");
    }
}
