//! What ARCHITECTURE.md says of modules, read from its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::paths::{named, written};
use crate::sources::{Module, Sources, sources};

/// A table of modules: the title of its section, and the crates whose modules it names, all of
/// them.
const CRATES: [(&str, &[&str]); 3] = [
    ("The rooms of the core", &["filter/core"]),
    ("The modules of the driver", &["filter/driver"]),
    ("The modules of the bindings", &["filter/proxy-wasm", "filter/dynamic-module"]),
];
/// The table of the command line, whose rows say in which crate the modules are.
const COMMAND_LINE: &str = "The modules of the command line";
/// The table of the renderer, whose rows are in the order in which they may need each other.
const RENDERER: &str = "The renderer";
/// Its sources.
const RENDER: &str = "cli/render/src";

/// Where files are that the page names without the beginning of their path.
const PLACES: [&str; 6] =
    ["", "filter", "filter/core", "filter/core/src", "filter/driver/src", "cli"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap()
}

/// What stands in backticks, but for blocks of code.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose.flat_map(|prose| prose.split('`').skip(1).step_by(2)).collect()
}

/// The rows of the table of a section, each as what stands in backticks in one of its columns.
pub(crate) fn cells(title: &str, column: usize) -> Vec<Vec<String>> {
    let page = page();
    let text = page.split(&format!("\n## {title}\n")).nth(1);
    let text = text.unwrap_or_else(|| panic!("ARCHITECTURE.md has no section `{title}`"));
    let text = text.split("\n## ").next().unwrap();
    let rows = text.lines().filter(|line| line.starts_with('|')).skip(2);
    rows.map(|row| row.split('|').nth(column).unwrap())
        .map(|cell| quoted(cell).into_iter().map(str::to_owned).collect())
        .collect()
}

/// The rows of the table of a section, each as the modules in one of its columns.
fn rows(title: &str, column: usize) -> Vec<Vec<Module>> {
    let module = |name: String| name.split("::").map(str::to_owned).collect();
    let rows = cells(title, column).into_iter();
    rows.map(|names| names.into_iter().map(module).collect()).collect()
}

/// The modules right below another one, or below the crate.
fn children(all: &Sources, parent: &[&str]) -> BTreeSet<String> {
    let below = all.keys().filter(|module| module.len() > parent.len());
    let below = below.filter(|module| module.iter().zip(parent).all(|(one, other)| one == other));
    below.map(|module| module[parent.len()].clone()).collect()
}

#[test]
fn every_module_is_named_and_every_named_one_exists() {
    for (title, crates) in CRATES {
        let found =
            crates.iter().flat_map(|name| children(&sources(&root().join(name).join("src")), &[]));
        let found: BTreeSet<String> = found.collect();
        let named = rows(title, 1).into_iter().flatten().map(|module| module.join("::"));
        let named: BTreeSet<String> = named.collect();
        assert_eq!(named, found, "ARCHITECTURE.md (left), \"{title}\", and the files (right)");
    }
}

#[test]
fn every_module_of_the_command_line_is_named_beside_its_crate() {
    let mut named: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (directory, modules) in cells(COMMAND_LINE, 1).iter().zip(cells(COMMAND_LINE, 2)) {
        let [directory] = directory.as_slice() else { panic!("one crate a row: {directory:?}") };
        named.entry(directory.clone()).or_default().extend(modules);
    }
    // The renderer's own table has its modules.
    let crates = cells("The crates of the command line", 1).into_iter().flatten();
    for directory in crates.filter(|directory| directory != "cli/render") {
        let found = children(&sources(&root().join(&directory).join("src")), &[]);
        let named = named.remove(&directory).unwrap_or_default();
        assert_eq!(named, found, "ARCHITECTURE.md (left), {directory}, and the files (right)");
    }
    assert!(named.is_empty(), "there are no such crates: {named:?}");
}

/// The row of a module of the renderer: that of the longest name in the table that begins its path.
fn row_of(module: &[String], rows: &[Vec<Module>]) -> Option<usize> {
    let numbered = rows.iter().enumerate();
    let names = numbered.flat_map(|(row, names)| names.iter().map(move |name| (name, row)));
    let fitting = names.filter(|(name, _)| module.starts_with(name));
    fitting.max_by_key(|(name, _)| name.len()).map(|(_, row)| row)
}

#[test]
fn the_renderer_goes_from_top_to_bottom() {
    let rows = rows(RENDERER, 2);
    let all = sources(&root().join(RENDER));
    for name in rows.iter().flatten() {
        assert!(all.contains_key(name), "ARCHITECTURE.md names `{}`", name.join("::"));
    }
    let mut wrong = Vec::new();
    let inside = all.iter().filter(|(module, _)| !module.is_empty());
    for (module, text) in inside {
        let row = row_of(module, &rows);
        let row = row.unwrap_or_else(|| panic!("ARCHITECTURE.md lacks `{}`", module.join("::")));
        let needed = named(module, text, &all).into_iter();
        let below = needed.filter(|needed| row_of(needed, &rows).is_none_or(|it| it > row));
        wrong.extend(below.map(|it| format!("{} needs {}", module.join("::"), it.join("::"))));
    }
    assert!(wrong.is_empty(), "from a lower row of ARCHITECTURE.md:\n{}", wrong.join("\n"));
}

/// Who sees the policy as a whole: the model, what hands it the policy, and what refuses a policy
/// that a target cannot express, with the paths of its fields.
const SEE_THE_POLICY: [&[&str]; 3] = [&["model"], &["rendering"], &["targets", "found"]];

fn begins(module: &[String], names: &[&str]) -> bool {
    module.len() >= names.len() && module.iter().zip(names).all(|(one, name)| one == name)
}

/// Whether a source names the type of a whole policy, or takes it from what was loaded.
fn sees_the_policy(text: &str) -> bool {
    let names_it = |path: &Vec<String>| path.iter().map(String::as_str).eq(POLICY);
    written(text).iter().any(names_it) || text.contains("policy.config")
}

/// The type of a whole policy.
const POLICY: [&str; 3] = ["portolan_core", "config", "Config"];

#[test]
fn only_the_model_sees_the_policy() {
    assert!(sees_the_policy("use portolan_core::config::{Backend, Config};"));
    assert!(sees_the_policy("fn f(of: &portolan_core::config::Config) {}"));
    assert!(sees_the_policy("fn f() { policy.config.fronts() }"));
    assert!(!sees_the_policy("use portolan_core::config::{Backend, BackendList};"));
    let all = sources(&root().join(RENDER));
    let inside = all.iter().filter(|(module, _)| !module.is_empty());
    let mut seeing = BTreeSet::new();
    for (module, _) in inside.filter(|(_, text)| sees_the_policy(text)) {
        let known = SEE_THE_POLICY.into_iter().find(|known| begins(module, known));
        let known = known.unwrap_or_else(|| panic!("{} sees the policy", module.join("::")));
        seeing.insert(known);
    }
    assert_eq!(seeing.len(), SEE_THE_POLICY.len(), "all that may see it do: {seeing:?}");
}

/// Who sees the options of the machine as a whole: what takes them from the command line, the
/// model, the header of a file, and targets, whose files lie where an option says. What makes
/// messages sees the model alone.
const SEE_THE_OPTIONS: [&[&str]; 5] =
    [&["arguments"], &["rendering"], &["model"], &["header"], &["targets"]];

/// Whether a source names the type of all options.
fn sees_the_options(text: &str) -> bool {
    written(text).iter().any(|path| path.ends_with(&["options".to_owned(), "Options".to_owned()]))
}

#[test]
fn messages_are_made_without_the_options() {
    assert!(sees_the_options("use super::options::{FilterFile, Options};"));
    assert!(sees_the_options("fn f(of: &crate::options::Options) {}"));
    assert!(!sees_the_options("use super::options::{FilterFile, FilterKind};"));
    let all = sources(&root().join(RENDER));
    let inside = all.iter().filter(|(module, _)| !module.is_empty());
    let mut seeing = BTreeSet::new();
    for (module, _) in inside.filter(|(_, text)| sees_the_options(text)) {
        let known = SEE_THE_OPTIONS.into_iter().find(|known| begins(module, known));
        let known = known.unwrap_or_else(|| panic!("{} sees the options", module.join("::")));
        seeing.insert(known);
    }
    assert_eq!(seeing.len(), SEE_THE_OPTIONS.len(), "all that may see them do: {seeing:?}");
}

#[test]
fn every_file_that_is_named_exists() {
    let page = page();
    let is_path = |word: &&str| word.contains('/') && !word.starts_with('/') && !word.contains(' ');
    // What is built is not there in every checkout.
    let is_file = |word: &&str| !word.starts_with("dist/");
    let all: Vec<&str> = quoted(&page).into_iter().filter(is_path).filter(is_file).collect();
    assert!(all.len() > 10, "the page names files: {all:?}");
    for file in all {
        let exists = PLACES.iter().any(|place| {
            let path = root().join(place).join(file);
            path.exists() || path.with_extension("rs").exists()
        });
        assert!(exists, "ARCHITECTURE.md names `{file}`");
    }
}
