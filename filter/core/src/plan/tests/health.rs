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

fn run(front: &str, method: &str, target: &str, health: Option<Examined<'_>>) -> String {
    let config = policy().read_by(Config::from_json);
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: front.as_bytes(),
        ..RequestHead::default()
    };
    let facts = Facts { health, ..NONE };
    match plan(&config, &head, &facts).action {
        Action::Reply(reply) => reply.status.to_string(),
        Action::Need(Need::BackendHealth { is_optional: false }) => "examine".to_owned(),
        Action::Forward(forwarding) => {
            let target = forwarding.receipt.targets[0].clone();
            format!("{} {}", forwarding.cluster, String::from_utf8(target).unwrap())
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_front_and_its_backends() {
    let (up, cache, both) = (health(""), health("cache"), Health::default());
    #[rustfmt::skip]
    let rows = [
        ("strict.example", "GET", "/v2/", None, "examine", "every backend has to be up"),
        ("strict.example", "GET", "/v2/", Some(Examined::Known(&up)), "200", "they are"),
        ("strict.example", "HEAD", "/v2/", Some(Examined::Known(&cache)), "503", "one is not"),
        ("strict.example", "GET", "/v2/", Some(Examined::Unknown), "503", "nobody knows"),
        ("strict.example", "GET", "/healthcheck", None, "examine", "how they are"),
        ("strict.example", "GET", "/healthcheck?x=y", Some(Examined::Known(&up)), "200", "all up"),
        ("strict.example", "GET", "/healthcheck", Some(Examined::Known(&cache)), "200", "some up"),
        ("strict.example", "GET", "/healthcheck", Some(Examined::Known(&both)), "503", "none up"),
        ("strict.example", "GET", "/healthcheck", Some(Examined::Unknown), "503", "nobody knows"),
        ("strict.example", "POST", "/healthcheck", None, "404", "only reads"),
        ("strict.example", "GET", "/healthcheck/x", None, "404", "that path alone"),
        ("strict.example", "GET", "/livez", None, "200", "it is there"),
        ("plain.example", "GET", "/v2/", None, "200", "it answers by itself"),
        ("plain.example", "GET", "/healthcheck", None, "404", "not said"),
        ("plain.example", "GET", "/livez", None, "200", "about this process, not about a front"),
        ("10.1.2.3:8080", "GET", "/livez", None, "200", "who watches a process asks its address"),
        ("", "HEAD", "/livez?verbose", None, "200", "or says no host at all"),
        ("10.1.2.3:8080", "POST", "/livez", None, "404", "only reads"),
        ("10.1.2.3:8080", "GET", "/livez/x", None, "404", "that path alone"),
        ("10.1.2.3:8080", "GET", "/healthcheck", None, "404", "no front, no backends"),
        ("strict.example", "GET", "/v2/_catalog?n=5", None, "hosted /base/v2/_catalog?n=5", "the hosted one's"),
        ("plain.example", "GET", "/v2/_catalog", None, "404", "none"),
        ("passwords.example", "GET", "/v2/_catalog", None, "404", "no such front"),
        ("p.example", "GET", "/v2/_catalog", None, "401", "who lists names sees more than any rule shows"),
    ];
    for (front, method, target, health, expected, reason) in rows {
        assert_eq!(run(front, method, target, health), expected, "{front} {target}: {reason}");
    }
}

/// Nothing is there that the policy did not ask for.
#[test]
fn a_policy_without_health_has_no_liveness() {
    let config = policy().set("/fronts/strict/health", false).read_by(Config::from_json);
    for authority in ["strict.example", "10.1.2.3:8080"] {
        let head = RequestHead {
            method: b"GET",
            target: b"/livez",
            authority: authority.as_bytes(),
            ..RequestHead::default()
        };
        let Action::Reply(reply) = plan(&config, &head, &NONE).action else {
            panic!("{authority}")
        };
        assert_eq!(reply.status, 404, "{authority}");
    }
}
