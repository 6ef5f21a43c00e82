//! The paths that a source writes: after `use`, with groups, new names and `self`, and in the code
//! itself.

use std::collections::BTreeMap;

use crate::sources::{Module, Sources};

/// A path as it is written, word by word.
pub(crate) type Path = Vec<String>;

/// The modules that a source names, this crate's own alone.
///
/// A name that `use` brings in stands for its whole path wherever it begins another one: with
/// `use crate::config;` the code's `config::duration::parse` names the module `config::duration`.
pub(crate) fn named(module: &Module, text: &str, all: &Sources) -> Vec<Module> {
    let (uses, code) = uses_and_code(text);
    let mut found = Vec::new();
    let mut names = BTreeMap::new();
    for (path, name) in uses.iter().flat_map(|tree| expanded(tree)) {
        let Some(place) = from_the_crate(module, &path, all) else { continue };
        names.insert(name, place.clone());
        found.push(place);
    }
    for path in words(&code) {
        let brought_in = names.get(&path[0]);
        let place = match brought_in {
            Some(place) => Some(place.iter().chain(&path[1..]).cloned().collect()),
            None => from_the_crate(module, &path, all),
        };
        found.extend(place);
    }
    let modules = found.into_iter().map(|path| longest_module(path, all));
    modules.filter(|found| found != module).collect()
}

/// Every path that a source writes, whatever it leads to.
pub(crate) fn written(text: &str) -> Vec<Path> {
    let (uses, code) = uses_and_code(text);
    let after_use = uses.iter().flat_map(|tree| expanded(tree)).map(|(path, _)| path);
    after_use.chain(words(&code)).collect()
}

/// What stands between `use` and `;`, and the rest without comments.
fn uses_and_code(text: &str) -> (Vec<String>, String) {
    let (mut uses, mut code, mut open) = (Vec::new(), String::new(), None::<String>);
    for line in text.lines().map(without_comment) {
        match (&mut open, begun(line)) {
            (Some(tree), _) => tree.push_str(line.trim()),
            (None, Some(tree)) => open = Some(tree.to_owned()),
            (None, None) => code.extend([&*without_visibility(line), "\n"]),
        }
        if let Some(tree) = open.take_if(|tree| tree.ends_with(';')) {
            uses.push(tree.trim_end_matches(';').to_owned());
        }
    }
    (uses, code)
}

/// A line without `pub(in …)`: who may see an item is needed by nobody.
fn without_visibility(line: &str) -> String {
    let mut parts = line.split("pub(in ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |line, part| line + part.split_once(')').map_or("", |(_, rest)| rest))
}

/// What follows `use` in a line that begins with it; prose in a text may do so as well.
fn begun(line: &str) -> Option<&str> {
    let line = line.trim();
    let line = ["pub ", "pub(crate) ", "pub(super) "]
        .iter()
        .find_map(|it| line.strip_prefix(it))
        .unwrap_or(line);
    let tree = line.strip_prefix("use ")?;
    let belongs = |c: char| c.is_ascii_alphanumeric() || "_:{},*; ".contains(c);
    (tree.contains("::") && tree.chars().all(belongs)).then_some(tree)
}

/// A line up to its comment. A URL has no blank behind its `//`.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with("//") {
        return "";
    }
    line.split_once(" // ").map_or(line, |(code, _)| code)
}

/// The paths of a tree of `use`, each with the name that it has from then on.
fn expanded(tree: &str) -> Vec<(Path, String)> {
    if let Some((start, group)) = tree.split_once('{') {
        let group = group.trim_end().strip_suffix('}').unwrap();
        let start = parts(start);
        let inner = items(group).into_iter().flat_map(expanded);
        return inner
            .map(|(path, name)| {
                let mut whole: Path = start.iter().cloned().chain(path).collect();
                if whole.last().is_some_and(|last| last == "self") {
                    whole.pop();
                }
                let name =
                    if name == "self" { whole.last().cloned().unwrap_or_default() } else { name };
                (whole, name)
            })
            .collect();
    }
    let (path, name) = match tree.split_once(" as ") {
        Some((path, name)) => (parts(path), name.trim().to_owned()),
        None => (parts(tree), parts(tree).pop().unwrap_or_default()),
    };
    vec![(path, name)]
}

/// The items of a group, which may have groups in them.
fn items(group: &str) -> Vec<&str> {
    let (mut found, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    for (place, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(group[start..place].trim());
                start = place + 1;
            }
            _ => {}
        }
    }
    found.push(group[start..].trim());
    found.retain(|item| !item.is_empty());
    found
}

fn parts(path: &str) -> Path {
    path.trim().split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// The words with `::` in them.
fn words(code: &str) -> Vec<Path> {
    let is_end = |c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':';
    let words = code.split(is_end).filter(|word| word.contains("::"));
    words.map(parts).filter(|path| !path.is_empty()).collect()
}

/// A path from the root of the crate, if it leads into the crate.
fn from_the_crate(module: &Module, path: &Path, all: &Sources) -> Option<Path> {
    let mut place = module.clone();
    let mut rest = path.as_slice();
    match rest.first()?.as_str() {
        "crate" => {
            place.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                place.pop()?;
                rest = &rest[1..];
            }
        }
        child => {
            let mut inner = module.clone();
            inner.push(child.to_owned());
            if !all.contains_key(&inner) {
                return None;
            }
        }
    }
    place.extend(rest.iter().cloned());
    Some(place)
}

/// The file in which a path is found: its longest beginning that is a module.
fn longest_module(mut path: Path, all: &Sources) -> Module {
    while !path.is_empty() && !all.contains_key(&path) {
        path.pop();
    }
    path
}
