//! `portolan serve`, from the outside, with a program that stands in for Envoy and says how it was
//! called.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::portolan::{Directory, Run};

const POLICY: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com]}}
backends: {a: {url: \"https://a.example\", tls: {ca_file: CA}}}
regions: {default: {}}
rules: [{name: r, repositories: [x], chains: {default: [a]}}]
";

/// A directory with a policy that is good, the file that it names, and the stand-in.
fn directory(policy: &str) -> Directory {
    let directory = Directory::with(&[
        ("ca.pem", "x"),
        ("envoy", "#!/bin/sh\necho \"envoy $@\"\nexit 7\n"),
        ("filter.wasm", ""),
    ]);
    let ca = directory.path("ca.pem").to_str().unwrap().to_owned();
    fs::write(directory.path("p.yaml"), policy.replace("CA", &ca)).unwrap();
    fs::set_permissions(directory.path("envoy"), fs::Permissions::from_mode(0o755)).unwrap();
    directory
}

fn serve(directory: &Directory, more: &[&str]) -> Run {
    let usual = ["serve", "p.yaml", "--directory", "run/here", "--wasm", "/filter.wasm"];
    directory.run(&[&usual[..], more].concat())
}

#[test]
fn a_good_policy_is_checked_rendered_and_served_by_envoy() {
    let directory = directory(POLICY);
    let found = serve(&directory, &["--envoy-program", "./envoy", "--", "--concurrency", "2"]);
    let said = "p.yaml: ok (1 rule, 1 backend, 1 region, 1 front)\n\
        envoy -c run/here/envoy.yaml --disable-hot-restart --file-flush-interval-msec 500 --concurrency 2\n";
    let status_of_envoy = 7;
    let expected = Run { status: status_of_envoy, stdout: said.to_owned(), stderr: String::new() };
    assert_eq!(found, expected);
    let read = |file: &str| fs::read_to_string(directory.path("run/here").join(file)).unwrap();
    let here = directory.path("run/here");
    let here = here.canonicalize().unwrap();
    assert!(read("envoy.yaml").contains(&format!("path: {}/clusters.json", here.display())));
    assert!(read("filters/envoy.filters.http.wasm.json").contains(r#""filename": "/filter.wasm""#));
    let clusters = read("clusters.json");
    assert!(clusters.contains(&format!("{}/sds/ca-a", here.display())), "{clusters}");
}

/// Envoy may end as it likes: who restarts it wants to know how it ended.
#[test]
fn the_end_of_envoy_is_the_end_of_serve() {
    let directory = directory(POLICY);
    fs::write(directory.path("envoy"), "#!/bin/sh\nkill -KILL $$\n").unwrap();
    assert_eq!(serve(&directory, &["--envoy-program", "./envoy"]).status, 128 + 9);
}

#[test]
fn a_bad_policy_fails_with_the_words_of_check_and_starts_nothing() {
    let rows = [
        ("chains: {default: [a]}", "chains: {default: [b]}"),
        ("version: 1", "version: 2"),
        ("{ca_file: CA}", "{ca_file: /no/such/file}"),
        ("version: 1", "version: ["),
    ];
    for (from, to) in rows {
        let directory = directory(&POLICY.replace(from, to));
        let found = serve(&directory, &["--envoy-program", "./envoy"]);
        let check = directory.run(&["check", "--files", "p.yaml"]);
        assert_eq!(found, check, "{to}");
        assert_eq!((found.status, found.stdout.as_str()), (1, ""), "{to}");
        assert!(!directory.path("run").exists(), "{to}");
    }
}

#[test]
fn arguments_that_serve_refuses() {
    let directory = directory(POLICY);
    let none = serve(&directory, &["--envoy-program", "./no-envoy"]);
    assert_eq!(none.status, 2);
    assert!(none.stderr.starts_with("error: cannot run ./no-envoy: "), "{}", none.stderr);
    assert!(none.stderr.contains("--envoy-program"), "{}", none.stderr);

    fs::write(directory.path("file"), "in the way").unwrap();
    let usual = ["serve", "p.yaml", "--directory", "file/run", "--envoy-program", "./envoy"];
    let unwritable = directory.run(&usual);
    assert_eq!(unwritable.status, 2);
    assert!(
        unwritable.stderr.starts_with("error: cannot write file/run: "),
        "{}",
        unwritable.stderr
    );
}
