//! Clients, user agents and images that the policy refuses.

use super::*;

const POLICY: &str = r#"{
    "version": 1,
    "fronts": {
        "main": {"hosts": ["registry.example.com"], "health": true, "landing": {"/": "https://example.com/"}},
        "login": {"hosts": ["login.example.com"], "auth": {"upstream": {"login": "tokens"}}}
    },
    "backends": {"a": {"url": "https://a.example"}, "tokens": {"url": "https://t.example", "auth": "token"}},
    "regions": {"default": {}},
    "networks": {"scanners": ["203.0.113.0/24", "2001:db8::/32"]},
    "clients": {"refused": [
        {"networks": ["scanners"], "reason": "scans are not welcome"},
        {"user_agents": ["*BadBot*"], "reason": "robots are not welcome"},
        {"images": ["team/old:1.*", "**@DIGEST"], "reason": "a hole is mended in 2.0"},
        {"networks": ["198.51.100.7/32"], "images": ["team/secret"], "reason": "not from there"}
    ]},
    "rules": [
        {"name": "login", "fronts": ["login"], "repositories": ["**"], "chains": {"default": ["tokens"]}},
        {"name": "all", "repositories": ["**"], "chains": {"default": ["a"]}, "owner": "a"}
    ]
}"#;

/// The reason of the refusal; the status of another answer, or where the request goes, with the query.
fn run(front: &str, address: &str, agent: &str, method: &str, target: &str) -> String {
    let config = Config::from_json(POLICY.replace("DIGEST", DIGEST).as_bytes()).unwrap();
    let target = target.replace("DIGEST", DIGEST);
    let authority = format!("{front}.example.com").replace("main.", "registry.");
    let client = ClientFacts { address: Some(address.as_bytes()), ..ClientFacts::default() };
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        scheme: b"https",
        authority: authority.as_bytes(),
        user_agent: Some(agent.as_bytes()).filter(|agent| !agent.is_empty()),
        client,
        ..RequestHead::default()
    };
    match plan(&config, &head, &NONE).action {
        Action::Reply(reply) if reply.status == 403 => {
            let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
            let error = body.pointer("/errors/0").unwrap();
            assert_eq!(error["code"], "DENIED");
            error["message"].as_str().unwrap().to_owned()
        }
        Action::Reply(reply) => reply.status.to_string(),
        Action::Forward(forwarding) => {
            let path = String::from_utf8_lossy(&forwarding.receipt.targets[0]).into_owned();
            path.split_once('?').map_or("carried".to_owned(), |(_, query)| query.to_owned())
        }
        other => format!("{other:?}").split(['(', ' ']).next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn clients_user_agents_and_images_that_are_refused() {
    const SCANS: &str = "scans are not welcome";
    const ROBOTS: &str = "robots are not welcome";
    const HOLE: &str = "a hole is mended in 2.0";
    const ANYBODY: &str = "192.0.2.1:5";
    #[rustfmt::skip]
    let rows = [
        ("main", ANYBODY, "docker/29", "GET", "/v2/team/app/manifests/v1", "carried", "nobody in particular"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/team/app/manifests/v1", SCANS, "a network"),
        ("main", "[2001:db8::9]:5", "docker/29", "GET", "/v2/team/app/manifests/v1", SCANS, "IPv6"),
        ("main", "64:ff9b::cb00:7109", "", "GET", "/v2/team/app/manifests/v1", SCANS, "behind a NAT64"),
        ("main", "203.0.113.9:5", "docker/29", "PUT", "/v2/team/app/manifests/v1", SCANS, "writes as well"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/", SCANS, "the ping, where clients begin"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/_catalog", SCANS, "whatever it is"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/livez", "200", "but not whether this runs"),
        ("main", "203.0.113.9:5", "Firefox", "GET", "/", "307", "nor a page"),
        ("main", "203.0.113.9:5", "badbot/1", "GET", "/v2/", SCANS, "the first that is meant"),
        ("main", "unknown", "docker/29", "GET", "/v2/team/app/manifests/v1", "carried", "an address that is none"),
        ("main", ANYBODY, "x badbot/1 y", "GET", "/v2/", ROBOTS, "a program"),
        ("main", ANYBODY, "", "GET", "/v2/", "200", "one that says nothing"),
        ("login", "203.0.113.9:5", "docker/29", "GET", "/portolan/token?service=x", SCANS, "a token"),
        ("login", "203.0.113.9:5", "docker/29", "POST", "/portolan/token", SCANS, "a form for one"),
        ("login", ANYBODY, "docker/29", "GET", "/portolan/token?service=x&scope=repository:team/old:pull", "Token", "tokens are for repositories, not for tags"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/manifests/1.7", HOLE, "a tag"),
        ("main", ANYBODY, "", "HEAD", "/v2/team/old/manifests/1.7", HOLE, "the question before"),
        ("main", ANYBODY, "", "PUT", "/v2/team/old/manifests/1.7", HOLE, "a push of it"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/manifests/2.0", "carried", "another tag"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/tags/list", "carried", "the list of tags"),
        ("main", ANYBODY, "", "GET", "/v2/team/app/manifests/DIGEST", HOLE, "content"),
        ("main", ANYBODY, "", "GET", "/v2/team/app/blobs/DIGEST", HOLE, "content"),
        ("main", "198.51.100.7:1", "", "GET", "/v2/team/secret/tags/list", "not from there", "both"),
        ("main", "198.51.100.7:1", "", "GET", "/v2/team/app/tags/list", "carried", "only the network"),
        ("main", "198.51.100.8:1", "", "GET", "/v2/team/secret/tags/list", "carried", "only the image"),
        ("main", "198.51.100.7:1", "", "POST", "/v2/team/app/blobs/uploads/?mount=OTHER&from=team/secret", "carried", "nor by mounting it"),
        ("main", "198.51.100.8:1", "", "POST", "/v2/team/app/blobs/uploads/?mount=OTHER&from=team/secret", "mount=OTHER&from=team%2Fsecret", "whoever may have it"),
    ];
    for (front, address, agent, method, target, expected, reason) in rows {
        let other = DIGEST.replace("sha256:0", "sha256:1");
        let found = run(front, address, agent, method, &target.replace("OTHER", &other));
        let found =
            found.replace(&other, "OTHER").replace("sha256%3A", "sha256:").replace('/', "%2F");
        assert_eq!(
            found,
            expected.replace('/', "%2F"),
            "{method} {target} of {address} {agent}: {reason}"
        );
    }
}

#[test]
fn a_form_is_refused_when_its_body_is_there() {
    let config = Config::from_json(POLICY.replace("DIGEST", DIGEST).as_bytes()).unwrap();
    let refused = ClientFacts { address: Some(b"203.0.113.9"), ..ClientFacts::default() };
    let head = RequestHead {
        method: b"POST",
        target: b"/portolan/token",
        authority: b"login.example.com",
        scheme: b"https",
        client: refused,
        ..RequestHead::default()
    };
    let form = Some(&b"application/x-www-form-urlencoded"[..]);
    let found = TokenEndpoint::of_body(&config, &head, form, b"grant_type=password");
    assert!(matches!(found, Err(Refusal::OfClients(_))), "{found:?}");
}
