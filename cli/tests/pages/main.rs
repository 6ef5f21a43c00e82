//! The pages that people read: their links lead somewhere, their policies are good, their commands
//! run or say why not.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a panic in a test is its result"
)]

mod commands;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Output};

use portolan_core::record::REFUSALS;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(page: &str) -> String {
    let path = root().join(page);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every page, by its path from the root.
fn pages() -> Vec<String> {
    let mut found: Vec<String> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "envoy/README.md",
        "envoy/compose/README.md",
        "geoip-data/README.md",
        "integration/README.md",
    ]
    .map(str::to_owned)
    .to_vec();
    let mut open = vec!["docs".to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(root().join(&directory)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{directory}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                open.push(path);
            } else if Path::new(&path).extension().is_some_and(|kind| kind == "md") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The lines of a page outside of fences.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut is_fence = false;
    text.lines().filter(move |line| {
        let is_mark = line.trim_start().starts_with("```");
        is_fence ^= is_mark;
        !is_fence && !is_mark
    })
}

/// The anchors of a page: those of its headings, as GitHub makes them, and those that it writes.
fn anchors(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for line in prose(text) {
        for (mark, end) in [("id=\"", '"'), ("name=\"", '"')] {
            let written = line.split(mark).skip(1).filter_map(|rest| rest.split(end).next());
            found.extend(written.map(str::to_owned));
        }
        let title = line.trim_start_matches('#');
        if title.len() == line.len() || !title.starts_with(' ') {
            continue;
        }
        let mut shown = String::new();
        // Of a link in a heading only its words count.
        for part in title.trim().split("](") {
            let part = if shown.is_empty() {
                part
            } else {
                part.split_once(')').map_or(part, |(_, rest)| rest)
            };
            shown.push_str(part);
        }
        let kept = shown.to_lowercase();
        let kept: String =
            kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect();
        let anchor = kept.replace(' ', "-");
        let count = seen.entry(anchor.clone()).or_default();
        found.insert(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
        *count = count.saturating_add(1);
    }
    found
}

/// The targets of a page's links.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // What stands in backticks is no link.
        let bare: String = line.split('`').step_by(2).collect::<Vec<_>>().join("``");
        for rest in bare.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            found.push(target.split(' ').next().unwrap_or_default().to_owned());
        }
    }
    found
}

/// `docs/how-to/../policy.md` is `docs/policy.md`.
fn plain(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => assert!(found.pop(), "{}", path.display()),
            Component::CurDir => {}
            other => found.push(other),
        }
    }
    found
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    assert!(pages.len() > 40, "{pages:?}");
    let anchors: BTreeMap<PathBuf, BTreeSet<String>> =
        pages.iter().map(|page| (PathBuf::from(page), anchors(&read(page)))).collect();
    let mut wrong = Vec::new();
    for page in &pages {
        for link in links(&read(page)) {
            if link.contains("://") || link.starts_with("mailto:") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let from = Path::new(page);
            let target = match file {
                "" => from.to_owned(),
                file => plain(&from.parent().unwrap().join(file)),
            };
            let is_there = root().join(&target).exists();
            let has_anchor = anchor.is_empty()
                || anchors.get(&target).is_none_or(|known| known.contains(anchor));
            if !is_there || !has_anchor {
                wrong.push(format!("{page}: {link}"));
            }
        }
    }
    assert!(wrong.is_empty(), "links that lead nowhere: {wrong:#?}");
}

#[test]
fn every_page_of_the_documentation_is_within_two_clicks_of_the_readme() {
    let of = |page: &str| -> BTreeSet<PathBuf> {
        let from = Path::new(page).parent().unwrap();
        let files = links(&read(page)).into_iter().filter(|link| !link.contains("://"));
        let files = files.map(|link| link.split('#').next().unwrap_or_default().to_owned());
        files.filter(|file| !file.is_empty()).map(|file| plain(&from.join(file))).collect()
    };
    let first = of("README.md");
    let mut near = first.clone();
    for page in first.iter().filter(|page| page.extension().is_some_and(|kind| kind == "md")) {
        near.extend(of(page.to_str().unwrap()));
    }
    let far: Vec<String> = pages()
        .into_iter()
        .filter(|page| page.starts_with("docs/") && !near.contains(Path::new(page)))
        .collect();
    assert!(far.is_empty(), "more than two clicks from README.md: {far:?}");
}

/// The whole policies of a page.
fn policies(text: &str) -> Vec<&str> {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.starts_with("version: 1\n")).collect()
}

fn portolan(directory: &Path, arguments: &[String]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portolan"));
    command.current_dir(directory).env_remove("PORTOLAN_POLICY").args(arguments).output().unwrap()
}

#[test]
fn every_policy_is_good() {
    let directory = tempfile::tempdir().unwrap();
    let mut count = 0;
    for page in pages() {
        let text = read(&page);
        for policy in policies(&text) {
            fs::write(directory.path().join("portolan.yaml"), policy).unwrap();
            let words = ["check", "--strict", "--quiet", "portolan.yaml"].map(str::to_owned);
            let done = portolan(directory.path(), &words);
            let said = String::from_utf8_lossy(&done.stderr);
            assert!(done.status.success(), "{page}: {said}{policy}");
            count += 1;
        }
    }
    assert!(count > 8, "{count}");
}

#[test]
fn every_error_of_the_fronts_own_is_explained() {
    let text = read("docs/errors.md");
    for (outcome, code) in REFUSALS {
        let row = text.lines().find(|line| {
            line.contains(&format!("| `{code}` |"))
                && line.contains(&format!("`{}`", outcome.as_str()))
        });
        assert!(row.is_some(), "docs/errors.md lacks {code}, {}", outcome.as_str());
    }
    let known: Vec<&str> = REFUSALS.iter().map(|(_, code)| *code).collect();
    for line in text.lines().filter(|line| line.starts_with("| 4") || line.starts_with("| 5")) {
        let code = line.split('`').nth(1).unwrap();
        assert!(known.contains(&code), "docs/errors.md has {code}, which no front answers");
    }
}
