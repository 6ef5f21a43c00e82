//! `include:` and policies that are directories: one policy of several files, so that each team
//! owns its own.
//!
//! Every file is a mapping with fields of a policy. Entries of mappings by name (`fronts`,
//! `backends`, …) and the rules of all files become one policy, each with the place that it came
//! from; what stands once in a policy stands in one file. What follows (`check`, `render`, the
//! fingerprint) sees one policy.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use portolan_core::config::Document;

use super::diagnostic::{Diagnostic, Severity};
use super::network_files;
use super::parsed::{Entry, Parsed, entries_of, mistake, parse};
use super::place::{Place, PlaceTree, join};
use super::source::{self, Source};

/// The key that names other files and directories.
const KEY: &str = "include";
/// The key of the format's version, which each file may say.
const VERSION: &str = "version";
/// Of which day the networks of each source are.
const DAYS: &str = "networks_published";
/// The list whose items come from all files, in their order.
const RULES: &str = "rules";
/// The mappings by name whose entries come from all files.
const BY_NAME: [&str; 7] =
    ["fronts", "backends", "blob_stores", "regions", "credentials", "networks", DAYS];

/// Reads a policy and everything that it includes.
///
/// # Errors
///
/// What stands in the way of reading a file; or a name, or a field, that stands in two of them.
pub(super) fn read(path: &Path) -> Result<Parsed, Vec<Diagnostic>> {
    let mut whole = Whole::default();
    if path.is_dir() {
        let place = Place::whole(&path.display().to_string().into());
        let mut policy =
            Parsed { document: Document::Mapping(Vec::new()), places: PlaceTree::leaf(place) };
        let at = policy.places.place.clone();
        whole.named(path, &at, KEY, &mut policy);
        return whole.finish(policy);
    }
    let source = source::read(path).map_err(|diagnostic| vec![diagnostic])?;
    whole.seen.insert(identity(path), Place::whole(&source.file));
    let policy = whole.source(&source)?;
    whole.finish(policy)
}

/// Reads a policy whose text is known already.
///
/// # Errors
///
/// As [`read`].
pub(super) fn of_source(source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
    let mut whole = Whole::default();
    let policy = whole.source(source)?;
    whole.finish(policy)
}

/// The files and directories that a policy is read from, whether they are there or not.
pub(super) fn files_of(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    collect(path, &mut found);
    found
}

fn collect(path: &Path, found: &mut Vec<PathBuf>) {
    if found.iter().any(|known| known == path) {
        return;
    }
    found.push(path.to_owned());
    if path.is_dir() {
        let files = files_in(path).unwrap_or_default();
        for file in files {
            collect(&file, found);
        }
        return;
    }
    let Ok(source) = source::read(path) else { return };
    let Ok(parsed) = parse(&source) else { return };
    for file in network_files::named(&parsed.document, &source.directory) {
        found.push(file);
    }
    let Document::Mapping(fields) = &parsed.document else { return };
    for (_, paths) in fields.iter().filter(|(key, _)| key == KEY) {
        let Document::List(paths) = paths else { continue };
        for path in paths {
            if let Document::String(path) = path {
                collect(&source.directory.join(path), found);
            }
        }
    }
}

/// The files of a directory that are parts of a policy, in the order of their names. What begins
/// with a dot is left out: editors and the kubelet keep things there.
fn files_in(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(directory).map_err(|error| format!("cannot be read: {error}"))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("cannot be read: {error}"))?.path();
        let is_hidden =
            path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
        let is_policy = path.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"].iter().any(|known| extension == *known)
        });
        if !is_hidden && is_policy && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err("has no file whose name ends in `.yaml`, `.yml` or `.json`".to_owned());
    }
    Ok(files)
}

/// What makes two paths one file.
fn identity(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What was read so far, and what is wrong with it.
#[derive(Default)]
struct Whole {
    /// Each file, and where it was named.
    seen: HashMap<PathBuf, Place>,
    diagnostics: Vec<Diagnostic>,
}

impl Whole {
    fn finish(self, policy: Parsed) -> Result<Parsed, Vec<Diagnostic>> {
        if self.diagnostics.is_empty() { Ok(policy) } else { Err(self.diagnostics) }
    }

    /// One file, with everything that it names.
    fn source(&mut self, source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
        let mut policy = parse(source)?;
        network_files::inline(&mut policy, &source.directory)?;
        let Some(((_, paths), places)) = policy.take(KEY) else {
            return Ok(policy);
        };
        let Document::List(paths) = paths else {
            let message = "is not a list; write a list of files and directories";
            return Err(vec![mistake(&places.place, KEY, message)]);
        };
        for (index, (path, at)) in paths.iter().zip(&places.children).enumerate() {
            let key = format!("{KEY}[{index}]");
            match path {
                Document::String(path) => {
                    self.named(&source.directory.join(path), &at.place, &key, &mut policy);
                }
                _ => self.refuse(&at.place, &key, "is not a string; write a path"),
            }
        }
        Ok(policy)
    }

    /// Adds a file, or every file of a directory; `place` and `key` are where it is named.
    fn named(&mut self, path: &Path, place: &Place, key: &str, policy: &mut Parsed) {
        if !path.is_dir() {
            self.file(path, place, key, policy);
            return;
        }
        match files_in(path) {
            Ok(files) => files.iter().for_each(|file| self.file(file, place, key, policy)),
            Err(why) => self.refuse(place, key, &format!("the directory {} {why}", path.display())),
        }
    }

    fn file(&mut self, path: &Path, place: &Place, key: &str, policy: &mut Parsed) {
        if let Some(first) = self.seen.insert(identity(path), place.clone()) {
            let file = path.display();
            let message = format!("{file} is read already, from {first}; name each file once");
            self.refuse(place, key, &message);
            return;
        }
        let source = source::read_file(path).map_err(|error| {
            let message = format!("{error}");
            let severity = Severity::Unreadable;
            vec![Diagnostic { place: place.clone(), path: key.to_owned(), message, severity }]
        });
        match source.and_then(|source| self.source(&source)) {
            Ok(part) => self.add(part, policy),
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }

    /// Makes a part of the policy of what a file holds.
    fn add(&mut self, part: Parsed, policy: &mut Parsed) {
        match entries_of(part.document, part.places) {
            Ok(entries) => entries.into_iter().for_each(|entry| self.entry(entry, policy)),
            Err(place) => {
                let message = "is no part of a policy; write fields of one, such as `rules:`";
                self.refuse(&place, "", message);
            }
        }
    }

    fn entry(&mut self, entry: Entry, policy: &mut Parsed) {
        let ((key, value), places) = entry;
        let Some((known, known_places)) = policy.entry(&key) else {
            policy.put(((key, value), places));
            return;
        };
        match (known, value) {
            (_, Document::Null) => {}
            (known @ Document::Null, value) => {
                *known = value;
                *known_places = places;
            }
            (known, value) if key == VERSION && *known == value => {}
            (Document::List(all), Document::List(items)) if key == RULES => {
                all.extend(items);
                known_places.children.extend(places.children);
            }
            (Document::Mapping(all), Document::Mapping(entries))
                if BY_NAME.contains(&key.as_str()) =>
            {
                for ((name, value), at) in entries.into_iter().zip(places.children) {
                    let mut twins = all.iter().zip(&known_places.children);
                    if let Some((_, first)) = twins.find(|((known, _), _)| *known == name) {
                        // Several files of networks may be of one source; the first says of which
                        // day it is.
                        if key == DAYS {
                            continue;
                        }
                        let first = &first.place;
                        let message = format!("already stands at {first}; keep it in one place");
                        self.refuse(&at.place, &join(&key, &name), &message);
                    } else {
                        all.push((name, value));
                        known_places.children.push(at);
                    }
                }
            }
            _ => {
                let first = &known_places.place;
                let message = if key == VERSION {
                    format!("is not the version of {first}; all files of a policy have one")
                } else {
                    format!("already stands at {first}; keep it in one file")
                };
                self.refuse(&places.place, &key, &message);
            }
        }
    }

    fn refuse(&mut self, place: &Place, path: &str, message: &str) {
        self.diagnostics.push(mistake(place, path, message));
    }
}
