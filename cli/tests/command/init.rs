//! `portolan init`: what it writes is a policy that `check --strict` accepts.

use crate::portolan::Directory;

#[test]
fn a_written_policy_is_accepted_as_it_is() {
    let rows: [&[&str]; 4] = [
        &["--registry", "a=http://127.0.0.1:5001"],
        &[
            "--registry",
            "a=http://127.0.0.1:5001",
            "--registry",
            "b=http://127.0.0.1:5002",
            "--owner",
            "b",
        ],
        &[
            "--registry",
            "ghcr=https://ghcr.io",
            "--registry",
            "quay=https://quay.io",
            "--near",
            "quay=CN, SG",
            "--repositories",
            "team/**",
        ],
        &[
            "--registry",
            "true=https://a.example",
            "--host",
            "r.example.com",
            "--host",
            "[::1]:5000",
        ],
    ];
    for arguments in rows {
        let directory = Directory::with(&[]);
        let made = directory.run(&[&["init", "--output", "p.yaml"], arguments].concat());
        assert_eq!(
            (made.status, made.stdout.as_str(), made.stderr.as_str()),
            (0, "", ""),
            "{arguments:?}"
        );
        let checked = directory.run(&["check", "--strict", "p.yaml"]);
        assert_eq!((checked.status, checked.stderr.as_str()), (0, ""), "{arguments:?}");
        let again = directory.run(&[&["init", "--output", "p.yaml"], arguments].concat());
        assert_eq!(again.status, 2, "it writes over nothing: {again:?}");
    }
}

#[test]
fn the_policy_for_two_registries() {
    let directory = Directory::with(&[]);
    let made = directory.run(&[
        "init",
        "--registry",
        "ghcr=https://ghcr.io",
        "--registry",
        "quay=https://quay.io",
        "--near",
        "quay=CN,SG",
    ]);
    let expected = "\
version: 1

fronts:
  main:
    hosts: [\"localhost:8080\", \"127.0.0.1:8080\"]
    default: true

backends:
  ghcr: {url: \"https://ghcr.io\"}
  quay: {url: \"https://quay.io\"}

regions:
  near-quay: {countries: [CN, SG]}
  default: {}

clients:
  geo: {database: \"/etc/portolan/geoip.mmdb\"}

rules:
  - name: all
    repositories: [\"**\"]
    chains:
      near-quay: [quay, ghcr]
      default: [ghcr, quay]
    # All of them have the same tags, so that pulls by tag fail over, too.
    replicas: [ghcr, quay]
";
    assert_eq!((made.status, made.stdout.as_str(), made.stderr.as_str()), (0, expected, ""));
}

#[test]
fn arguments_that_make_no_good_policy() {
    #[rustfmt::skip]
    let rows: [(&[&str], &str); 5] = [
        (&["--registry", "a=ghcr.io"], "backends.a.url: `ghcr.io` has no scheme"),
        (&["--registry", "a=http://a.example"], "warning: backends.a.url: requests to `a.example`"),
        (&["--registry", "a=https://a.example", "--owner", "b"], "rules[0].owner: there is no backend `b`"),
        (&["--registry", "a=https://a.example", "--near", "a=China"], "`China` is no code of ISO 3166-1; write `CN`"),
        (&["--registry", "a=https://a.example", "--near", "b=CN"], "there is no backend `b`"),
    ];
    for (arguments, expected) in rows {
        let run = Directory::with(&[]).run(&[&["init"], arguments].concat());
        assert_eq!((run.status, run.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(run.stderr.contains(expected), "{arguments:?}: {}", run.stderr);
    }
}
