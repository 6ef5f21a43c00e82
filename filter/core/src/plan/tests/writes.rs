//! Writes that the policy refuses for a while, and reads that still work.

use portolan_policy_builder::{Backend, Front, Policy, Rule};
use serde_json::json;

use super::*;

/// Where a request ends, and what its client is told.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// It goes to this cluster.
    Forwarded { cluster: String },
    /// It is refused; the rule is in the log if it is the rule that refuses.
    Refused { status: u16, code: String, message: String, rule: Option<String> },
}

fn forwarded(cluster: &str) -> End {
    End::Forwarded { cluster: cluster.to_owned() }
}

fn refused(status: u16, code: &str, message: &str, rule: Option<&str>) -> End {
    let (code, message) = (code.to_owned(), message.to_owned());
    End::Refused { status, code, message, rule: rule.map(str::to_owned) }
}

/// Where a request ends. `rule` and `front` are the reasons for which each refuses writes. A client
/// with a password asks a front that wants one.
fn planned(
    rule: Option<&str>,
    front: Option<&str>,
    password: Option<Password>,
    method: &str,
    target: &str,
) -> End {
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
    let target = with_digest(target);
    let (host, authorization) = match password {
        Some(_) => ("closed.example", Some(&b"Basic YTpi"[..])),
        None => ("open.example", None),
    };
    let head = RequestHead { authorization, ..request(method, host, &target) };
    let plan = plan(&config, &head, &Facts { password, ..NONE });
    match plan.action {
        Action::Reply(reply) => {
            let body: serde_json::Value = serde_json::from_str(&reply.body.text()).unwrap();
            let message = body["errors"][0]["message"].as_str().unwrap();
            refused(reply.status, reply.code, message, plan.record.rule)
        }
        Action::Forward(forwarding) => forwarded(forwarding.cluster),
        other => panic!("{other:?}"),
    }
}

#[test]
fn writes_are_refused_and_reads_are_not() {
    let rule = Some("upgrade until 14:00");
    let front = Some("this site is passive");
    let of_rule = || refused(403, "DENIED", "upgrade until 14:00", Some("team"));
    let of_front = || refused(403, "DENIED", "this site is passive", None);
    let message =
        "the repositories of rule `read` are pull-only here; push to the registry that owns them";
    let read_only = || refused(405, "UNSUPPORTED", message, Some("read"));
    #[rustfmt::skip]
    let rows = [
        (None, None, "PUT", "/v2/team/x/manifests/v1", forwarded("a@owner"), "nothing is refused"),
        (rule, None, "PUT", "/v2/team/x/manifests/v1", of_rule(), "a manifest"),
        (rule, None, "POST", "/v2/team/x/blobs/uploads/", of_rule(), "an upload begins"),
        (rule, None, "PATCH", "/v2/team/x/blobs/uploads/1", of_rule(), "it goes on"),
        (rule, None, "GET", "/v2/team/x/blobs/uploads/1", of_rule(), "it is asked how far it is"),
        (rule, None, "DELETE", "/v2/team/x/manifests/v1", of_rule(), "a deletion"),
        (rule, None, "GET", "/v2/team/x/manifests/v1", forwarded("a"), "a pull"),
        (rule, None, "GET", "/v2/team/x/blobs/DIGEST", forwarded("a"), "a pull of a blob"),
        (rule, None, "HEAD", "/v2/team/x/blobs/DIGEST", forwarded("a@owner"), "whether it is there"),
        (rule, front, "PUT", "/v2/team/x/manifests/v1", of_rule(), "the rule's own reason"),
        (None, front, "PUT", "/v2/team/x/manifests/v1", of_front(), "the front's"),
        (None, front, "PUT", "/v2/read/x/manifests/v1", of_front(), "sooner than what is for ever"),
        (rule, None, "PUT", "/v2/read/x/manifests/v1", read_only(), "another rule"),
        (None, front, "GET", "/v2/team/x/manifests/v1", forwarded("a"), "a pull through the front"),
    ];
    for (rule, front, method, target, expected, why) in rows {
        assert_eq!(planned(rule, front, None, method, target), expected, "{why}");
    }
}

/// Who may not push is told that, and not what goes on behind.
#[test]
fn only_clients_that_may_write_get_the_reason() {
    let rule = Some("upgrade until 14:00");
    let put = |password| planned(rule, None, Some(password), "PUT", "/v2/team/x/manifests/v1");
    assert_eq!(put(Password::Right), refused(403, "DENIED", "upgrade until 14:00", Some("team")));
    let End::Refused { status, code, message, .. } = put(Password::Wrong) else { panic!("a push") };
    assert_eq!((status, code.as_str()), (401, "UNAUTHORIZED"));
    assert!(!message.contains("upgrade"), "{message}");
}
