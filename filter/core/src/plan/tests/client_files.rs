//! Plans of requests for configuration files of clients.

use portolan_policy_builder::{Front, Policy};
use serde_json::json;

use super::*;

fn policy() -> Policy {
    Policy::new()
        .front(
            "mirror",
            Front::at(["mirror.example"])
                .with("client_configuration", true)
                .with("upstreams", json!({"docker.io": {"backend": "https://hub.example"}})),
        )
        .front(
            "passwords",
            Front::at(["p.example"])
                .passwords()
                .with("client_configuration", true)
                .with("health", true),
        )
        .front(
            "quiet",
            Front::at(["quiet.example"])
                .with("upstreams", json!({"quay.io": {"backend": "https://quay.example"}})),
        )
}

#[test]
fn files_are_there_where_the_policy_says_so() {
    #[rustfmt::skip]
    let rows: &[(&str, &str, &str, u16, &str, &str)] = &[
        ("mirror.example", "GET", "/registries.yaml", 200, "\"https://mirror.example\"", "declared"),
        ("mirror.example", "HEAD", "/registries.yaml?x=y", 200, "\"https://mirror.example\"", "queries say nothing"),
        ("mirror.example", "GET", "/containerd/docker.io/hosts.toml", 200, "https://mirror.example", "one registry"),
        ("mirror.example", "GET", "/containerd/quay.io/hosts.toml", 404, "UNSUPPORTED", "another front's"),
        ("mirror.example", "GET", "/daemon.json", 404, "UNSUPPORTED", "Docker cannot name it"),
        ("mirror.example", "POST", "/registries.yaml", 404, "UNSUPPORTED", "only reads"),
        ("mirror.example", "GET", "/livez", 200, "ok", "about the process: another front has health"),
        ("p.example", "GET", "/containerd/p.example/hosts.toml", 200, "https://p.example", "there is no secret in it"),
        ("p.example", "GET", "/registries.yaml", 404, "UNSUPPORTED", "it stands for nothing"),
        ("p.example", "GET", "/livez", 200, "ok", "as ever"),
        ("quiet.example", "GET", "/registries.yaml", 404, "UNSUPPORTED", "not declared"),
        ("evil.example", "GET", "/registries.yaml", 404, "UNSUPPORTED", "no front"),
    ];
    let config = policy().read_by(Config::from_json);
    for (authority, method, target, status, words, why) in rows {
        let head = RequestHead {
            method: method.as_bytes(),
            target: target.as_bytes(),
            scheme: b"https",
            authority: authority.as_bytes(),
            ..RequestHead::default()
        };
        let Action::Reply(reply) = plan(&config, &head, &NONE).action else { panic!("{why}") };
        assert_eq!(reply.status, *status, "{why}: {target}");
        assert!(reply.body.text().contains(words), "{why}: {:?}", reply.body);
        assert!(reply.headers.contains(&("cache-control", "no-store".to_owned())), "{why}");
    }
}
