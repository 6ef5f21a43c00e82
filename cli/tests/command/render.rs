//! `portolan render`, from the outside: the files beside the configuration, and what it says of
//! them.

use std::fs;

use crate::portolan::{Directory, Run};

const POLICY: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com]}}
backends:
  ecr:
    url: https://ecr.example
    auth: basic
    credential: aws
    tls: {ca_file: /etc/portolan/ca.pem}
credentials: {aws: {file: /etc/portolan/credentials/aws}}
regions: {default: {}}
rules:
  - {name: all, repositories: [\"acme/**\"], readers: anyone, chains: {default: [ecr]}}
";

const RENDER: [&str; 4] = ["render", "p.yaml", "--output", "envoy.yaml"];

fn render(directory: &Directory, more: &[&str]) -> Run {
    directory.run(&[&RENDER[..], more].concat())
}

#[test]
fn the_files_of_the_secrets_are_written_where_they_are_asked_for() {
    let directory = Directory::with(&[("p.yaml", POLICY)]);
    let found = render(&directory, &["--sds-output", "new/sds", "--sds-directory", "/run/sds"]);
    assert_eq!(found, Run { status: 0, stdout: String::new(), stderr: String::new() });
    let files = fs::read_dir(directory.path("new/sds")).unwrap();
    let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["ca-ecr.yaml", "credential-aws.yaml"]);
    let envoy = fs::read_to_string(directory.path("envoy.yaml")).unwrap();
    for name in ["ca-ecr.yaml", "credential-aws.yaml"] {
        assert!(envoy.contains(&format!("path: /run/sds/{name}")), "{name}");
    }
}

#[test]
fn files_that_are_not_written_are_named() {
    let directory = Directory::with(&[("p.yaml", POLICY)]);
    let found = render(&directory, &[]);
    let note = "note: Envoy starts only with these files in /etc/portolan/sds: credential-aws.yaml, \
         ca-ecr.yaml; `--sds-output DIRECTORY` writes them\n";
    assert_eq!((found.status, found.stderr.as_str()), (0, note));
    let silent = POLICY.replace(
        "auth: basic\n    credential: aws\n    tls: {ca_file: /etc/portolan/ca.pem}",
        "drained: false",
    );
    let directory = Directory::with(&[("p.yaml", &silent.replace("readers: anyone, ", ""))]);
    let found = render(&directory, &["--sds-output", "sds"]);
    assert_eq!((found.status, found.stderr.as_str()), (0, ""));
    assert!(!directory.path("sds").exists(), "there is nothing to write");
}

#[test]
fn files_that_cannot_be_written_stop_it() {
    let directory = Directory::with(&[("p.yaml", POLICY), ("sds", "a file")]);
    let found = render(&directory, &["--sds-output", "sds"]);
    assert_eq!(found.status, 2);
    assert!(found.stderr.starts_with("error: cannot write sds: "), "{}", found.stderr);
    assert!(!directory.path("envoy.yaml").exists(), "an Envoy with it would not start");
}

#[test]
fn listeners_beside_the_one_of_tls_need_it() {
    let with_tls = POLICY.replace(
        "{hosts: [registry.example.com]}",
        "{hosts: [registry.example.com], tls: {certificate_file: /tls/a.pem, key_file: /tls/a.key}}",
    );
    let behind = with_tls.replace("regions:", "clients: {proxy_protocol: [10.0.0.0/8]}\nregions:");
    #[rustfmt::skip]
    let rows = [
        (POLICY, "--http-redirect=:80", "--http-redirect leads clients to https, and no front of the policy has `tls`"),
        (POLICY, "--http3", "--http3: no front of the policy has `tls`"),
        (&behind, "--http3", "--http3: `clients.proxy_protocol` is for TCP"),
        (&behind, "--http-redirect=:80", ""),
        (&with_tls, "--http3=443", ""),
        (&with_tls, "--http3", ""),
    ];
    for (policy, option, refusal) in rows {
        let directory = Directory::with(&[("p.yaml", policy)]);
        let found = render(&directory, &["--sds-output", "sds", option]);
        assert_eq!(found.status == 0, refusal.is_empty(), "{option}: {}", found.stderr);
        assert!(found.stderr.contains(refusal), "{option}: {}", found.stderr);
    }
}

#[test]
fn clients_are_told_the_port_at_which_they_reach_http3() {
    let with_tls = POLICY.replace(
        "{hosts: [registry.example.com]}",
        "{hosts: [registry.example.com], tls: {certificate_file: /tls/a.pem, key_file: /tls/a.key}}",
    );
    for (options, expected) in [
        (&["--listen", ":8443", "--http3"][..], "h3=\":8443\"; ma=86400"),
        (&["--listen", ":8443", "--http3=443"], "h3=\":443\"; ma=86400"),
        (&["--listen", ":8443"], ""),
    ] {
        let directory = Directory::with(&[("p.yaml", &with_tls)]);
        render(&directory, &[&["--sds-output", "sds"], options].concat());
        let envoy = fs::read_to_string(directory.path("envoy.yaml")).unwrap();
        let found = envoy.lines().find(|line| line.contains("h3=")).unwrap_or_default();
        let found = found.replace("\\\"", "\"");
        assert!(found.contains(expected) && found.is_empty() == expected.is_empty(), "{found}");
    }
}
