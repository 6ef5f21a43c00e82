//! `portolan init --from`: what other programs are configured with, as a policy that
//! `check --strict` accepts.

use crate::portolan::Directory;

/// Writes the policy and checks it; the policy, and what was said besides.
fn made(directory: &Directory, arguments: &[&str]) -> (String, String) {
    let host = ["init", "--host", "mirror.example.com", "--output", "p.yaml"];
    let run = directory.run(&[&host, arguments].concat());
    assert_eq!((run.status, run.stdout.as_str()), (0, ""), "{arguments:?}: {}", run.stderr);
    let checked = directory.run(&["check", "--strict", "--quiet", "p.yaml"]);
    assert_eq!((checked.status, checked.stderr.as_str()), (0, ""), "{arguments:?}");
    (std::fs::read_to_string(directory.path("p.yaml")).unwrap(), run.stderr)
}

const K3S: &str = "\
mirrors:
  docker.io:
    endpoint: [\"https://mirror.internal.example:5000\"]
    rewrite: {\"^(.*)$\": \"hub/$1\"}
  quay.io:
    endpoint: [\"https://mirror.internal.example:5000\", \"https://quay.io\"]
configs:
  mirror.internal.example:5000: {auth: {username: robot, password: hunter2}, tls: {ca_file: /etc/ca.pem}}
";

#[test]
fn k3s() {
    let directory = Directory::with(&[("registries.yaml", K3S)]);
    let (policy, said) = made(&directory, &["--from", "registries.yaml"]);
    let expected = "\
version: 1

fronts:
  main:
    hosts: [mirror.example.com]
    default: true
    # Clients name these registries; docs/naming.md says how.
    upstreams:
      docker.io: {library: true}
      quay.io: {}
    default_upstream: docker.io

backends:
  mirror.internal.example-5000:
    url: \"https://mirror.internal.example:5000\"
    tls: {ca_file: \"/etc/ca.pem\"}
    names: [{front: \"docker.io/\", backend: \"hub/\"}]
  registry-1.docker.io:
    url: \"https://registry-1.docker.io\"
    auth: {token: {realm: \"https://auth.docker.io/token\", service: registry.docker.io}}
    names: [{front: \"docker.io/\", backend: \"\"}]
  mirror.internal.example-5000-quay.io:
    url: \"https://mirror.internal.example:5000\"
    tls: {ca_file: \"/etc/ca.pem\"}
    names: [{front: \"quay.io/\", backend: \"\"}]
  quay.io:
    url: \"https://quay.io\"
    auth: token
    names: [{front: \"quay.io/\", backend: \"\"}]

regions:
  default: {}

rules:
  - name: docker.io
    repositories: [\"docker.io/**\"]
    chains:
      default: [mirror.internal.example-5000, registry-1.docker.io]
    # All of them have the same tags, so that pulls by tag fail over, too.
    replicas: [mirror.internal.example-5000, registry-1.docker.io]
  - name: quay.io
    repositories: [\"quay.io/**\"]
    chains:
      default: [mirror.internal.example-5000-quay.io, quay.io]
    # All of them have the same tags, so that pulls by tag fail over, too.
    replicas: [mirror.internal.example-5000-quay.io, quay.io]
";
    assert_eq!(policy, expected);
    assert!(said.starts_with("note: mirror.internal.example:5000 has a password there"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
    let run = directory.run(&["explain", "p.yaml", "pull", "docker.io/library/nginx:1.27"]);
    assert!(run.stdout.contains("hub/library/nginx"), "{}", run.stdout);
}

#[test]
fn containerd() {
    let directory = Directory::with(&[]);
    for (registry, text) in [
        (
            "docker.io",
            "server = \"https://registry-1.docker.io\"\n[host.\"https://m.example/v2/hub\"]\noverride_path = true\n",
        ),
        (
            "ghcr.io",
            "[host.\"https://m.example\"]\ncapabilities = [\"pull\", \"resolve\"]\nskip_verify = true\n",
        ),
        ("_default", "[host.\"https://m.example\"]\n"),
    ] {
        let place = directory.path("certs.d").join(registry);
        std::fs::create_dir_all(&place).unwrap();
        std::fs::write(place.join("hosts.toml"), text).unwrap();
    }
    let (policy, said) = made(&directory, &["--from", "certs.d", "--near", "ghcr.io=US"]);
    assert!(policy.contains("near-ghcr.io: [ghcr.io, m.example-ghcr.io]"), "{policy}");
    assert!(policy.contains("names: [{front: \"docker.io/\", backend: \"hub/\"}]"), "{policy}");
    let notes: Vec<&str> = said.lines().collect();
    assert_eq!(notes.len(), 2, "{said}");

    std::fs::remove_file(directory.path("p.yaml")).unwrap();
    let (one, said) = made(&directory, &["--from", "certs.d/docker.io/hosts.toml"]);
    assert!(one.contains("registry-1.docker.io") && !one.contains("ghcr.io"), "{one}");
    assert_eq!(said, "");
}

#[test]
fn a_list() {
    let list = "# name url countries\nghcr https://ghcr.io\nquay https://quay.io CN,SG\n";
    let directory = Directory::with(&[("registries.txt", list)]);
    let (policy, said) = made(&directory, &["--from", "registries.txt", "--owner", "ghcr"]);
    assert!(policy.contains("near-quay: {countries: [CN, SG]}"), "{policy}");
    assert!(policy.contains("owner: ghcr"), "{policy}");
    assert_eq!(said, "");
}

#[test]
fn files_that_init_cannot_take_over() {
    let files = [
        ("bad.yaml", "mirrors: [\n"),
        ("none.yaml", "configs: {}\n"),
        ("bad.toml", "[host\n"),
        ("bad.txt", "ghcr\n"),
        ("k3s.yaml", K3S),
    ];
    let directory = Directory::with(&files);
    let rows: [(&[&str], &str); 7] = [
        (&[], "name registries with `--registry NAME=URL`"),
        (&["--from", "no-such-file"], "cannot read no-such-file"),
        (&["--from", "bad.yaml"], "bad.yaml:1:10"),
        (&["--from", "none.yaml"], "names no registry with a mirror"),
        (&["--from", "bad.toml"], "bad.toml"),
        (&["--from", "bad.txt"], "bad.txt:1: write a name, a URL"),
        (&["--from", "k3s.yaml", "--owner", "quay.io"], "mirrors take no pushes"),
    ];
    for (arguments, expected) in rows {
        let run = directory.run(&[&["init"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
}
