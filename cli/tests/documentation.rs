//! What is written about a policy's fields, against the tables that the reader takes them from.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a panic in a test is its result"
)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use portolan_core::config::fields::{POLICY, Table, Value};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every path of a field: `rules[].readers.networks`.
fn known() -> BTreeSet<String> {
    fn of_table(table: &'static Table, place: &str, found: &mut BTreeSet<String>) {
        for field in table.fields {
            let path = if place.is_empty() {
                field.name.to_owned()
            } else {
                format!("{place}.{}", field.name)
            };
            below(&field.value, &path, found);
            found.insert(path);
        }
    }
    fn below(value: &'static Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Fields(table) | Value::OneField(table) => of_table(table, path, found),
            Value::ByName(one) => below(one, &format!("{path}.NAME"), found),
            Value::ByText(one) => below(one, &format!("{path}.REGION"), found),
            Value::List(item) | Value::Items(item) => below(item, &format!("{path}[]"), found),
            Value::Any(values) => values.iter().for_each(|value| below(value, path, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    of_table(&POLICY, "", &mut found);
    found
}

/// The paths in the first columns of the tables of docs/policy.md, each below the place in its heading.
fn documented() -> BTreeSet<String> {
    let text = read("docs/policy.md");
    let mut place = String::new();
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            place = heading.split('`').nth(1).map_or_else(|| "-".to_owned(), str::to_owned);
        }
        let first = line.strip_prefix("| ").and_then(|row| row.split(" | ").next());
        let Some(first) = first.filter(|_| place != "-") else { continue };
        for name in first.split('`').skip(1).step_by(2) {
            found.insert(if place.is_empty() {
                name.to_owned()
            } else {
                format!("{place}.{name}")
            });
        }
    }
    found
}

#[test]
fn every_documented_field_exists() {
    let known = known();
    let unknown: Vec<String> =
        documented().into_iter().filter(|field| !known.contains(field)).collect();
    assert!(
        unknown.is_empty(),
        "docs/policy.md has fields that the reader does not know: {unknown:?}"
    );
}

#[test]
fn every_field_is_documented() {
    let documented = documented();
    // A row for a whole mapping speaks of its fields, too.
    let is_covered = |field: &String| {
        let mut end = field.len();
        loop {
            if documented.contains(&field[..end]) {
                return true;
            }
            match field[..end].rfind(['.', '[']) {
                Some(at) => end = at,
                None => return false,
            }
        }
    };
    let missing: Vec<String> = known().into_iter().filter(|field| !is_covered(field)).collect();
    assert!(missing.is_empty(), "docs/policy.md lacks {missing:?}");
}

#[test]
fn the_schema_that_is_published_is_current() {
    let printed = Command::new(env!("CARGO_BIN_EXE_portolan")).arg("schema").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed == read("docs/policy.schema.json"),
        "run `portolan schema >docs/policy.schema.json`"
    );
}

/// The policy that a person copies from the README.
fn policy_of_the_readme() -> String {
    let text = read("README.md");
    let block = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next());
    block.unwrap().to_owned()
}

/// A policy with all that the examples of docs/command-line.md name.
const EXAMPLE: &str = "\
version: 1
fronts: {main: {hosts: [registry.example.com], upstreams: {docker.io: {library: true}, own: {prefix: \"\"}}, default_upstream: own}}
backends: {ghcr: {url: \"https://ghcr.io\"}, quay: {url: \"https://quay.io\"}}
regions: {cn: {countries: [CN]}, default: {}}
clients: {geo: {database: /etc/portolan/geoip.mmdb}}
rules: [{name: all, repositories: [\"**\"], chains: {cn: [quay, ghcr], default: [ghcr, quay]}, replicas: [quay], owner: ghcr}]
";

/// The commands of a page, as they are typed. Those that write outside of the directory they run in are not run.
fn commands(page: &str) -> Vec<Vec<String>> {
    let text = read(page).replace("\\\n", " ");
    let lines = text.lines().filter_map(|line| line.strip_prefix("    portolan "));
    let runnable = lines.filter(|line| !line.contains('>') && !line.contains("/usr/"));
    // It serves until it is stopped, and has tests of its own.
    let runnable = runnable.filter(|line| !line.starts_with("serve"));
    let words = |line: &str| {
        let line = line.split(" #").next().unwrap_or(line);
        line.split_whitespace().map(|word| word.trim_matches('\'').to_owned()).collect()
    };
    runnable.map(words).collect()
}

#[test]
fn the_commands_of_readme_and_manual_run() {
    for (page, policy) in
        [("README.md", policy_of_the_readme()), ("docs/command-line.md", EXAMPLE.to_owned())]
    {
        let all = commands(page);
        assert!(all.len() > 3, "{page}: {all:?}");
        for arguments in all {
            let directory = tempfile::tempdir().unwrap();
            // What is written must not be there yet.
            if arguments[0] != "init" {
                std::fs::write(directory.path().join("portolan.yaml"), &policy).unwrap();
            }
            let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
            let done = command.current_dir(directory.path()).args(&arguments).output().unwrap();
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{page}: portolan {}: {said}", arguments.join(" "));
        }
    }
}

#[test]
fn the_policy_of_the_readme_is_good() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("portolan.yaml"), policy_of_the_readme()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    let done = command
        .current_dir(directory.path())
        .args(["check", "--strict", "portolan.yaml"])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
