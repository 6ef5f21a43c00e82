//! Whole files: what is loaded and what is said about the rest.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

const POLICY: &str = "\
version: 1
fronts:
  main: {hosts: [registry.example.com]}
backends:
  ghcr:
    url: https://ghcr.io
regions:
  no: {countries: [NO], labels: [\"aws:*\"]}
  default:
rules:
  - name: all
    repositories: [\"**\"]
    chains: {default: [ghcr]}
";

/// A directory with a policy and other files, gone at the end of its test.
struct Directory(TempDir);

impl Directory {
    fn with(files: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        Self(directory)
    }

    fn with_directories(directories: &[&str], files: &[(&str, &str)]) -> Self {
        let all = Self::with(&[]);
        for name in directories {
            fs::create_dir_all(all.path(name)).unwrap();
        }
        for (name, text) in files {
            fs::write(all.path(name), text).unwrap();
        }
        all
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// What is said about a file, without the name of the directory.
    fn told(&self, name: &str) -> Vec<String> {
        let directory = format!("{}/", self.0.path().display());
        match load(&self.path(name)) {
            Ok(_) => vec![],
            Err(found) => {
                let lines = found.iter().map(ToString::to_string);
                lines.map(|line| line.replace(&directory, "")).collect()
            }
        }
    }
}

#[test]
fn networks_of_other_files_become_part_of_the_policy() {
    let policy = format!(
        "network_files: [aws.yaml, gcp.json]\nnetworks: {{office: [10.0.0.0/8]}}\n{POLICY}"
    );
    let directory = Directory::with(&[
        ("p.yaml", &policy),
        (
            "aws.yaml",
            "published: {aws: \"2026-07-29\"}\nnetworks:\n  aws:eu-west-1: [3.248.0.0/13]\n",
        ),
        ("gcp.json", "{\"networks\": {\"gcp:asia\": [\"34.80.0.0/15\"]}}"),
    ]);
    let loaded = load(&directory.path("p.yaml")).unwrap();
    let regions = loaded.config.regions();
    let rows = [
        ("10.1.1.1", Some("office")),
        ("3.248.0.1", Some("aws:eu-west-1")),
        ("34.80.0.1", Some("gcp:asia")),
        ("192.0.2.1", None),
    ];
    for (address, expected) in rows {
        let found = regions.networks().lookup(address.parse().unwrap());
        let label = found.and_then(|found| found.label).map(|label| regions.label(label));
        assert_eq!(label, expected, "{address}");
    }
    let days: Vec<String> = loaded.config.published().iter().map(ToString::to_string).collect();
    assert_eq!(days, ["aws: published 2026-07-29"], "a file may leave it out");
    let json = to_json(&loaded.document);
    assert!(!json.contains("network_files"), "{json}");
    assert!(Config::from_json(json.as_bytes()).is_ok(), "the filter reads the same policy");
}

#[test]
fn networks_without_any_of_the_policys_own() {
    let policy = format!("{POLICY}network_files: [aws.yaml]\n");
    let aws = "networks:\n  aws:eu-west-1: [3.248.0.0/13]\n";
    let directory = Directory::with(&[("p.yaml", &policy), ("aws.yaml", aws)]);
    assert_eq!(directory.told("p.yaml"), [""; 0]);
}

#[test]
fn network_files_that_are_wrong() {
    let shape = "a file of networks has the key `networks`, a mapping from labels to lists of prefixes, and may have `published`, a mapping from sources to days";
    let rows = [
        ("aws.yaml", "", "p.yaml:1:1: network_files: is not a list; write a list of files, each with the key `networks`".to_owned()),
        ("[1]", "", "p.yaml:1:17: network_files[0]: is not a string; write a path".to_owned()),
        ("[none.yaml]", "", "p.yaml:1:17: network_files[0]: none.yaml: cannot be read: No such file or directory (os error 2)".to_owned()),
        ("[n.yaml]", "networks: {}\nrules: []\n", format!("n.yaml:2:1: rules: {shape}")),
        ("[n.yaml]", "network_files: [n.yaml]\n", format!("n.yaml:1:1: network_files: {shape}")),
        ("[n.yaml]", "[]\n", format!("n.yaml:1:1: {shape}")),
        ("[n.yaml]", "{}\n", format!("n.yaml:1:1: {shape}")),
        ("[n.yaml]", "published: [x]\nnetworks: {}\n", format!("n.yaml:1:1: published: {shape}")),
        ("[n.yaml]", "published: {aws: July}\nnetworks: {\"aws:x\": []}\n", "n.yaml:1:13: networks_published.aws: `July` is not valid; write a day such as `\"2026-07-29\"`".to_owned()),
        ("[n.yaml]", "networks: []\n", format!("n.yaml:1:1: networks: {shape}")),
        ("[n.yaml]", "networks:\n  a: 1\n  a: 2\n", "n.yaml:3:3: the key `a` stands twice in its mapping; keep one of the two".to_owned()),
        ("[n.yaml]", "networks:\n  aws:x: [10.1.2.3/8]\n", "n.yaml:2:11: networks[\"aws:x\"][0]: `10.1.2.3/8` has bits behind its length of 8; write `10.0.0.0/8`, or `10.1.2.3` for this address alone".to_owned()),
        ("[n.yaml, n.yaml]", "networks:\n  aws:x: []\n", "n.yaml:2:3: networks[\"aws:x\"]: this label already stands at n.yaml:2:3; keep it in one place".to_owned()),
    ];
    for (files, text, expected) in rows {
        let policy = format!("network_files: {files}\n{POLICY}");
        let directory = Directory::with(&[("p.yaml", &policy), ("n.yaml", text)]);
        assert_eq!(directory.told("p.yaml"), [expected], "{files} {text}");
    }
}

#[test]
fn a_label_in_the_policy_and_in_a_file() {
    let policy = format!("network_files: [n.yaml]\nnetworks:\n  aws:x: []\n{POLICY}");
    let directory =
        Directory::with(&[("p.yaml", &policy), ("n.yaml", "networks: {\"aws:x\": []}\n")]);
    let expected = "n.yaml:1:12: networks[\"aws:x\"]: this label already stands at p.yaml:3:3; keep it in one place";
    assert_eq!(directory.told("p.yaml"), [expected]);
}

#[test]
fn every_mistake_of_the_core_has_its_line() {
    let policy = POLICY
        .replace("labels: [\"aws:*\"]", "labels: []")
        .replace("https://ghcr.io", "ghcr.io")
        .replace("[ghcr]", "[quay]");
    let directory = Directory::with(&[("p.yaml", &policy)]);
    let told = directory.told("p.yaml");
    let starts = [
        "p.yaml:6:5: backends.ghcr.url: `ghcr.io` has no scheme; write `https://ghcr.io`",
        "p.yaml:13:24: rules[0].chains.default[0]: there is no backend `quay`",
    ];
    assert_eq!(told.len(), starts.len(), "{told:#?}");
    for start in starts {
        assert!(told.iter().any(|line| line.starts_with(start)), "{start}\n{told:#?}");
    }
}

#[test]
fn a_file_that_is_not_there() {
    let found = load(&PathBuf::from("/nowhere/p.yaml")).unwrap_err();
    assert_eq!(found[0].severity, Severity::Unreadable);
    assert_eq!(
        found[0].to_string(),
        "/nowhere/p.yaml: cannot be read: No such file or directory (os error 2)"
    );
}

/// The policy of `POLICY` in parts, as teams may own them.
const FRONTS: &str = "version: 1\nfronts:\n  main: {hosts: [registry.example.com]}\n";
const REGISTRIES: &str = "backends:\n  ghcr: {url: https://ghcr.io}\nregions:\n  default:\n";
const TEAM: &str = "\
rules:
  - {name: team, repositories: [\"team/**\"], chains: {default: [quay]}}
backends:
  quay: {url: https://quay.io}
";
const REST: &str = "rules:\n  - {name: rest, repositories: [\"**\"], chains: {default: [ghcr]}}\n";

/// What the rules of a policy are called, in their order.
fn rules(policy: &LoadedPolicy) -> Vec<&str> {
    policy.config.rules().all().iter().map(portolan_core::config::Rule::name).collect()
}

#[test]
fn a_policy_of_several_files_is_one_policy() {
    let including = format!("include: [registries.yaml, teams]\n{FRONTS}");
    let directory = Directory::with_directories(
        &["teams/deeper", "all"],
        &[
            ("portolan.yaml", &including),
            ("registries.yaml", REGISTRIES),
            ("teams/a.yaml", TEAM),
            ("teams/b.yml", REST),
            ("teams/.a.yaml.swp", "no policy"),
            ("teams/README.md", "no policy"),
            ("teams/deeper/c.yaml", "no policy"),
            ("all/10-fronts.yaml", FRONTS),
            (
                "all/20-registries.json",
                r#"{"backends": {"ghcr": {"url": "https://ghcr.io"}}, "regions": {"default": {}}}"#,
            ),
            ("all/30-team.yaml", TEAM),
            ("all/40-rest.yaml", REST),
        ],
    );
    for policy in ["portolan.yaml", "all"] {
        let loaded = load(&directory.path(policy)).unwrap();
        assert_eq!(rules(&loaded), ["team", "rest"], "{policy}");
        let backends: Vec<&str> =
            loaded.config.backends().iter().map(portolan_core::config::Backend::name).collect();
        assert_eq!(backends, ["ghcr", "quay"], "{policy}");
    }
}

#[test]
fn a_name_in_two_files_is_refused_with_both_places() {
    let rows: &[(&str, &str, &str)] = &[
        (
            "backends: {ghcr: {url: https://ghcr.io}}",
            "part.yaml:1:12",
            "backends.ghcr: already stands at portolan.yaml:4:3; keep it in one place",
        ),
        ("version: 1", "", ""),
        (
            "version: 2",
            "part.yaml:1:1",
            "version: is not the version of portolan.yaml:1:1; all files of a policy have one",
        ),
        (
            "clients: {trusted_hops: 1}",
            "part.yaml:1:1",
            "clients: already stands at portolan.yaml:6:1; keep it in one file",
        ),
        ("- a", "part.yaml:1:1", "is no part of a policy; write fields of one, such as `rules:`"),
        (
            "bakends: {}",
            "part.yaml:1:1",
            "bakends: there is no such field; did you mean `backends`?",
        ),
        (
            "rules: [{name: x, repositories: [\"a/**\"], chains: {default: [quai]}}]",
            "part.yaml:1:62",
            "rules[1].chains.default[0]: there is no backend `quai`; the only backend is `ghcr`",
        ),
        (
            "include: portolan.yaml",
            "part.yaml:1:1",
            "include: is not a list; write a list of files and directories",
        ),
        (
            "include: [portolan.yaml]",
            "part.yaml:1:11",
            "include[0]: portolan.yaml is read already, from portolan.yaml; name each file once",
        ),
        (
            "include: [none.yaml]",
            "part.yaml:1:11",
            "include[0]: none.yaml: cannot be read: No such file or directory (os error 2)",
        ),
        (
            "include: [empty]",
            "part.yaml:1:11",
            "include[0]: the directory empty has no file whose name ends in `.yaml`, `.yml` or `.json`",
        ),
    ];
    let policy = format!(
        "version: 1\nfronts: {{main: {{hosts: [registry.example.com]}}}}\nbackends:\n  ghcr: {{url: https://ghcr.io}}\n\
         regions: {{default: }}\nclients: {{trusted_hops: 1}}\n{REST}include: [part.yaml]\n"
    );
    for (part, place, told) in rows {
        let directory = Directory::with_directories(
            &["empty"],
            &[("portolan.yaml", &policy), ("part.yaml", part)],
        );
        let found = directory.told("portolan.yaml");
        let expected: Vec<String> =
            if told.is_empty() { vec![] } else { vec![format!("{place}: {told}")] };
        assert_eq!(
            found.iter().map(|line| line.replace(": error: ", ": ")).collect::<Vec<_>>(),
            expected,
            "{part}"
        );
    }
}

#[test]
fn every_file_of_a_policy_is_watched() {
    let directory = Directory::with_directories(
        &["teams"],
        &[
            ("portolan.yaml", "include: [teams, registries.yaml]\nnetwork_files: [aws.yaml]"),
            ("teams/a.yaml", "network_files: [../gcp.yaml]\ninclude: [../portolan.yaml]"),
        ],
    );
    let root = format!("{}/", directory.0.path().display());
    let found = files_of(&directory.path("portolan.yaml"));
    let names: Vec<String> =
        found.iter().map(|path| path.display().to_string().replace(&root, "")).collect();
    let expected = ["portolan.yaml", "aws.yaml", "teams", "teams/a.yaml", "teams/../gcp.yaml"];
    assert_eq!(names[..5], expected, "{names:?}");
    assert!(names.contains(&"registries.yaml".to_owned()), "it may come");
}
