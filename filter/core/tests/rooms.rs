//! The rooms of the core and what may stand in them.
//!
//! A room may import only rooms that a request has passed before it, plus `config` and
//! `grammar`. Held by reading the sources, because nothing in the language holds it.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic in a test is its result"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Every room and the rooms it may import besides itself, in the order in which a request passes
/// them.
const ROOMS: &[(&str, &[&str])] = &[
    ("grammar", &[]),
    ("contract", &[]),
    ("config", &["grammar", "contract"]),
    ("health", &["grammar", "config"]),
    ("content", &["grammar"]),
    ("oci", &["grammar", "config"]),
    ("challenge", &["grammar"]),
    ("token", &["grammar", "config", "oci", "challenge"]),
    ("probe", &["grammar", "config"]),
    ("client", &["grammar", "config"]),
    ("client_files", &["config"]),
    ("policy", &["grammar", "config", "health", "oci", "challenge", "token", "probe", "client"]),
    (
        "attempt",
        &["grammar", "contract", "config", "oci", "challenge", "token", "client", "policy"],
    ),
    (
        "reply",
        &[
            "grammar",
            "config",
            "health",
            "oci",
            "challenge",
            "token",
            "client",
            "client_files",
            "policy",
            "attempt",
        ],
    ),
    (
        "response",
        &["grammar", "config", "oci", "challenge", "token", "client", "policy", "attempt", "reply"],
    ),
    (
        "record",
        &[
            "grammar", "contract", "config", "oci", "token", "probe", "client", "policy",
            "attempt", "reply", "response",
        ],
    ),
    (
        "plan",
        &[
            "grammar",
            "contract",
            "config",
            "health",
            "content",
            "oci",
            "challenge",
            "token",
            "probe",
            "client",
            "client_files",
            "policy",
            "attempt",
            "reply",
            "response",
            "record",
        ],
    ),
    ("lib", &[]),
];

/// The most lines of one source file, its tests included.
const LONGEST_FILE: usize = 400;

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

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

/// The room that a file belongs to: the first part of its path.
fn room_of(path: &Path) -> String {
    let relative = path.strip_prefix(source()).unwrap();
    let first = relative.components().next().unwrap();
    Path::new(first.as_os_str()).file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The rooms that a line of code names as `crate::room`.
fn imports(line: &str) -> Vec<&str> {
    let code = line.split("//").next().unwrap_or("");
    let after = code.split("crate::").skip(1);
    let name = |rest: &str| {
        rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())
    };
    after.map(|rest| &rest[..name(rest)]).collect()
}

/// What is wrong with one file's imports.
fn offences(path: &Path, text: &str) -> Vec<String> {
    let room = room_of(path);
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{}: `{room}` is not a room; add it to this test", path.display())];
    };
    let mut found = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        for import in imports(line) {
            let known = ROOMS.iter().any(|(name, _)| *name == import);
            if known && import != room && !allowed.contains(&import) {
                found.push(format!("{}:{number}: `{room}` imports `{import}`", path.display()));
            }
        }
    }
    found
}

#[test]
fn rooms_import_only_what_the_request_has_passed() {
    let files = rust_files(&source());
    assert!(files.len() > 20, "the sources were not found");
    let read = |path: &PathBuf| offences(path, &fs::read_to_string(path).unwrap());
    let found: Vec<String> = files.iter().flat_map(read).collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_check_itself_can_fail() {
    let path = source().join("oci/parse.rs");
    assert_eq!(offences(&path, "use crate::policy::Decision;").len(), 1);
    assert_eq!(offences(&path, "// crate::policy\nuse crate::grammar::Tag;"), Vec::<String>::new());
    assert_eq!(offences(&source().join("attic/x.rs"), "").len(), 1);
}

#[test]
fn files_stay_readable() {
    for path in rust_files(&source()) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
    }
}

#[test]
fn the_manifest_has_no_host() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]").nth(1).unwrap();
    let section = section.split("\n[").next().unwrap();
    let names: Vec<&str> = section
        .lines()
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .collect();
    assert_eq!(names, ["base64", "ipnet", "serde", "serde_json", "sha2", "strsim"]);
}
