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

/// Where a request ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The policy's reason not to serve it.
    Refused(String),
    /// Another answer of the proxy's own, by its status.
    Answered(u16),
    /// A backend gets it, with this query.
    Forwarded { query: String },
    /// The token endpoint serves it.
    Token,
}

fn refused(reason: &str) -> End {
    End::Refused(reason.to_owned())
}

fn forwarded_with(query: &str) -> End {
    End::Forwarded { query: query.to_owned() }
}

fn planned(front: &str, address: &str, agent: &str, method: &str, target: &str) -> End {
    let config = Config::from_json(POLICY.replace("DIGEST", DIGEST).as_bytes()).unwrap();
    let target = with_digest(target);
    let host = format!("{front}.example.com").replace("main.", "registry.");
    let client = ClientFacts { address: Some(address.as_bytes()), ..ClientFacts::default() };
    let head = RequestHead {
        scheme: b"https",
        user_agent: Some(agent.as_bytes()).filter(|agent| !agent.is_empty()),
        client,
        ..request(method, &host, &target)
    };
    match plan(&config, &head, &NONE).action {
        Action::Reply(reply) if reply.status == 403 => {
            let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
            let error = body.pointer("/errors/0").unwrap();
            assert_eq!(error["code"], "DENIED");
            refused(error["message"].as_str().unwrap())
        }
        Action::Reply(reply) => End::Answered(reply.status),
        Action::Forward(forwarding) => {
            let path = String::from_utf8_lossy(&forwarding.receipt.targets[0]).into_owned();
            forwarded_with(path.split_once('?').map_or("", |(_, query)| query))
        }
        Action::Token(_) => End::Token,
        other => panic!("{other:?}"),
    }
}

#[test]
fn clients_user_agents_and_images_that_are_refused() {
    const ANYBODY: &str = "192.0.2.1:5";
    let scans = || refused("scans are not welcome");
    let robots = || refused("robots are not welcome");
    let hole = || refused("a hole is mended in 2.0");
    // A digest that no image of the policy has.
    let other = DIGEST.replace("sha256:0", "sha256:1");
    let mounted = format!("mount={other}&from=team%2Fsecret");
    #[rustfmt::skip]
    let rows = [
        ("main", ANYBODY, "docker/29", "GET", "/v2/team/app/manifests/v1", forwarded_with(""), "nobody in particular"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/team/app/manifests/v1", scans(), "a network"),
        ("main", "[2001:db8::9]:5", "docker/29", "GET", "/v2/team/app/manifests/v1", scans(), "IPv6"),
        ("main", "64:ff9b::cb00:7109", "", "GET", "/v2/team/app/manifests/v1", scans(), "behind a NAT64"),
        ("main", "203.0.113.9:5", "docker/29", "PUT", "/v2/team/app/manifests/v1", scans(), "writes as well"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/", scans(), "the ping, where clients begin"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/v2/_catalog", scans(), "whatever it is"),
        ("main", "203.0.113.9:5", "docker/29", "GET", "/livez", End::Answered(200), "but not whether this runs"),
        ("main", "203.0.113.9:5", "Firefox", "GET", "/", End::Answered(307), "nor a page"),
        ("main", "203.0.113.9:5", "badbot/1", "GET", "/v2/", scans(), "the first that is meant"),
        ("main", "unknown", "docker/29", "GET", "/v2/team/app/manifests/v1", forwarded_with(""), "an address that is none"),
        ("main", ANYBODY, "x badbot/1 y", "GET", "/v2/", robots(), "a program"),
        ("main", ANYBODY, "", "GET", "/v2/", End::Answered(200), "one that says nothing"),
        ("login", "203.0.113.9:5", "docker/29", "GET", "/portolan/token?service=x", scans(), "a token"),
        ("login", "203.0.113.9:5", "docker/29", "POST", "/portolan/token", scans(), "a form for one"),
        ("login", ANYBODY, "docker/29", "GET", "/portolan/token?service=x&scope=repository:team/old:pull", End::Token, "tokens are for repositories, not for tags"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/manifests/1.7", hole(), "a tag"),
        ("main", ANYBODY, "", "HEAD", "/v2/team/old/manifests/1.7", hole(), "the question before"),
        ("main", ANYBODY, "", "PUT", "/v2/team/old/manifests/1.7", hole(), "a push of it"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/manifests/2.0", forwarded_with(""), "another tag"),
        ("main", ANYBODY, "", "GET", "/v2/team/old/tags/list", forwarded_with(""), "the list of tags"),
        ("main", ANYBODY, "", "GET", "/v2/team/app/manifests/DIGEST", hole(), "content"),
        ("main", ANYBODY, "", "GET", "/v2/team/app/blobs/DIGEST", hole(), "content"),
        ("main", "198.51.100.7:1", "", "GET", "/v2/team/secret/tags/list", refused("not from there"), "both"),
        ("main", "198.51.100.7:1", "", "GET", "/v2/team/app/tags/list", forwarded_with(""), "only the network"),
        ("main", "198.51.100.8:1", "", "GET", "/v2/team/secret/tags/list", forwarded_with(""), "only the image"),
        ("main", "198.51.100.7:1", "", "POST", "/v2/team/app/blobs/uploads/?mount=OTHER&from=team/secret", forwarded_with(""), "nor by mounting it"),
        ("main", "198.51.100.8:1", "", "POST", "/v2/team/app/blobs/uploads/?mount=OTHER&from=team/secret", forwarded_with(&mounted), "whoever may have it"),
    ];
    for (front, address, agent, method, target, expected, reason) in rows {
        let found = planned(front, address, agent, method, &target.replace("OTHER", &other));
        assert_eq!(found, expected, "{method} {target} of {address} {agent}: {reason}");
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
