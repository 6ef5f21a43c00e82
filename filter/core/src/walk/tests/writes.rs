//! Writes that are refused for a while, and what goes on meanwhile.

use super::*;

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// What becomes of a request of somebody who has shown a password, or of nobody; `rule` and `front` are what is written there.
fn walk(rule: &str, front: &str, password: Option<Password>, method: &str, target: &str) -> String {
    let policy = format!(
        r#"{{"version": 1,
            "fronts": {{"open": {{"hosts": ["open.example"]{front}}},
                "closed": {{"hosts": ["closed.example"], "auth": {{"basic": {{"verifier": "http://v"}}}}{front}}}}},
            "backends": {{"a": {{"url": "http://a"}}}},
            "regions": {{"default": {{}}}},
            "rules": [
                {{"name": "team", "repositories": ["team/**"], "owner": "a", "chains": {{"default": ["a"]}}{rule}}},
                {{"name": "read", "repositories": ["read/**"], "chains": {{"default": ["a"]}}}}
            ]}}"#
    );
    let config = Config::from_json(policy.as_bytes()).unwrap();
    let target = target.replace("DIGEST", DIGEST);
    let is_closed = password.is_some();
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: if is_closed { b"closed.example" } else { b"open.example" },
        authorization: is_closed.then_some(b"Basic YTpi"),
        ..RequestHead::default()
    };
    let plan = plan(&config, &head, &Facts { password, ..NONE });
    match plan.action {
        Action::Reply(reply) => {
            let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
            let message = body["errors"][0]["message"].as_str().unwrap();
            format!(
                "{} {} {message}; {}",
                reply.status,
                reply.code,
                plan.record.rule.unwrap_or("-")
            )
        }
        Action::Forward(forwarding) => forwarding.cluster.to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn writes_are_refused_and_reads_are_not() {
    let rule = r#", "writes": {"refused": "upgrade until 14:00"}"#;
    let front = r#", "writes": {"refused": "this site is passive"}"#;
    let of_rule = "403 DENIED upgrade until 14:00; team";
    let of_front = "403 DENIED this site is passive; -";
    let read_only = "405 UNSUPPORTED the repositories of rule `read` are pull-only here; push to the registry \
                     that owns them; read";
    #[rustfmt::skip]
    let rows = [
        ("", "", "PUT", "/v2/team/x/manifests/v1", "a@owner", "nothing is refused"),
        (rule, "", "PUT", "/v2/team/x/manifests/v1", of_rule, "a manifest"),
        (rule, "", "POST", "/v2/team/x/blobs/uploads/", of_rule, "an upload begins"),
        (rule, "", "PATCH", "/v2/team/x/blobs/uploads/1", of_rule, "it goes on"),
        (rule, "", "GET", "/v2/team/x/blobs/uploads/1", of_rule, "it is asked how far it is"),
        (rule, "", "DELETE", "/v2/team/x/manifests/v1", of_rule, "a deletion"),
        (rule, "", "GET", "/v2/team/x/manifests/v1", "a", "a pull"),
        (rule, "", "GET", "/v2/team/x/blobs/DIGEST", "a", "a pull of a blob"),
        (rule, "", "HEAD", "/v2/team/x/blobs/DIGEST", "a@owner", "whether it is there"),
        (rule, front, "PUT", "/v2/team/x/manifests/v1", of_rule, "the rule's own reason"),
        ("", front, "PUT", "/v2/team/x/manifests/v1", of_front, "the front's"),
        ("", front, "PUT", "/v2/read/x/manifests/v1", of_front, "sooner than what is for ever"),
        (rule, "", "PUT", "/v2/read/x/manifests/v1", read_only, "another rule"),
        ("", front, "GET", "/v2/team/x/manifests/v1", "a", "a pull through the front"),
    ];
    for (rule, front, method, target, expected, why) in rows {
        assert_eq!(walk(rule, front, None, method, target), expected, "{why}");
    }
}

/// Who may not push is told that, and not what goes on behind.
#[test]
fn the_reason_is_for_those_who_may_write() {
    let rule = r#", "writes": {"refused": "upgrade until 14:00"}"#;
    let put = |password| walk(rule, "", Some(password), "PUT", "/v2/team/x/manifests/v1");
    assert_eq!(put(Password::Right), "403 DENIED upgrade until 14:00; team");
    assert!(put(Password::Wrong).starts_with("401 UNAUTHORIZED"));
}
