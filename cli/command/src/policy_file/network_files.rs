//! `network_files:`: networks that stand in files of their own, because a program wrote them.
//!
//! The filter knows no files, so the entries are put into the policy's own `networks`, each with
//! the place where it came from.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use portolan_core::config::Document;

use super::diagnostic::Diagnostic;
use super::parsed::{Entry, Parsed, entries_of, mistake, parse};
use super::place::{Place, PlaceTree, join};
use super::source;

/// The key of the policy that names the files.
const KEY: &str = "network_files";
/// The key that gets what they hold, and the key in each of them.
const NETWORKS: &str = "networks";
/// The key that gets of which day they are, and the key that a file may say it by.
const DAYS: &str = "networks_published";
const PUBLISHED: &str = "published";

/// The files that a policy names, whether they are there or not. Their paths start from
/// `directory`.
pub(super) fn named(policy: &Document, directory: &Path) -> Vec<PathBuf> {
    let Document::Mapping(fields) = policy else { return Vec::new() };
    let lists = fields.iter().filter(|(key, _)| key == KEY);
    let items = lists.flat_map(|(_, files)| match files {
        Document::List(files) => files.as_slice(),
        _ => &[],
    });
    let paths = items.filter_map(|file| match file {
        Document::String(file) => Some(directory.join(file)),
        _ => None,
    });
    paths.collect()
}

/// Replaces `network_files` by what the files hold. Their paths start from `directory`.
pub(super) fn inline(policy: &mut Parsed, directory: &Path) -> Result<(), Vec<Diagnostic>> {
    let Some(((_, files), places)) = policy.take(KEY) else {
        return Ok(());
    };
    let Document::List(files) = files else {
        let message = "is not a list; write a list of files, each with the key `networks`";
        return Err(vec![mistake(&places.place, KEY, message)]);
    };
    let networks = policy.take(NETWORKS).unwrap_or_else(|| empty(NETWORKS, &places));
    let mut merge = Merge::of(networks, policy.take(DAYS));
    for (index, (file, at)) in files.iter().zip(&places.children).enumerate() {
        let path = format!("{KEY}[{index}]");
        match file {
            Document::String(file) => merge.file(&directory.join(file), &at.place, &path),
            _ => merge.refuse(mistake(&at.place, &path, "is not a string; write a path")),
        }
    }
    let (networks, days) = merge.finish()?;
    policy.put(networks);
    if let Some(days) = days {
        policy.put(days);
    }
    Ok(())
}

/// The networks of the policy and of all files so far.
struct Merge {
    networks: Entry,
    days: Option<Entry>,
    first: HashMap<String, Place>,
    diagnostics: Vec<Diagnostic>,
}

impl Merge {
    fn of(networks: Entry, days: Option<Entry>) -> Self {
        let mut first = HashMap::new();
        if let ((_, Document::Mapping(entries)), places) = &networks {
            let keys = entries.iter().map(|(key, _)| key.clone());
            let places = places.children.iter().map(|child| child.place.clone());
            first.extend(keys.zip(places));
        }
        Self { networks, days, first, diagnostics: Vec::new() }
    }

    /// Adds the networks of a file; `place` and `path` are where the policy names it.
    fn file(&mut self, file: &Path, place: &Place, path: &str) {
        let parsed = source::read_file(file).map_err(|error| {
            let message = format!("{error}");
            vec![Diagnostic { place: place.clone(), path: path.to_owned(), message, ..error }]
        });
        match parsed.and_then(|source| parse(&source)).and_then(entries) {
            Ok((entries, days)) => {
                for entry in entries {
                    self.entry(entry);
                }
                for day in days {
                    self.day(day, place);
                }
            }
            Err(diagnostics) => self.diagnostics.extend(diagnostics),
        }
    }

    fn entry(&mut self, ((label, prefixes), places): Entry) {
        if let Some(first) = self.first.get(&label) {
            let message = format!("this label already stands at {first}; keep it in one place");
            let path = join(NETWORKS, &label);
            self.diagnostics.push(mistake(&places.place, &path, &message));
            return;
        }
        self.first.insert(label.clone(), places.place.clone());
        let ((_, document), networks) = &mut self.networks;
        if let Document::Null = document {
            *document = Document::Mapping(Vec::new());
        }
        // `networks` that is something else stays as it is; the core says so.
        if let Document::Mapping(entries) = document {
            entries.push((label, prefixes));
            networks.children.push(places);
        }
    }

    /// Of which day a source is. Where several files are of one source, the first of them counts.
    fn day(&mut self, ((source, day), places): Entry, place: &Place) {
        let days = self.days.get_or_insert_with(|| empty(DAYS, &PlaceTree::leaf(place.clone())));
        let ((_, document), tree) = days;
        if let Document::Null = document {
            *document = Document::Mapping(Vec::new());
        }
        if let Document::Mapping(known) = document
            && known.iter().all(|(name, _)| *name != source)
        {
            known.push((source, day));
            tree.children.push(places);
        }
    }

    fn refuse(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn finish(self) -> Result<(Entry, Option<Entry>), Vec<Diagnostic>> {
        if self.diagnostics.is_empty() {
            Ok((self.networks, self.days))
        } else {
            Err(self.diagnostics)
        }
    }
}

/// The entries of a file's `networks`, and of its `published`; it may have no other key.
fn entries(file: Parsed) -> Result<(Vec<Entry>, Vec<Entry>), Vec<Diagnostic>> {
    const SHAPE: &str = "a file of networks has the key `networks`, a mapping from labels to lists of prefixes, \
         and may have `published`, a mapping from sources to days";
    let Document::Mapping(keys) = file.document else {
        return Err(vec![mistake(&file.places.place, "", SHAPE)]);
    };
    let keys = keys.into_iter().zip(file.places.children);
    let (networks, others): (Vec<Entry>, Vec<Entry>) =
        keys.partition(|((key, _), _)| key == NETWORKS);
    let (days, others): (Vec<Entry>, Vec<Entry>) =
        others.into_iter().partition(|((key, _), _)| key == PUBLISHED);
    let days = days.into_iter().next().map(children).transpose();
    let days = days.map_err(|place| vec![mistake(&place, PUBLISHED, SHAPE)])?;
    if !others.is_empty() {
        let refuse = |((key, _), places): &Entry| mistake(&places.place, &join("", key), SHAPE);
        return Err(others.iter().map(refuse).collect());
    }
    match networks.into_iter().next().map(children) {
        Some(Ok(labels)) => Ok((labels, days.unwrap_or_default())),
        Some(Err(place)) => Err(vec![mistake(&place, NETWORKS, SHAPE)]),
        None => Err(vec![mistake(&file.places.place, "", SHAPE)]),
    }
}

/// The entries of an entry that is a mapping.
fn children(((_, document), places): Entry) -> Result<Vec<Entry>, Place> {
    entries_of(document, places)
}

fn empty(key: &str, files: &PlaceTree) -> Entry {
    let nothing = (key.to_owned(), Document::Null);
    (nothing, PlaceTree::leaf(files.place.clone()))
}
