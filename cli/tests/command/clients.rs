//! `portolan clients`, from the outside: which front, where the files go, what is said of the rest.

use std::fs;

use saphyr::{LoadableYamlNode, Yaml};

use crate::portolan::{Directory, Run};

const POLICY: &str = "\
version: 1
fronts:
  mirror:
    hosts: [mirror.example.com]
    upstreams:
      docker.io: {backend: \"https://hub.example\", library: true}
      quay.io: {backend: \"https://quay.example\", path: false}
    default_upstream: docker.io
regions: {default: {}}
";

fn run(policy: &str, line: &str) -> Run {
    let directory = Directory::with(&[("p.yaml", policy)]);
    run_in(&directory, line)
}

fn run_in(directory: &Directory, line: &str) -> Run {
    let words: Vec<&str> = ["clients", "p.yaml"].into_iter().chain(line.split(' ')).collect();
    directory.run(&words)
}

#[test]
fn one_file_is_printed_as_it_is() {
    let found = run(POLICY, "--for docker --scheme http");
    let expected = "\
{
  \"registry-mirrors\": [
    \"http://mirror.example.com\"
  ],
  \"insecure-registries\": [
    \"mirror.example.com\"
  ]
}
";
    assert_eq!((found.status, found.stdout.as_str()), (0, expected));
    let note = "note: `quay.io` is left out: Docker has mirrors of `docker.io` only\n";
    assert_eq!(found.stderr, note);
}

#[test]
fn a_tree_is_printed_with_paths_and_written_below_a_directory() {
    let directory = Directory::with(&[("p.yaml", POLICY)]);
    let found = run_in(&directory, "--for containerd");
    assert_eq!((found.status, found.stderr.as_str()), (0, ""));
    let heads = found.stdout.lines().filter(|line| line.ends_with("hosts.toml"));
    let paths =
        ["# docker.io/hosts.toml", "# quay.io/hosts.toml", "# mirror.example.com/hosts.toml"];
    assert_eq!(heads.collect::<Vec<_>>(), paths);
    let written = run_in(&directory, "--for containerd --output etc/certs.d");
    assert_eq!(written, Run { status: 0, stdout: String::new(), stderr: String::new() });
    for path in paths {
        let path = path.trim_start_matches("# ");
        let text = fs::read_to_string(directory.path(&format!("etc/certs.d/{path}"))).unwrap();
        assert!(found.stdout.contains(&format!("# {path}\n{text}")), "{path}");
    }
}

#[test]
fn cri_o_and_podman_read_the_same() {
    let podman = run(POLICY, "--for podman");
    assert_eq!(run(POLICY, "--for cri-o"), podman);
    assert!(podman.stdout.contains("location = \"mirror.example.com/docker.io\"\n"));
    assert!(podman.stderr.contains("`quay.io` is left out: "), "{}", podman.stderr);
}

#[test]
fn impossible_client_files_are_named() {
    let plain = "version: 1\nfronts: {f: {hosts: [h.example]}}\nbackends: {b: {url: \"https://b\"}}\n\
         regions: {default: {}}\nrules: [{name: r, repositories: [\"**\"], chains: {default: [b]}}]\n";
    let two = plain.replace("fronts: {", "fronts: {g: {hosts: [g.example]}, ");
    #[rustfmt::skip]
    let rows = [
        (plain, "--for podman", 1, "the front `f` has no `upstreams`"),
        (plain, "--for podman --front x", 2, "there is no front `x`; write --front and one of f"),
        (two.as_str(), "--for podman", 2, "write --front and one of g, f"),
        ("version: 2\n", "--for podman", 1, "p.yaml:1:"),
        (POLICY, "--for podman --output p.yaml/x", 2, "error: cannot write p.yaml"),
    ];
    for (policy, line, status, words) in rows {
        let found = run(policy, line);
        assert_eq!((found.status, found.stdout.as_str()), (status, ""), "{line}");
        assert!(found.stderr.contains(words), "{line}: {}", found.stderr);
    }
}

#[test]
fn k3s_reads_yaml() {
    let found = run(POLICY, "--for k3s --by-path");
    let documents = Yaml::load_from_str(&found.stdout).unwrap();
    let [document] = documents.as_slice() else { panic!("{}", found.stdout) };
    let hub = &document["mirrors"]["docker.io"];
    assert_eq!(hub["endpoint"][0].as_str(), Some("https://mirror.example.com"));
    assert_eq!(hub["rewrite"]["^(.*)$"].as_str(), Some("docker.io/$1"));
    let quay = &document["mirrors"]["quay.io"];
    assert!(quay.as_mapping().unwrap().len() == 1, "it has no path, and is named by `ns`");
}
