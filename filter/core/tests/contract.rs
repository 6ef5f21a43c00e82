//! No name of the contract is written anywhere but in the contract.
//!
//! What the filter and Envoy's configuration must agree on stands in `src/contract`. A literal
//! elsewhere would compile when one side changes, and break only in Envoy.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic in a test is its result"
)]

use std::fs;
use std::path::{Path, PathBuf};

use portolan_core::contract::{BACKEND_ATTRIBUTE, StateKey, clusters, headers};

/// The crates that may know the contract, from the directory of this one.
const CRATES: [&str; 5] =
    ["../core/src", "../driver/src", "../proxy-wasm/src", "../dynamic-module/src", "../../cli"];

/// What no string of shipping code may hold.
fn names() -> Vec<String> {
    let suffixes = [
        clusters::token_service(""),
        clusters::verifier(""),
        clusters::blob_store(""),
        clusters::owner(""),
        clusters::redirect_targets(""),
        clusters::later_attempts(&[]),
        "@hedge".to_owned(),
        clusters::ADMIN.to_owned(),
        clusters::SCRAPES.to_owned(),
    ];
    let keys =
        StateKey::ALL.into_iter().flat_map(|key| [key.name().to_owned(), key.object().to_owned()]);
    let attribute = BACKEND_ATTRIBUTE.split('\0').nth(1).unwrap().to_owned();
    let others = [headers::PREFIX.to_owned(), "wasm.portolan".to_owned(), attribute];
    suffixes.into_iter().chain(keys).chain(others).collect()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                vec![path]
            } else {
                Vec::new()
            }
        })
        .collect()
}

/// Whether a file is tests alone.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// The strings in the shipping part of a source, in the order in which they stand.
fn strings(text: &str) -> Vec<&str> {
    let shipping = text.split("#[cfg(test)]").next().unwrap();
    let code = shipping.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
}

fn offences(path: &Path, text: &str, names: &[String]) -> Vec<String> {
    let holds = |string: &str, name: &str| {
        let ends = |rest: &str| !rest.starts_with(|c: char| c == '_' || c.is_ascii_alphanumeric());
        string.match_indices(name).any(|(at, _)| {
            name.ends_with('-') || string.get(at.saturating_add(name.len())..).is_some_and(ends)
        })
    };
    let found = strings(text).into_iter().flat_map(|string| {
        let held = names.iter().filter(move |name| holds(string, name));
        held.map(move |name| format!("{}: `{string}` holds `{name}`", path.display()))
    });
    found.collect()
}

#[test]
fn names_of_the_contract_stand_in_the_contract() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = names();
    let files: Vec<PathBuf> = CRATES.iter().flat_map(|each| rust_files(&root.join(each))).collect();
    assert!(files.len() > 200, "the sources were not found");
    let of_others = files.iter().filter(|path| {
        !is_test(path) && !path.components().any(|part| part.as_os_str() == "contract")
    });
    let found: Vec<String> = of_others
        .flat_map(|path| offences(path, &fs::read_to_string(path).unwrap(), &names))
        .collect();
    assert!(found.is_empty(), "take these from `contract`:\n{}", found.join("\n"));
}

#[test]
fn the_check_itself_can_fail() {
    let names = names();
    let found = |text: &str| offences(Path::new("x.rs"), text, &names).len();
    for text in [
        r#"set("x-portolan-cluster", value)"#,
        r#"const KEY: &str = "portolan_region";"#,
        r#"json!({"key": "%FILTER_STATE(wasm.portolan_region:PLAIN)%"})"#,
        r#"format!("{backend}@token")"#,
        r#"property("xds\0upstream_host_metadata\0filter_metadata")"#,
    ] {
        assert!(found(text) > 0, "{text}");
    }
    for text in [
        r#"// "x-portolan-cluster""#,
        r#"const STATISTICS: &str = "portolan_admin";"#,
        r#"format!("{backend}@tokens")"#,
        "#[cfg(test)]\nmod tests { const A: &str = \"x-portolan-cluster\"; }",
    ] {
        assert_eq!(found(text), 0, "{text}");
    }
}
