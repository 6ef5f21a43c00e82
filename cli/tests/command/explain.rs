//! `portolan explain`, from the outside.

use crate::portolan::{Directory, Run};
use serde_json::{Value, json};

const POLICY: &str = "\
version: 1
fronts:
  main: {hosts: [registry.example.com, \"127.0.0.1:5000\"]}
backends:
  ghcr:
    url: https://ghcr.io/base
    names: [{front: drycc/, backend: acme/}]
  quay:
    url: http://quay:5000
    cluster: outbound-quay
regions:
  cn: {countries: [CN]}
  us-west: {subdivisions: [US-CA]}
  eu: {continents: [EU]}
  office: {labels: [office]}
  default: {}
networks: {office: [10.0.0.0/8]}
clients:
  trusted_proxies: [192.0.2.0/24]
  geo: {headers: {country: cf-ipcountry, subdivision: cf-region}}
rules:
  - name: drycc
    repositories: [\"drycc/**\"]
    chains: {cn: [quay, ghcr], default: [ghcr]}
    owner: ghcr
  - name: library
    repositories: [\"library/*\"]
    chains: {default: [quay]}
";

/// How the policy learns where clients are: headers of trusted proxies.
const HEADERS: &str = "\
clients:
  trusted_proxies: [192.0.2.0/24]
  geo: {headers: {country: cf-ipcountry, subdivision: cf-region}}
";
const DATABASE: &str = "clients:\n  geo: {database: /etc/country.mmdb}\n";

/// The policy, and the same with a database and with no geography at all.
pub(crate) fn directory() -> Directory {
    assert!(POLICY.contains(HEADERS));
    let database = POLICY.replace(HEADERS, DATABASE);
    let nowhere = POLICY.replace(HEADERS, "");
    Directory::with(&[("p.yaml", POLICY), ("db.yaml", &database), ("none.yaml", &nowhere)])
}

/// The JSON answer, checked to be one line and the only thing said.
pub(crate) fn json_of(run: &Run) -> Value {
    assert_eq!(
        (run.status, run.stderr.as_str(), run.stdout.lines().count()),
        (0, "", 1),
        "{run:?}"
    );
    serde_json::from_str(&run.stdout).unwrap()
}

pub(crate) fn explain(policy: &str, arguments: &[&str]) -> Value {
    json_of(&directory().run(&[&["explain", policy, "--json"], arguments].concat()))
}

#[test]
fn a_forwarded_request_for_people() {
    let run = directory().run(&[
        "explain",
        "p.yaml",
        "GET",
        "https://registry.example.com/v2/drycc/base/manifests/v1?x=%2f",
        "--country",
        "CN",
        "--address",
        "10.0.0.1",
    ]);
    let expected = "\
front     main
region    office (network 10.0.0.0/8)
label     office
country   CN
class     manifest-by-tag
rule      drycc
chain     ghcr
backend   ghcr
cluster   ghcr
upstream  https://ghcr.io/base/v2/acme/base/manifests/v1?x=%2f
choice    nearest replica
reason    network 10.0.0.0/8; nearest replica
note      the client is taken to be behind the trusted proxy 192.0.2.0
";
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, expected, ""));
}

#[test]
fn a_refused_request_for_people() {
    let run = directory().run(&["explain", "p.yaml", "DELETE", "/v2/library/a/manifests/v1"]);
    let expected = "\
front   main
region  default (default)
class   manifest-by-tag
rule    library
status  405
code    UNSUPPORTED
header  content-type: application/json
header  docker-distribution-api-version: registry/2.0
header  cache-control: no-store
header  allow: GET, HEAD
body    {\"errors\":[{\"code\":\"UNSUPPORTED\",\"message\":\"the repositories of rule `library` are pull-only here; push to the registry that owns them\"}]}
reason  default; UNSUPPORTED
";
    assert_eq!((run.status, run.stdout.as_str(), run.stderr.as_str()), (0, expected, ""));
}

#[test]
fn a_forwarded_request_for_programs() {
    let found = explain("p.yaml", &["PUT", "/v2/drycc/a/manifests/v1"]);
    let expected = json!({
        "front": "main", "region": "default", "located_by": "default", "label": null,
        "country": null, "class": "manifest-by-tag", "rule": "drycc", "chain": ["ghcr"],
        "backend": "ghcr", "cluster": "ghcr@owner", "scheme": "https", "authority": "ghcr.io",
        "path": "/base/v2/acme/a/manifests/v1", "choice": "owner, for a write",
        "reason": "default; owner, for a write", "kind": "forward", "version": 1,
    });
    assert_eq!(found, expected);
}

#[test]
fn a_refused_request_for_programs() {
    let found = explain("p.yaml", &["GET", "//other.example/v2/drycc/a/manifests/v1"]);
    let body = r#"{"errors":[{"code":"NAME_UNKNOWN","message":"no registry is served under this host name"}]}"#;
    let expected = json!({
        "front": null, "region": "default", "located_by": "default", "label": null,
        "country": null, "class": "manifest-by-tag", "rule": null, "status": 404,
        "code": "NAME_UNKNOWN", "body": body, "reason": "default; NAME_UNKNOWN",
        "kind": "reply", "version": 1,
        "headers": {
            "content-type": "application/json",
            "docker-distribution-api-version": "registry/2.0",
            "cache-control": "no-store",
        },
    });
    assert_eq!(found, expected);
}

#[test]
fn the_path_is_not_touched() {
    #[rustfmt::skip] // one row a case
    let rows = [
        ("/v2/drycc/a/manifests/v1?b=%2F..", json!("/base/v2/acme/a/manifests/v1?b=%2F.."), Value::Null),
        ("/v2/drycc/../a/manifests/v1", Value::Null, json!("NAME_INVALID")),
        ("/v2/drycc/%61/manifests/v1", Value::Null, json!("NAME_INVALID")),
        ("https://registry.example.com//v2/", Value::Null, json!("NAME_INVALID")),
        ("/V2/", Value::Null, json!("UNSUPPORTED")),
    ];
    for (url, path, code) in rows {
        let found = explain("p.yaml", &["GET", url]);
        assert_eq!((&found["path"], &found["code"]), (&path, &code), "{url}: {found}");
    }
}

#[test]
fn hosts() {
    let rows: [(&[&str], Value, &str); 6] = [
        (&["/v2/"], json!("main"), "the first host of the first front"),
        (&["https://REGISTRY.example.com:443/v2/"], json!("main"), "another way to write it"),
        (&["//127.0.0.1:5000/v2/"], json!("main"), "its second host"),
        (&["//127.0.0.1/v2/"], Value::Null, "another port"),
        (&["//other/v2/", "--header", "Host: 127.0.0.1:5000"], json!("main"), "a header wins"),
        (&["/v2/", "--header", "host: other"], Value::Null, "a header wins"),
    ];
    for (arguments, front, reason) in rows {
        let found = explain("p.yaml", &[&["GET"], arguments].concat());
        assert_eq!(found["front"], front, "{arguments:?}: {reason}");
    }
}

#[test]
fn where_a_client_is_and_what_does_not_count() {
    #[rustfmt::skip] // one row a case
    let rows: [(&str, &[&str], &str, &[&str]); 20] = [
        ("p.yaml", &[], "default", &[]),
        ("p.yaml", &["--country", "CN"], "country CN", &["the client is taken to be behind the trusted proxy 192.0.2.0"]),
        ("p.yaml", &["--country", "CN", "--peer", "192.0.2.9"], "country CN", &[]),
        ("p.yaml", &["--country", "CN", "--peer", "192.0.3.1"], "default", &["the geo headers do not count: 192.0.3.1 is not in `clients.trusted_proxies`"]),
        ("p.yaml", &["--header", "CF-IPCountry: CN"], "default", &["the geo headers do not count: they are believed from `clients.trusted_proxies` only; write --peer for the proxy"]),
        ("p.yaml", &["--header", "cf-ipcountry: CN", "--peer", "192.0.2.9"], "country CN", &[]),
        ("p.yaml", &["--header", "cf-ipcountry: CN", "--header", "x-portolan-peer: 192.0.2.9"], "country CN", &[]),
        ("p.yaml", &["--header", "cf-ipcountry: DE", "--header", "cf-ipcountry: CN", "--peer", "192.0.2.9"], "continent EU", &[]),
        ("p.yaml", &["--header", "cf-ipcountry: XX", "--header", "cf-ipcountry: CN", "--peer", "192.0.2.9"], "country CN", &[]),
        ("p.yaml", &["--subdivision", "US-CA", "--peer", "192.0.2.9"], "subdivision US-CA", &[]),
        ("p.yaml", &["--continent", "EU"], "default", &["--continent does not count: the policy has no `clients.geo.headers.continent`"]),
        ("p.yaml", &["--header", "x-geo-country: CN"], "default", &["the header `x-geo-country` does not count"]),
        ("p.yaml", &["--address", "10.1.1.1"], "network 10.0.0.0/8", &[]),
        ("p.yaml", &["--address", "::ffff:10.1.1.1"], "network 10.0.0.0/8", &[]),
        ("db.yaml", &["--country", "CN"], "country CN", &[]),
        ("db.yaml", &["--country", "Norway"], "default", &["`Norway` is no ISO 3166-1 code of two letters, so the country is unknown"]),
        ("db.yaml", &["--header", "x-geo-country: CN"], "country CN", &[]),
        ("db.yaml", &["--continent", "EU"], "default", &["--continent does not count: Envoy's geoip filter tells none, it follows from the country"]),
        ("db.yaml", &["--address", "11.1.1.1"], "default", &["the country of 11.1.1.1 is not known, because the policy's database `/etc/country.mmdb` is not here; write it with --country"]),
        ("none.yaml", &["--country", "CN"], "default", &["--country does not count: the policy has no `clients.geo`"]),
    ];
    for (policy, arguments, located_by, notes) in rows {
        let found = explain(policy, &[&["GET", "/v2/"], arguments].concat());
        let said: Vec<&str> =
            found["notes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(
            (found["located_by"].as_str(), said.as_slice()),
            (Some(located_by), notes),
            "{policy} {arguments:?}"
        );
    }
}

#[test]
fn a_batch_is_one_answer_for_each_line() {
    let input = r#"{"method":"GET","target":"/v2/","address":"10.1.1.1:1234"}

{"method":"GET","target":"/v2/drycc/a/manifests/v1","authority":"127.0.0.1:5000","peer":"192.0.2.1:80","country":"CN"}
{"method":"GET","target":"/v2/","country":"CN","subdivision":"US-CA","continent":"EU"}
{"method":"GET","target":"/v2/\u00ff","latin1":true}
{"method":"GET","target":"/v2/\u00ff"}
"#;
    let run = directory().run_with(&["explain", "p.yaml", "--batch"], input.as_bytes());
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let answers: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        (json!("network 10.0.0.0/8; ping"), Value::Null),
        (json!("country CN; nearest replica"), json!("outbound-quay")),
        (json!("default; ping"), Value::Null),
        (json!("default; NAME_INVALID"), Value::Null),
        (json!("default; NAME_INVALID"), Value::Null),
    ];
    assert_eq!(answers.len(), expected.len());
    for (answer, (reason, cluster)) in answers.iter().zip(expected) {
        assert_eq!((&answer["reason"], &answer["cluster"]), (&reason, &cluster));
    }
}

#[test]
fn a_batch_and_a_single_request_agree() {
    let rows = [
        ("GET", "/v2/drycc/a/tags/list?n=1"),
        ("HEAD", "/v2/drycc/a/manifests/v1"),
        ("POST", "/v2/library/a/blobs/uploads/"),
        ("GET", "/v2/_catalog"),
    ];
    let directory = directory();
    for (method, target) in rows {
        let single = directory.run(&["explain", "p.yaml", method, target, "--json"]);
        let line = json!({"method": method, "target": target}).to_string();
        let batch = directory.run_with(&["explain", "p.yaml", "--batch"], line.as_bytes());
        assert_eq!(single, batch, "{method} {target}");
    }
}

#[test]
fn a_line_that_is_no_request_ends_the_batch() {
    let rows = [
        (
            r#"{"method":"GET"}"#,
            "<stdin>:2: this is not a request as one JSON object: missing field `target`",
        ),
        (
            r#"{"method":"GET","target":"/","path":""}"#,
            "<stdin>:2: this is not a request as one JSON object: unknown field `path`",
        ),
        (
            r#"{"method":"GET","target":"/\u0100","latin1":true}"#,
            "<stdin>:2: with `latin1` a character stands for a byte",
        ),
        ("GET /v2/", "<stdin>:2: this is not a request as one JSON object: expected value"),
    ];
    for (line, expected) in rows {
        let input = format!("{{\"method\":\"GET\",\"target\":\"/v2/\"}}\n{line}\n");
        let run = directory().run_with(&["explain", "p.yaml", "--batch"], input.as_bytes());
        assert_eq!((run.status, run.stdout.lines().count()), (2, 1), "{line}");
        assert!(run.stderr.starts_with(expected), "{}", run.stderr);
    }
}

#[test]
fn policies_and_urls_that_are_wrong() {
    let directory =
        Directory::with(&[("p.yaml", POLICY), ("bad.yaml", "version: 1\nfronts: []\n")]);
    let rows: [(&[&str], i32, &str); 4] = [
        (&["bad.yaml", "GET", "/v2/"], 1, "bad.yaml:2:1: fronts: is a list; write a mapping"),
        (&["none.yaml", "GET", "/v2/"], 2, "none.yaml: cannot be read: "),
        (
            &["p.yaml", "GET", "registry.example.com/v2/"],
            2,
            "error: `registry.example.com/v2/` is not a URL; write `https://host/path`, `//host/path` or `/path`",
        ),
        (&["bad.yaml", "--batch"], 1, "bad.yaml:2:1: fronts"),
    ];
    for (arguments, status, start) in rows {
        let run = directory.run(&[&["explain"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (status, ""), "{arguments:?}");
        assert!(run.stderr.starts_with(start), "{}", run.stderr);
    }
}

#[test]
fn backends_whose_redirects_are_followed() {
    let follow = "url: https://ghcr.io/base\n    redirect_handling: {cn: follow}\n    followed_redirects: {hosts: [cdn.example]}";
    let policy = POLICY.replace("url: https://ghcr.io/base", follow);
    let directory = Directory::with(&[("p.yaml", &policy)]);
    let digest = format!("sha256:{}", "0".repeat(64));
    let blob = format!("/v2/drycc/a/blobs/{digest}");
    let rows = [
        ("GET", blob.as_str(), "CN", json!(["ghcr"])),
        ("GET", &blob, "DE", Value::Null),
        ("GET", "/v2/drycc/a/tags/list", "CN", Value::Null),
        ("POST", "/v2/drycc/a/blobs/uploads/", "CN", Value::Null),
    ];
    for (method, path, country, expected) in rows {
        let arguments = ["explain", "p.yaml", method, path, "--country", country];
        let found = json_of(&directory.run(&[&arguments[..], &["--json"]].concat()));
        assert_eq!(found.get("followed").cloned().unwrap_or_default(), expected, "{method} {path}");
    }
    let arguments = ["explain", "p.yaml", "GET", &blob, "--country", "CN"];
    assert!(directory.run(&arguments).stdout.contains("\nfollowed  ghcr\n"));
}

/// Who is asked while backends are down.
#[test]
fn backends_that_are_down() {
    let directory = directory();
    let digest = format!("/v2/drycc/base/blobs/sha256:{}", "0".repeat(64));
    let ask = |method: &str, target: &str, down: &[&str]| {
        let mut arguments = vec!["explain", "p.yaml", method, target, "--json"];
        let clients = ["--country", "CN", "--peer", "192.0.2.1"];
        arguments.extend(clients);
        arguments.extend(down.iter().flat_map(|name| ["--down", name]));
        json_of(&directory.run(&arguments))
    };
    #[rustfmt::skip]
    let rows = [
        ("GET", digest.as_str(), vec![], "quay", false, "the first"),
        ("GET", &digest, vec!["ghcr"], "quay", false, "the first is up"),
        ("GET", &digest, vec!["quay"], "ghcr", false, "the next, by its own name of the repository"),
        ("GET", &digest, vec!["quay", "ghcr"], "quay", true, "nobody"),
        ("PUT", "/v2/drycc/base/manifests/v1", vec!["quay"], "ghcr", false, "the owner"),
        ("PUT", "/v2/drycc/base/manifests/v1", vec!["ghcr"], "ghcr", true, "a write has one home"),
    ];
    for (method, target, down, backend, none_up, reason) in rows {
        let answer = ask(method, target, &down);
        assert_eq!(answer["backend"], backend, "{reason}: {answer}");
        assert_eq!(answer["none_up"] == true, none_up, "{reason}: {answer}");
        let path = if backend == "ghcr" { "/base/v2/acme/base/" } else { "/v2/drycc/base/" };
        assert!(answer["path"].as_str().unwrap().starts_with(path), "{reason}: {answer}");
    }
    let run = directory.run(&["explain", "p.yaml", "GET", "/v2/", "--down", "dockerhub"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (2, "error: there is no backend `dockerhub` that could be down\n")
    );
}
