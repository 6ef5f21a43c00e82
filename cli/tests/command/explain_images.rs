//! `portolan explain` for images, for clients of every region, and for clients that have logged in.

use std::path::Path;

use crate::explain::{directory, explain, json_of};
use crate::json_schema::fault;
use crate::portolan::Directory;
use serde_json::json;

#[test]
fn an_image_is_the_requests_for_it() {
    let found =
        explain("p.yaml", &["pull", "drycc/base:v1", "--from", "CN", "--peer", "192.0.2.1"]);
    assert_eq!((&found["kind"], &found["version"]), (&json!("image"), &json!(1)));
    let answer =
        |index: usize| (&found["requests"][index]["part"], &found["requests"][index]["answer"]);
    let (part, tag) = answer(0);
    assert_eq!(
        (part, &tag["chain"], &tag["region"]),
        (&json!("tag"), &json!(["quay"]), &json!("cn"))
    );
    assert_eq!(tag["skipped"], json!([{"backend": "ghcr", "reason": "no replica"}]));
    let (part, content) = answer(1);
    assert_eq!((part, &content["chain"]), (&json!("content"), &json!(["quay", "ghcr"])));
    assert_eq!(content.get("skipped"), None);

    let people =
        directory().run(&["explain", "p.yaml", "push", "registry.example.com/drycc/base:v1"]);
    assert_eq!((people.status, people.stderr.as_str()), (0, ""));
    let titles: Vec<&str> =
        people.stdout.lines().filter(|line| line.contains("/v2/drycc/")).collect();
    assert_eq!(titles[0], "POST /v2/drycc/base/blobs/uploads/  (upload)");
    assert_eq!(titles[1], "PUT /v2/drycc/base/manifests/v1  (manifest)");
}

#[test]
fn images_and_places_that_are_none() {
    let rows: [(&[&str], &str); 3] = [
        (&["pull", "Drycc/base"], "error: `Drycc/base` is no image; write one such as"),
        (&["pull", "quay.io/a/b"], "error: no front has the host `quay.io`"),
        (
            &["pull", "drycc/base", "--from", "China"],
            "error: `China` is no place; write a country (`CN`)",
        ),
    ];
    for (arguments, expected) in rows {
        let run = directory().run(&[&["explain", "p.yaml"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.starts_with(expected), "{}", run.stderr);
    }
}

#[test]
fn a_client_of_each_region() {
    let arguments = ["explain", "p.yaml", "pull", "drycc/base", "--all-regions", "--down", "quay"];
    let run = directory().run(&arguments);
    let expected = "\
region   client         tag        content
cn       CN             503: quay (down)  quay (down), ghcr
us-west  US-CA          ghcr       ghcr
eu       DE             ghcr       ghcr
office   10.0.0.0/8     ghcr       ghcr
default  anybody else   ghcr       ghcr
";
    let squeeze = |text: &str| {
        text.lines()
            .map(|line| {
                line.split("  ")
                    .filter(|cell| !cell.is_empty())
                    .map(str::trim)
                    .collect::<Vec<_>>()
                    .join("|")
            })
            .collect::<Vec<_>>()
    };
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(squeeze(&run.stdout), squeeze(expected), "{}", run.stdout);
    let json = json_of(&directory().run(&[&arguments[..], &["--json"]].concat()));
    assert_eq!((&json["kind"], json["regions"].as_array().unwrap().len()), (&json!("regions"), 5));
    let tag = &json["regions"][0]["answers"][0];
    assert_eq!((&tag["part"], &tag["answer"]["status"]), (&json!("tag"), &json!(503)));
    assert_eq!(tag["answer"]["skipped"][0], json!({"backend": "quay", "reason": "down"}));
}

#[test]
fn clients_that_have_logged_in_and_clients_that_cannot() {
    let policy = "\
version: 1
fronts:
  open: {hosts: [open.example]}
  own: {hosts: [own.example], auth: {basic: {verifier: \"http://127.0.0.1:9080\"}}}
credentials: {c: {file: /c}}
backends: {a: {url: \"https://a.example\", auth: token, credential: c}}
regions: {default: {}}
rules: [{name: r, repositories: [\"x/**\"], chains: {default: [a]}, owner: a, readers: authenticated, writers: authenticated}]
";
    let directory = Directory::with(&[("p.yaml", policy)]);
    let rows: [(&[&str], &str, &str); 3] = [
        (
            &["open.example/x/app"],
            "reply",
            "the rule `r` lets in clients with a password alone, and the front `open` asks for none",
        ),
        (&["own.example/x/app"], "reply", "the client has not logged in; `--as USER` explains it"),
        (&["own.example/x/app", "--as", "alice"], "forward", "`alice` is taken to have logged in"),
    ];
    for (arguments, kind, note) in rows {
        let found = json_of(
            &directory.run(&[&["explain", "p.yaml", "push", "--json"], arguments].concat()),
        );
        let first = &found["requests"][0];
        assert_eq!(first["answer"]["kind"], kind, "{arguments:?}: {first}");
        let notes = first["notes"].as_array().unwrap();
        assert!(
            notes.iter().any(|one| one.as_str().unwrap().starts_with(note)),
            "{arguments:?}: {first}"
        );
    }
}

#[test]
fn each_answer_is_valid_under_the_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/explain.schema.json");
    let schema = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    #[rustfmt::skip]
    let rows: [(&[&str], &str); 8] = [
        (&["GET", "/v2/drycc/a/manifests/v1", "--country", "CN"], "forward"),
        (&["GET", "/v2/drycc/a/manifests/v1", "--from", "CN", "--down", "quay"], "forward"),
        (&["GET", "/v2/"], "reply"),
        (&["DELETE", "/v2/library/a/manifests/v1"], "reply"),
        (&["GET", "//other.example/v2/x/manifests/v1"], "reply"),
        (&["pull", "drycc/base", "--as", "alice"], "image"),
        (&["push", "library/a"], "image"),
        (&["pull", "drycc/base", "--all-regions"], "regions"),
    ];
    for (arguments, kind) in rows {
        let found = explain("p.yaml", arguments);
        assert_eq!(found["kind"], kind, "{arguments:?}");
        assert_eq!(fault(&schema, &found), None, "{arguments:?}: {found}");
        let mut changed = found.clone();
        changed["zzz"] = json!(1);
        assert!(fault(&schema, &changed).is_some(), "an unknown field of {kind}");
    }
}
