//! The layers of the filter: core, driver, binding. No two files of a crate need each other, neither directly nor
//! through others, and a binding knows no policy.
//!
//! A file in a circle cannot be read, tested or moved without the others. Held by reading the sources,
//! because nothing in the language holds it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic in a test is its result"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The crates, from the directory of this one.
const CRATES: [&str; 4] = ["../core/src", "../driver/src", BINDINGS[0], BINDINGS[1]];
/// What binds the driver to Envoy, each in its own way.
const BINDINGS: [&str; 2] = ["../proxy-wasm/src", "../dynamic-module/src"];
/// The most lines of each, without their tests. The first stands on an SDK, which knows the interface and has the contexts; the
/// second is its own, and what it says of the interface (`abi`, `build`) is not counted.
const LONGEST_BINDINGS: [usize; 2] = [700, 1100];
/// What a binding may name of the core: the names that are Envoy's too, and an answer.
const OF_THE_CORE: [&str; 2] = ["contract", "reply"];
/// The most lines of one source file, its tests included.
const LONGEST_FILE: usize = 400;

/// The path of a module, such as `lookups::token`; empty for the crate.
type Module = Vec<String>;
/// The modules that each one names.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn module_of(source: &Path, path: &Path) -> Module {
    let relative = path.strip_prefix(source).unwrap().with_extension("");
    let parts = relative.iter().map(|part| part.to_str().unwrap().to_owned());
    parts.filter(|part| !matches!(part.as_str(), "lib" | "mod")).collect()
}

/// The sources of a crate without their tests.
fn sources(source: &Path) -> BTreeMap<Module, String> {
    let is_test = |module: &Module| {
        module.iter().any(|part| matches!(part.as_str(), "tests" | "properties" | "twin"))
    };
    let files = rust_files(source).into_iter();
    let read = files.map(|path| (module_of(source, &path), fs::read_to_string(path).unwrap()));
    read.filter(|(module, _)| !is_test(module)).collect()
}

/// A source up to its first module of tests; one that stands in a file of its own does not end it.
fn without_tests(text: &str) -> &str {
    let opens_module = |start: &usize| {
        let mut lines = text[*start..].lines().skip_while(|line| line.starts_with("#["));
        lines.next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let mut places = text.match_indices("#[cfg(test)]").map(|(start, _)| start);
    places.find(opens_module).map_or(text, |start| &text[..start])
}

/// The paths that a source writes, as words: `crate::a::b`, `super::c`, and `d::E` after `use`.
fn paths(text: &str) -> Vec<Vec<&str>> {
    let code = without_tests(text);
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines
        .flat_map(|line| {
            let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':';
            line.split(is_end).filter(|word| word.contains("::"))
        })
        .map(|path| path.split("::").filter(|part| !part.is_empty()).collect())
        .collect()
}

/// The file that a path leads to, as far as it is of this crate.
fn resolve(from: &Module, path: &[&str], all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut place = from.clone();
    let mut rest = path;
    match rest.first()? {
        &"crate" => {
            place.clear();
            rest = &rest[1..];
        }
        &"super" => {
            while rest.first() == Some(&"super") {
                place.pop()?;
                rest = &rest[1..];
            }
        }
        child => {
            let mut module = from.clone();
            module.push((*child).to_owned());
            if !all.contains_key(&module) {
                return None;
            }
        }
    }
    for part in rest {
        let mut deeper = place.clone();
        deeper.push((*part).to_owned());
        if !all.contains_key(&deeper) {
            break;
        }
        place = deeper;
    }
    (place != *from).then_some(place)
}

fn graph(all: &BTreeMap<Module, String>) -> Graph {
    let named = |module: &Module, text: &str| {
        paths(text).iter().filter_map(|path| resolve(module, path, all)).collect()
    };
    all.iter().map(|(module, text)| (module.clone(), named(module, text))).collect()
}

/// The modules that can be reached from themselves.
fn circles(graph: &Graph) -> Vec<String> {
    let reaches_itself = |start: &Module| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Module> = graph[start].iter().collect();
        while let Some(module) = open.pop() {
            if module == start {
                return true;
            }
            if seen.insert(module) {
                open.extend(graph.get(module).into_iter().flatten());
            }
        }
        false
    };
    let found = graph.keys().filter(|module| reaches_itself(module));
    found.map(|module| module.join("::")).collect()
}

#[test]
fn no_file_needs_itself_through_others() {
    for source in CRATES {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(source);
        let all = sources(&source);
        assert!(all.len() > 4, "{} was not found", source.display());
        let found = circles(&graph(&all));
        assert!(found.is_empty(), "{}: in a circle: {}", source.display(), found.join(", "));
    }
}

#[test]
fn the_check_itself_can_fail() {
    let texts = [
        ("a", "use crate::b::c::Thing;"),
        ("b", "mod c;\nuse c::Thing;"),
        ("b::c", "use super::super::d;"),
        ("d", "fn f() { crate::a::g() }"),
        ("e", "// crate::e\nuse std::fmt;\nuse crate::a;"),
        ("f", "#[cfg(test)]\nmod tests;\nuse crate::g;"),
        ("g", "use crate::f;\n#[cfg(test)]\nmod tests {\n    use crate::h;\n}"),
        ("h", "use crate::g;"),
    ];
    let module = |path: &str| path.split("::").map(str::to_owned).collect();
    let all = texts.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect();
    assert_eq!(circles(&graph(&all)), ["a", "b::c", "d", "f", "g"]);
}

#[test]
fn files_stay_readable() {
    for source in CRATES {
        for path in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source)) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
        }
    }
}

/// The files of a binding that are shipped, by their names.
fn binding(source: &str) -> BTreeMap<Module, String> {
    let mut all = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
    // One times the core inside Envoy, one fails on purpose; they are built for that alone.
    all.retain(|module, _| !matches!(module.first().map(String::as_str), Some("bench" | "panics")));
    assert!(all.len() > 4, "the binding {source} was not found");
    all
}

/// The parts of the core that a source names.
fn parts_of_the_core(text: &str) -> Vec<&str> {
    let named = paths(text).into_iter().filter(|path| path.first() == Some(&"portolan_core"));
    named.map(|path| path.get(1).copied().unwrap_or_default()).collect()
}

#[test]
fn a_binding_knows_no_policy() {
    for (module, text) in BINDINGS.into_iter().flat_map(binding) {
        for part in parts_of_the_core(&text) {
            assert!(OF_THE_CORE.contains(&part), "{} names `{part}`", module.join("::"));
        }
    }
    assert_eq!(parts_of_the_core("use portolan_core::config::Config;"), ["config"]);
    assert_eq!(parts_of_the_core("use portolan_core::{Plan, plan};"), [""], "a list is refused");
}

#[test]
fn a_binding_stays_small() {
    for (source, longest) in BINDINGS.into_iter().zip(LONGEST_BINDINGS) {
        let mut files = binding(source);
        files.retain(|module, _| *module != ["abi"] && *module != ["build"]);
        let lines: usize = files.values().map(|text| text.lines().count()).sum();
        assert!(lines <= longest, "{source} has {lines} lines; what decides belongs elsewhere");
    }
}

/// The driver stands on the core alone.
#[test]
fn the_driver_has_no_host() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let names: Vec<&str> = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, ["portolan-core"]);
}
