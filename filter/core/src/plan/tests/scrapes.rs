//! Metrics at a front: for some networks, and 404 for all other clients.

use portolan_policy_builder::{Backend, Front, Policy, Rule};
use serde_json::json;

use super::*;

fn policy() -> Policy {
    Policy::new()
        .front(
            "watched",
            Front::at(["watched.example"])
                .with("metrics", json!({"networks": ["office", "cluster:*"]})),
        )
        .front(
            "passwords",
            Front::at(["p.example"]).passwords().with("metrics", json!({"networks": ["office"]})),
        )
        .front("plain", Front::at(["plain.example"]))
        .backend("a", Backend::at("https://a.example"))
        .network("office", ["10.0.0.0/8"])
        .network("cluster:a", ["172.16.0.0/12"])
        .network("guests", ["192.168.0.0/16"])
        .rule(Rule::all().chain(["a"]))
}

#[test]
fn networks_that_may_scrape_metrics() {
    #[rustfmt::skip]
    let rows = [
        ("watched.example", "GET", "/metrics", "10.1.2.3", Outcome::Metrics, "the office"),
        ("watched.example", "GET", "/metrics?x=y", "10.1.2.3", Outcome::Metrics, "a query changes nothing"),
        ("watched.example", "GET", "/metrics", "172.16.1.1", Outcome::Metrics, "a pattern of labels"),
        ("watched.example", "GET", "/metrics", "192.168.1.1", replied(404, "UNSUPPORTED"), "another network"),
        ("watched.example", "GET", "/metrics", "203.0.113.1", replied(404, "UNSUPPORTED"), "no network of the policy's"),
        ("watched.example", "GET", "/metrics", "", replied(404, "UNSUPPORTED"), "an address that nobody knows"),
        ("watched.example", "HEAD", "/metrics", "10.1.2.3", replied(404, "UNSUPPORTED"), "a scrape is a GET"),
        ("watched.example", "POST", "/metrics", "10.1.2.3", replied(404, "UNSUPPORTED"), "nor a POST"),
        ("watched.example", "GET", "/metrics/", "10.1.2.3", replied(404, "UNSUPPORTED"), "that path alone"),
        ("watched.example", "GET", "/stats/prometheus", "10.1.2.3", replied(404, "UNSUPPORTED"), "nothing of Envoy's own"),
        ("p.example", "GET", "/metrics", "10.1.2.3", Outcome::Metrics, "the network is enough"),
        ("plain.example", "GET", "/metrics", "10.1.2.3", replied(404, "UNSUPPORTED"), "this front has none"),
        ("evil.example", "GET", "/metrics", "10.1.2.3", replied(404, "UNSUPPORTED"), "no front at all"),
    ];
    let config = policy().read_by(Config::from_json);
    for (host, method, target, address, expected, reason) in rows {
        let head = RequestHead {
            client: ClientFacts { address: Some(address.as_bytes()), ..ClientFacts::default() },
            ..request(method, host, target)
        };
        let found = Outcome::of(&config, plan(&config, &head, &Facts::default()).action);
        assert_eq!(found, expected, "{method} {host}{target} from {address}: {reason}");
    }
}

#[test]
fn a_label_that_nobody_has_is_a_mistake() {
    let policy = policy().set("/fronts/watched/metrics/networks/1", "offce").json();
    let Err(mistakes) = Config::from_json(policy.as_bytes()) else { panic!("it must be refused") };
    let text = format!("{mistakes:?}");
    assert!(text.contains("fronts.watched.metrics.networks[1]"), "{text}");
    assert!(text.contains("did you mean `office`?"), "{text}");
}
