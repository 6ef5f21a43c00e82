//! The layers of the workspace: core, driver, binding, command line. No two files of a crate need
//! each other, neither directly nor through others, and a binding knows no policy.
//!
//! A file in a circle cannot be read, tested or moved without the others. Held by reading the
//! sources, because nothing in the language holds it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::arithmetic_side_effects,
    reason = "a panic in a test is its result"
)]

mod architecture;
mod circles;
mod crates;
mod paths;
mod sources;

use std::fs;
use std::path::Path;

use circles::circles;
use sources::{Sources, rust_files, sources, without_tests};

/// What binds the driver to Envoy, each in its own way.
const BINDINGS: [&str; 2] = ["../proxy-wasm/src", "../dynamic-module/src"];
/// The most lines of each, without their tests. The first stands on an SDK, which knows the
/// interface and has the contexts; the second is its own, and what it says of the interface (`abi`,
/// `build`) is not counted.
const LONGEST_BINDINGS: [usize; 2] = [700, 1270];
/// What a binding may name of the core: the names that are Envoy's too, an answer, and the check of
/// a body.
const OF_THE_CORE: [&str; 3] = ["content", "contract", "reply"];
/// The columns of a line.
const COLUMNS: usize = 100;
/// The most lines of one source file, its tests included.
const LONGEST_FILE: usize = 400;

#[test]
fn no_file_needs_itself_through_others() {
    for source in crates::all() {
        let all = sources(&source);
        assert!(all.len() > 4, "{} was not found", source.display());
        let found = circles(&all);
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
        ("e", "// crate::e\nuse std::fmt;\nuse crate::a; // crate::e"),
        ("f", "#[cfg(test)]\nmod tests;\nuse crate::g;"),
        ("g", "use crate::f;\n#[cfg(test)]\nmod tests {\n    use crate::h;\n}"),
        ("h", "use crate::g;"),
        // A parent that is only named to reach its other children is not needed itself.
        ("i", "mod j;\nmod k;\nuse j::Thing;"),
        ("i::j", "use super::{k, k::{Other as Another}};"),
        ("i::k", "use std::fmt;"),
        ("l", "mod m;\npub use m::Thing;"),
        ("l::m", "use super::{\n    Thing,\n};"),
        // A module under another name is needed by what the code does with it.
        ("n", "use crate::o as p;\nfn f() { p::q::g() }"),
        ("o", "mod q;"),
        ("o::q", "use crate::n;"),
        // Who may see an item is no need of it.
        ("r", "mod s;\nuse s::Thing;"),
        (
            "r::s",
            "pub(in crate::r) struct Thing { pub(in crate::r) one: u8, pub(in crate::r) two: u8 }",
        ),
    ];
    let module = |path: &str| path.split("::").map(str::to_owned).collect();
    let read = |text: &str| without_tests(text).to_owned();
    let all: Sources = texts.iter().map(|(path, text)| (module(path), read(text))).collect();
    let found = circles(&all);
    let expected = [
        "a (by b::c)",
        "b::c (by d)",
        "d (by a)",
        "f (by g)",
        "g (by f)",
        "l (by l::m)",
        "l::m (by l)",
        "n (by o::q)",
        "o::q (by n)",
    ];
    assert_eq!(found, expected);
}

#[test]
fn files_stay_readable() {
    for source in crates::all() {
        for path in rust_files(&source) {
            let lines = fs::read_to_string(&path).unwrap().lines().count();
            assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
        }
    }
}

/// Comments are read beside the code: both have 100 columns. The code has them by rustfmt.
#[test]
fn comments_have_a_hundred_columns() {
    let long = |line: &&str| line.trim_start().starts_with("//") && line.chars().count() > COLUMNS;
    for path in crates::all().iter().flat_map(|source| rust_files(source)) {
        let text = fs::read_to_string(&path).unwrap();
        let found: Vec<&str> = text.lines().filter(long).collect();
        assert!(found.is_empty(), "{}: longer than {COLUMNS}: {found:#?}", path.display());
    }
}

/// The files of a binding that are shipped, by their names.
fn binding(source: &str) -> Sources {
    let mut all = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(source));
    // One times the core inside Envoy, one fails on purpose; they are built for that alone.
    all.retain(|module, _| !matches!(module.first().map(String::as_str), Some("bench" | "panics")));
    assert!(all.len() > 4, "the binding {source} was not found");
    all
}

/// The parts of the core that a source names.
fn parts_of_the_core(text: &str) -> Vec<String> {
    let of_the_core = |path: &Vec<String>| path.first().is_some_and(|it| it == "portolan_core");
    let named = paths::written(text).into_iter().filter(of_the_core);
    named.map(|path| path.get(1).cloned().unwrap_or_default()).collect()
}

#[test]
fn a_binding_knows_no_policy() {
    for (module, text) in BINDINGS.into_iter().flat_map(binding) {
        for part in parts_of_the_core(&text) {
            assert!(OF_THE_CORE.contains(&part.as_str()), "{} names `{part}`", module.join("::"));
        }
    }
    assert_eq!(parts_of_the_core("use portolan_core::config::Config;"), ["config"]);
    assert_eq!(parts_of_the_core("use portolan_core::{Plan, plan};"), ["Plan", "plan"]);
    assert_eq!(parts_of_the_core("fn f() { portolan_core::health::g() }"), ["health"]);
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
    assert_eq!(crates::dependencies("filter/driver"), ["portolan-core"]);
}
