//! The crates of the command line: which may need which, and which build no TLS.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::architecture::{cells, root};

/// The section of ARCHITECTURE.md with a row for each crate: its directory, and the crates that it
/// needs.
const TITLE: &str = "The crates of the command line";
/// What opens connections, and what encrypts them.
const OF_THE_NETWORK: [&str; 4] = ["ureq", "rustls", "rustls-native-certs", "ring"];
/// The crates that need none of it: who checks and renders policies does not build a client.
const OFFLINE: [&str; 5] = [
    "portolan-command",
    "portolan-geography",
    "portolan-check",
    "portolan-explain",
    "portolan-render",
];

/// The sources of every crate of the workspace.
pub(crate) fn all() -> Vec<PathBuf> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("\nmembers = [").nth(1).unwrap().split(']').next().unwrap();
    let members: Vec<&str> = members.split('"').skip(1).step_by(2).collect();
    assert!(members.contains(&"filter/driver"), "the members were not found: {members:?}");
    members.into_iter().map(|member| root().join(member).join("src")).collect()
}

/// The dependencies of a crate, by its manifest and in its order, without those of its tests.
pub(crate) fn dependencies(directory: &str) -> Vec<String> {
    let manifest = fs::read_to_string(root().join(directory).join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let names = section.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    names.filter(|name| !name.is_empty() && !name.starts_with('#')).map(str::to_owned).collect()
}

#[test]
fn crates_of_the_command_line_need_what_their_row_says() {
    let mut named = BTreeSet::new();
    for (directory, needs) in cells(TITLE, 1).iter().zip(cells(TITLE, 2)) {
        let [directory] = directory.as_slice() else { panic!("one crate a row: {directory:?}") };
        let own = dependencies(directory).into_iter();
        let own = own.filter_map(|name| name.strip_prefix("portolan-").map(str::to_owned));
        let own: BTreeSet<String> = own.collect();
        assert_eq!(needs.into_iter().collect::<BTreeSet<_>>(), own, "{directory}: needs");
        named.insert(directory.clone());
    }
    assert_eq!(named, below(&root().join("cli")), "ARCHITECTURE.md, \"{TITLE}\", and the crates");
}

/// The crates in `cli` and right below.
fn below(cli: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(cli).unwrap().map(|entry| entry.unwrap().path());
    let crates = entries.filter(|path| path.join("Cargo.toml").exists());
    let names = crates.map(|path| format!("cli/{}", path.file_name().unwrap().to_str().unwrap()));
    names.chain(std::iter::once("cli".to_owned())).collect()
}

/// What each package needs, its tests included, from the text of `Cargo.lock`. Versions of one
/// package are one.
fn locked(text: &str) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut all: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let name = package.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
        let needs = package.split("dependencies = [").nth(1).unwrap_or_default();
        let needs = needs.lines().map(|line| line.trim().trim_end_matches(','));
        let needs = needs.filter(|line| line.starts_with('"'));
        let needs = needs.filter_map(|line| line.trim_matches('"').split(' ').next());
        all.entry(name.trim_matches('"')).or_default().extend(needs);
    }
    all
}

/// All that a package needs, directly or through others.
fn needs_of<'t>(name: &'t str, all: &BTreeMap<&'t str, BTreeSet<&'t str>>) -> BTreeSet<&'t str> {
    let (mut found, mut open) = (BTreeSet::new(), vec![name]);
    while let Some(one) = open.pop() {
        if found.insert(one) {
            open.extend(all.get(one).into_iter().flatten());
        }
    }
    found
}

#[test]
fn check_and_render_build_no_http_client() {
    let text = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let all = locked(&text);
    let network = |name| {
        let needs = needs_of(name, &all);
        OF_THE_NETWORK.into_iter().filter(|one| needs.contains(one)).collect::<Vec<_>>()
    };
    for name in OFFLINE {
        assert!(all.contains_key(name), "there is no crate `{name}`");
        assert_eq!(network(name), [""; 0], "{name} needs");
    }
    assert_eq!(network("portolan-registry-client"), OF_THE_NETWORK, "the check itself can fail");
}
