//! `portolan explain` about requests that are sent elsewhere.

use crate::portolan::Directory;
use serde_json::{Value, json};

const POLICY: &str = "\
version: 1
fronts:
  main: {hosts: [registry.example.com], landing: {/: \"https://example.com/about\"}}
backends:
  ar: {url: \"https://ar.example\", names: [{front: \"\", backend: project/}]}
blob_stores:
  east: {url: \"https://east.example/images/{digest}\"}
regions:
  cn: {networks: [192.0.2.0/24]}
  default: {}
rules:
  - name: all
    repositories: [\"**\"]
    chains: {default: [ar]}
    client_redirects:
      classes: {cn: [blobs], default: [manifests, blobs]}
      stores: {cn: none, default: east}
";

const DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

fn explain(arguments: &[&str]) -> String {
    let directory = Directory::with(&[("p.yaml", POLICY)]);
    let run = directory.run(&[&["explain", "p.yaml"], arguments].concat());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    run.stdout.replace(DIGEST, "DIGEST")
}

#[test]
fn a_redirected_request_for_people() {
    let expected = "\
front    main
region   default (default)
class    manifest-by-tag
rule     all
sent to  ar
status   307
code     redirect
header   location: https://ar.example/v2/project/a/manifests/v1?x=%2f
reason   default; nearest replica, redirected
";
    assert_eq!(explain(&["GET", "/v2/a/manifests/v1?x=%2f"]), expected);
}

#[test]
fn a_blob_that_a_store_may_have_for_people() {
    let expected = "\
front       main
region      default (default)
class       blob
rule        all
blob store  east
probe       HEAD https://east.example/images/DIGEST
if there    307 location: https://east.example/images/DIGEST; default; blob store, redirected
otherwise   307 location: https://ar.example/v2/project/a/blobs/DIGEST; default; nearest, redirected
reason      default; asked
";
    assert_eq!(explain(&["GET", &format!("/v2/a/blobs/{DIGEST}")]), expected);
}

#[test]
fn a_blob_that_a_store_may_have_for_programs() {
    let printed = explain(&["GET", &format!("/v2/a/blobs/{DIGEST}"), "--json"]);
    let found: Value = serde_json::from_str(&printed).unwrap();
    let of = |pointer: &str| found.pointer(pointer).cloned().unwrap_or_default();
    #[rustfmt::skip]
    let rows = [
        ("/blob_store", json!("east")),
        ("/probe", json!("https://east.example/images/DIGEST")),
        ("/present/sent_to", json!("east")),
        ("/present/status", json!(307)),
        ("/present/headers/location", json!("https://east.example/images/DIGEST")),
        ("/present/reason", json!("default; blob store, redirected")),
        ("/otherwise/sent_to", json!("ar")),
        ("/otherwise/headers/location", json!("https://ar.example/v2/project/a/blobs/DIGEST")),
    ];
    for (pointer, expected) in rows {
        assert_eq!(of(pointer), expected, "{pointer}: {found:#}");
    }
}

#[test]
fn redirects_that_depend_on_no_store() {
    let blob = format!("/v2/a/blobs/{DIGEST}");
    #[rustfmt::skip]
    let rows = [
        (vec!["GET", "/"], "location: https://example.com/about"),
        (vec!["GET", &blob, "--address", "192.0.2.1"], "location: https://ar.example/v2/project/a/blobs/DIGEST"),
        (vec!["GET", "/v2/a/manifests/v1", "--address", "192.0.2.1"], "upstream  https://ar.example/v2/project/a/manifests/v1"),
    ];
    for (arguments, expected) in rows {
        let printed = explain(&arguments);
        assert!(printed.contains(expected), "{arguments:?}\n{printed}");
    }
}
