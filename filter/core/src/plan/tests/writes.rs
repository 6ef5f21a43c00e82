//! Writes that the policy refuses for a while, and reads that still work.

use portolan_policy_builder::{Backend, Front, Policy, Rule};
use serde_json::json;

use super::*;

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// What the client's password was worth, if it asks a front that wants one.
type Shown = Option<Password>;

/// Where a request ends. `rule` and `front` are the reasons for which each refuses writes.
fn planned(
    rule: Option<&str>,
    front: Option<&str>,
    password: Shown,
    method: &str,
    target: &str,
) -> String {
    let mut policy = Policy::new()
        .front("open", Front::at(["open.example"]))
        .front("closed", Front::at(["closed.example"]).passwords())
        .backend("a", Backend::at("http://a"))
        .rule(Rule::of("team").chain(["a"]).owner("a"))
        .rule(Rule::of("read").chain(["a"]));
    if let Some(reason) = rule {
        policy = policy.set("/rules/0/writes", json!({"refused": reason}));
    }
    if let Some(reason) = front {
        let refused = json!({"refused": reason});
        policy = policy.set("/fronts/open/writes", refused.clone());
        policy = policy.set("/fronts/closed/writes", refused);
    }
    let config = policy.read_by(Config::from_json);
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
    let rule = Some("upgrade until 14:00");
    let front = Some("this site is passive");
    let of_rule = "403 DENIED upgrade until 14:00; team";
    let of_front = "403 DENIED this site is passive; -";
    let read_only = "405 UNSUPPORTED the repositories of rule `read` are pull-only here; push to the registry \
                     that owns them; read";
    #[rustfmt::skip]
    let rows = [
        (None, None, "PUT", "/v2/team/x/manifests/v1", "a@owner", "nothing is refused"),
        (rule, None, "PUT", "/v2/team/x/manifests/v1", of_rule, "a manifest"),
        (rule, None, "POST", "/v2/team/x/blobs/uploads/", of_rule, "an upload begins"),
        (rule, None, "PATCH", "/v2/team/x/blobs/uploads/1", of_rule, "it goes on"),
        (rule, None, "GET", "/v2/team/x/blobs/uploads/1", of_rule, "it is asked how far it is"),
        (rule, None, "DELETE", "/v2/team/x/manifests/v1", of_rule, "a deletion"),
        (rule, None, "GET", "/v2/team/x/manifests/v1", "a", "a pull"),
        (rule, None, "GET", "/v2/team/x/blobs/DIGEST", "a", "a pull of a blob"),
        (rule, None, "HEAD", "/v2/team/x/blobs/DIGEST", "a@owner", "whether it is there"),
        (rule, front, "PUT", "/v2/team/x/manifests/v1", of_rule, "the rule's own reason"),
        (None, front, "PUT", "/v2/team/x/manifests/v1", of_front, "the front's"),
        (None, front, "PUT", "/v2/read/x/manifests/v1", of_front, "sooner than what is for ever"),
        (rule, None, "PUT", "/v2/read/x/manifests/v1", read_only, "another rule"),
        (None, front, "GET", "/v2/team/x/manifests/v1", "a", "a pull through the front"),
    ];
    for (rule, front, method, target, expected, why) in rows {
        assert_eq!(planned(rule, front, None, method, target), expected, "{why}");
    }
}

/// Who may not push is told that, and not what goes on behind.
#[test]
fn the_reason_is_for_those_who_may_write() {
    let rule = Some("upgrade until 14:00");
    let put = |password| planned(rule, None, Some(password), "PUT", "/v2/team/x/manifests/v1");
    assert_eq!(put(Password::Right), "403 DENIED upgrade until 14:00; team");
    assert!(put(Password::Wrong).starts_with("401 UNAUTHORIZED"));
}
