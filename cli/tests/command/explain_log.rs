//! `portolan explain --log`: a line of the access log, against a policy.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::explain::directory;
use crate::json_schema::fault;

/// A line as the filter and Envoy write it for the policy `p.yaml`.
fn line(more: &Value) -> String {
    let mut line = json!({
        "time": "2026-11-28T13:00:00.000Z", "request_id": "7f", "method": "GET",
        "authority": "registry.example.com", "path": "/v2/drycc/base/manifests/v1",
        "client": "198.51.100.7", "peer": "192.0.2.1", "country": null, "front": "main",
        "class": "read_manifest", "region": "default", "rule": "drycc",
        "reason": "default; nearest replica", "tried": null, "backend": "ghcr",
        "details": "via_upstream", "status": 200,
    });
    if let (Value::Object(line), Value::Object(more)) = (&mut line, more) {
        line.extend(more.clone());
    }
    line.to_string()
}

/// What differs, and the exit status.
fn replay(more: &Value) -> (Value, i32) {
    let run = directory().run(&["explain", "p.yaml", "--json", "--log", &line(more)]);
    assert_eq!(run.stderr, "", "{run:?}");
    (serde_json::from_str(&run.stdout).unwrap(), run.status)
}

#[test]
fn requests_whose_decision_differs() {
    #[rustfmt::skip]
    let rows = [
        (json!({}), "", "nothing"),
        (json!({"path": "/v2/drycc/base/blobs/sha256:".to_owned() + &"0".repeat(64), "class": "read_blob", "country": "CN", "region": "cn",
                "reason": "country CN; nearest", "tried": "quay 503", "backend": "ghcr"}), "", "a later backend served"),
        (json!({"path": "/v2/drycc/base/blobs/sha256:".to_owned() + &"0".repeat(64), "class": "read_blob", "country": "CN", "region": "cn",
                "reason": "country CN; nearest", "tried": "quay skipped", "backend": "ghcr"}), "", "the first was down"),
        (json!({"reason": "default; nearest replica; its redirect leads where the policy does not", "details": "portolan_failed:UNAVAILABLE"}),
         "", "what came later is no decision"),
        (json!({"backend": null, "status": 0, "details": "downstream_remote_disconnect"}), "", "the client left"),
        (json!({"backend": "quay"}), "chain: quay/ghcr", "another backend"),
        (json!({"rule": "old"}), "rule: old/drycc", "another rule"),
        (json!({"client": "10.0.0.1"}), "region: default/office, reason: default; nearest replica/network 10.0.0.0/8; nearest replica", "another region"),
        (json!({"rule": null, "backend": null, "reason": "default; NAME_UNKNOWN", "details": "portolan_refused:NAME_UNKNOWN", "status": 404}),
         "rule: null/drycc, chain: null/ghcr, reason: default; NAME_UNKNOWN/default; nearest replica", "it was refused"),
        (json!({"authority": "other.example"}),
         "front: main/null, rule: drycc/null, chain: ghcr/null, reason: default; nearest replica/default; NAME_UNKNOWN", "it is refused now"),
    ];
    for (more, expected, reason) in rows {
        let (found, status) = replay(&more);
        let shown = |value: &Value| value.as_str().unwrap_or("null").to_owned();
        let differences: Vec<String> = found["differences"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                format!(
                    "{}: {}/{}",
                    shown(&one["field"]),
                    shown(&one["logged"]),
                    shown(&one["now"])
                )
            })
            .collect();
        assert_eq!(differences.join(", "), expected, "{reason}: {found}");
        assert_eq!(status, i32::from(!expected.is_empty()), "{reason}");
    }
}

#[test]
fn a_replay_is_valid_under_the_published_schema() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/explain.schema.json");
    let schema = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    for more in [json!({}), json!({"rule": "old"}), json!({"region": null, "path": null})] {
        let (found, _) = replay(&more);
        assert_eq!(fault(&schema, &found), None, "{found}");
        let mut changed = found.clone();
        changed["zzz"] = json!(1);
        assert!(fault(&schema, &changed).is_some());
    }
}

#[test]
fn one_line_for_people() {
    let run = directory().run(&["explain", "p.yaml", "--log", &line(&json!({"backend": "quay"}))]);
    let (first, last) = (run.stdout.lines().next(), run.stdout.lines().last());
    assert_eq!(first, Some("GET //registry.example.com/v2/drycc/base/manifests/v1"), "{run:?}");
    assert_eq!(last, Some("differs: chain was quay, is ghcr"), "{run:?}");
    assert_eq!(run.status, 1);
    let run = directory().run(&["explain", "p.yaml", "--log", &line(&json!({}))]);
    let last = run.stdout.lines().last().map(str::to_owned);
    assert!(last.is_some_and(|last| last.ends_with("it was decided like that when it was logged")));
    assert_eq!(run.status, 0);
}

#[test]
fn many_lines() {
    let attempt = json!({"event": "attempt without an answer", "request_id": "7f"}).to_string();
    let unseen = line(&json!({"region": null, "path": null, "front": null, "rule": null}));
    let lines = [line(&json!({"rule": "old"})), attempt, String::new(), unseen, line(&json!({}))]
        .join("\n");
    let expected = "7f  GET //registry.example.com/v2/drycc/base/manifests/v1: rule was old, is drycc\n\
                    3 requests; 1 would be decided otherwise now\n";
    let directory = directory();
    let run = directory.run_with(&["explain", "p.yaml", "--log", "-"], lines.as_bytes());
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (1, expected, ""));
    fs::write(directory.path("access.log"), &lines).unwrap();
    assert_eq!(directory.run(&["explain", "p.yaml", "--log", "access.log"]), run);
}

#[test]
fn lines_that_are_no_access_log() {
    #[rustfmt::skip]
    let rows: [(&[&str], &str); 5] = [
        (&["p.yaml", "--log", "nowhere.log"], "neither a line of the access log nor a file"),
        (&["p.yaml", "--log", "{}"], "line 1: this is no line of the access log"),
        (&["p.yaml", "--log", "{"], "line 1: this is no line of the access log"),
        (&["-", "--log", "-"], "name a file for the policy"),
        (&["p.yaml", "GET", "/v2/", "--log", "-"], "cannot be used with"),
    ];
    for (arguments, message) in rows {
        let run = directory().run(&[&["explain"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains(message), "{arguments:?}: {}", run.stderr);
    }
}
