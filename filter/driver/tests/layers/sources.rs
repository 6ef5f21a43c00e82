//! The sources of a crate, each by the path of its module.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The path of a module, such as `lookups::token`; empty for the crate.
pub(crate) type Module = Vec<String>;
/// The text of each module.
pub(crate) type Sources = BTreeMap<Module, String>;

/// All files of Rust below a directory.
pub(crate) fn rust_files(directory: &Path) -> Vec<PathBuf> {
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
    parts.filter(|part| !matches!(part.as_str(), "lib" | "main" | "mod")).collect()
}

/// The sources of a crate without their tests.
pub(crate) fn sources(source: &Path) -> Sources {
    let is_test = |part: &String| {
        matches!(part.as_str(), "tests" | "properties" | "twin") || part.ends_with("_tests")
    };
    let files = rust_files(source).into_iter();
    let read = files.map(|path| (module_of(source, &path), fs::read_to_string(path).unwrap()));
    let shipped = read.filter(|(module, _)| !module.iter().any(is_test));
    shipped.map(|(module, text)| (module, without_tests(&text).to_owned())).collect()
}

/// A source up to its first module of tests; one that stands in a file of its own does not end it.
pub(crate) fn without_tests(text: &str) -> &str {
    let opens_module = |start: &usize| {
        let mut lines = text[*start..].lines().skip_while(|line| line.starts_with("#["));
        lines.next().is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let mut places = text.match_indices("#[cfg(test)]").map(|(start, _)| start);
    places.find(opens_module).map_or(text, |start| &text[..start])
}
