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

fn asked(host: &str, password: Option<Password>, method: &str, target: &str) -> String {
    let config = policy().read_by(Config::from_json);
    let head = RequestHead {
        method: method.as_bytes(),
        target: target.as_bytes(),
        authority: host.as_bytes(),
        authorization: password.is_some().then_some(b"Basic eDp5"),
        ..RequestHead::default()
    };
    match plan(&config, &head, &Facts { password, ..NONE }).action {
        Action::Reply(reply) => format!("{} {}", reply.status, reply.code),
        Action::Forward(forwarding) => {
            let sent = String::from_utf8(forwarding.receipt.targets[0].clone()).unwrap();
            let content_type = if forwarding.starts_upload { " typed" } else { "" };
            format!("{} {sent}{content_type}", forwarding.cluster)
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn outside_uploads_go_only_to_the_owner() {
    const OWNER: &str = "gar@owner /artifacts-uploads/";
    let team = |rest: &str| format!("/v2/team/a/blobs/uploads/portolan~1{rest}");
    let there = |rest: &str| format!("{OWNER}{rest}");
    let gone = "404 BLOB_UPLOAD_UNKNOWN";
    #[rustfmt::skip]
    let rows = [
        ("PATCH", team("artifacts-uploads~1ns~1A?x=1"), there("ns/A?x=1"), "a chunk"),
        ("PUT", team("artifacts-uploads~1ns~1A?x=1&digest=sha256:a"), there("ns/A?x=1&digest=sha256:a"), "the end"),
        ("GET", team("artifacts-uploads~1ns~1A"), there("ns/A"), "how far it is"),
        ("DELETE", team("artifacts-uploads~1ns~1A"), there("ns/A"), "no more"),
        ("POST", team("artifacts-uploads~1ns~1A"), there("ns/A typed"), "nothing is mounted by a form"),
        ("HEAD", team("artifacts-uploads~1ns~1A"), "405 UNSUPPORTED".to_owned(), "nobody asks so"),
        ("POST", team("artifacts-uploads~1A?mount=sha256:0000000000000000000000000000000000000000000000000000000000000000&from=other/b&x"), there("A?x typed"), "nor by a query"),
        ("PATCH", team("artifacts-uploads~1a~1manifests~1v1"), there("a/manifests/v1"), "below it everything is an upload"),
        ("PATCH", team("artifacts-uploads~1"), gone.to_owned(), "nothing below it"),
        ("PATCH", team("artifacts-uploadsx~1A"), gone.to_owned(), "another path"),
        ("PATCH", team("v2~1p~1other~1blobs~1uploads~1A"), gone.to_owned(), "the API"),
        ("PATCH", team("artifacts-uploads~1..~1v2~1x"), gone.to_owned(), "dots"),
        ("PATCH", team("artifacts-uploads~1%2e%2e~1x"), "400 NAME_INVALID".to_owned(), "escaped dots"),
        ("PATCH", team("artifacts-uploads~1a%2fb"), "400 NAME_INVALID".to_owned(), "an escaped slash"),
        ("PATCH", team("~1evil.example~1A"), gone.to_owned(), "another host, to some"),
        ("PATCH", team("artifacts-uploads/A"), gone.to_owned(), "a slash"),
        ("PATCH", team("artifacts-uploads~2A"), gone.to_owned(), "no such escape"),
        ("PATCH", "/v2/other/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), gone.to_owned(), "an owner that has no such paths"),
        ("PATCH", "/v2/read/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), "405 UNSUPPORTED".to_owned(), "pull-only"),
        ("PATCH", "/v2/none/a/blobs/uploads/portolan~1artifacts-uploads~1A".to_owned(), "404 NAME_UNKNOWN".to_owned(), "no rule"),
        ("PATCH", "/artifacts-uploads/ns/A".to_owned(), "404 UNSUPPORTED".to_owned(), "the path itself is none of the front"),
        ("PATCH", "/v2/team/a/blobs/uploads/1".to_owned(), "gar@owner /base/v2/p/team/a/blobs/uploads/1".to_owned(), "an upload like any"),
    ];
    for (method, target, expected, reason) in rows {
        assert_eq!(asked("open.example", None, method, &target), expected, "{target}: {reason}");
    }
}

#[test]
fn an_upload_continues_only_for_clients_that_may_push() {
    let target = "/v2/team/a/blobs/uploads/portolan~1artifacts-uploads~1A";
    #[rustfmt::skip]
    let rows = [
        ("PATCH", None, "401 UNAUTHORIZED"),
        ("GET", None, "401 UNAUTHORIZED"),
        ("PUT", Some(Password::Wrong), "401 UNAUTHORIZED"),
        ("PUT", Some(Password::Right), "gar@owner /artifacts-uploads/A"),
    ];
    for (method, password, expected) in rows {
        assert_eq!(asked("p.example", password, method, target), expected, "{method}");
    }
}

#[test]
fn the_name_says_the_registry_as_in_any_upload() {
    let target = "/v2/nginx/blobs/uploads/portolan~1artifacts-uploads~1A?x=1&ns=docker.io&digest=d";
    let found = asked("mirror.example", None, "PUT", target);
    assert_eq!(found, "gar@owner /artifacts-uploads/A?x=1&digest=d");
}
