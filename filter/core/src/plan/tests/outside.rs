//! Uploads that continue outside of a registry's `/v2/`.

use portolan_policy_builder::{Backend, Front, Policy, Rule};
use serde_json::json;

use super::*;

fn policy() -> Policy {
    Policy::new()
        .front("open", Front::at(["open.example"]))
        .front("passwords", Front::at(["p.example"]).passwords())
        .front(
            "names",
            Front::at(["mirror.example"])
                .with("upstreams", json!({"docker.io": {"library": true}})),
        )
        .backend(
            "gar",
            Backend::at("https://gar.example/base")
                .names("team/", "p/team/")
                .with("upload_paths", json!(["/artifacts-uploads/"])),
        )
        .backend("other", Backend::at("https://other.example"))
        .rule(Rule::of("team").chain(["other", "gar"]).owner("gar"))
        .rule(Rule::of("other").chain(["gar"]).owner("other"))
        .rule(Rule::of("hub").repositories(["docker.io/**"]).chain(["gar"]).owner("gar"))
        .rule(Rule::of("read").chain(["gar"]))
}

/// Where a request ends, and whether the proxy says the type of its body.
fn planned(
    host: &str,
    password: Option<Password>,
    method: &str,
    target: &str,
) -> (Outcome, BodyType) {
    let config = policy().read_by(Config::from_json);
    let head = RequestHead {
        authorization: password.is_some().then_some(b"Basic eDp5"),
        ..request(method, host, target)
    };
    let action = plan(&config, &head, &Facts { password, ..NONE }).action;
    let is_set = matches!(&action, Action::Forward(forwarding) if forwarding.starts_upload);
    let body_type = if is_set { BodyType::Proxys } else { BodyType::Clients };
    (Outcome::of(&config, action), body_type)
}

/// Whose `Content-Type` the backend gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyType {
    Clients,
    Proxys,
}

#[test]
fn outside_uploads_go_only_to_the_owner() {
    use BodyType::{Clients, Proxys};
    let team = |rest: &str| format!("/v2/team/a/blobs/uploads/portolan~1{rest}");
    let owner = |rest: &str| forwarded("gar@owner", [&*format!("/artifacts-uploads/{rest}")]);
    let gone = || replied(404, "BLOB_UPLOAD_UNKNOWN");
    #[rustfmt::skip]
    let rows = [
        ("PATCH", team("artifacts-uploads~1ns~1A?x=1"), owner("ns/A?x=1"), Clients, "a chunk"),
        ("PUT", team("artifacts-uploads~1ns~1A?x=1&digest=sha256:a"), owner("ns/A?x=1&digest=sha256:a"), Clients, "the end"),
        ("GET", team("artifacts-uploads~1ns~1A"), owner("ns/A"), Clients, "how far it is"),
        ("DELETE", team("artifacts-uploads~1ns~1A"), owner("ns/A"), Clients, "no more"),
        ("POST", team("artifacts-uploads~1ns~1A"), owner("ns/A"), Proxys, "nothing is mounted by a form"),
        ("HEAD", team("artifacts-uploads~1ns~1A"), replied(405, "UNSUPPORTED"), Clients, "nobody asks so"),
        ("POST", team("artifacts-uploads~1A?mount=sha256:0000000000000000000000000000000000000000000000000000000000000000&from=other/b&x"), owner("A?x"), Proxys, "nor by a query"),
        ("PATCH", team("artifacts-uploads~1a~1manifests~1v1"), owner("a/manifests/v1"), Clients, "below it everything is an upload"),
        ("PATCH", team("artifacts-uploads~1"), gone(), Clients, "nothing below it"),
        ("PATCH", team("artifacts-uploadsx~1A"), gone(), Clients, "another path"),
        ("PATCH", team("v2~1p~1other~1blobs~1uploads~1A"), gone(), Clients, "the API"),
        ("PATCH", team("artifacts-uploads~1..~1v2~1x"), gone(), Clients, "dots"),
        ("PATCH", team("artifacts-uploads~1%2e%2e~1x"), replied(400, "NAME_INVALID"), Clients, "escaped dots"),
        ("PATCH", team("artifacts-uploads~1a%2fb"), replied(400, "NAME_INVALID"), Clients, "an escaped slash"),
        ("PATCH", team("~1evil.example~1A"), gone(), Clients, "another host, to some"),
        ("PATCH", team("artifacts-uploads/A"), gone(), Clients, "a slash"),
        ("PATCH", team("artifacts-uploads~2A"), gone(), Clients, "no such escape"),
        ("PATCH", "/v2/other/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), gone(), Clients, "an owner that has no such paths"),
        ("PATCH", "/v2/read/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), replied(405, "UNSUPPORTED"), Clients, "pull-only"),
        ("PATCH", "/v2/none/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), replied(404, "NAME_UNKNOWN"), Clients, "no rule"),
        ("PATCH", "/artifacts-uploads/ns/A".to_owned(), replied(404, "UNSUPPORTED"), Clients, "the path itself is none of the front"),
        ("PATCH", "/v2/team/a/blobs/uploads/1".to_owned(), forwarded("gar@owner", ["/base/v2/p/team/a/blobs/uploads/1"]), Clients, "an upload like any"),
    ];
    for (method, target, expected, body_type, reason) in rows {
        let found = planned("open.example", None, method, &target);
        assert_eq!(found, (expected, body_type), "{target}: {reason}");
    }
}

#[test]
fn an_upload_continues_only_for_clients_that_may_push() {
    let target = "/v2/team/a/blobs/uploads/portolan~1artifacts-uploads~1A";
    #[rustfmt::skip]
    let rows = [
        ("PATCH", None, replied(401, "UNAUTHORIZED")),
        ("GET", None, replied(401, "UNAUTHORIZED")),
        ("PUT", Some(Password::Wrong), replied(401, "UNAUTHORIZED")),
        ("PUT", Some(Password::Right), forwarded("gar@owner", ["/artifacts-uploads/A"])),
    ];
    for (method, password, expected) in rows {
        let (found, _) = planned("p.example", password, method, target);
        assert_eq!(found, expected, "{method}");
    }
}

#[test]
fn an_outside_upload_goes_to_the_registry_that_its_name_means() {
    let target = "/v2/nginx/blobs/uploads/portolan~1artifacts-uploads~1A?x=1&ns=docker.io&digest=d";
    let (found, _) = planned("mirror.example", None, "PUT", target);
    assert_eq!(found, forwarded("gar@owner", ["/artifacts-uploads/A?x=1&digest=d"]));
}
