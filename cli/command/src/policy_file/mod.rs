//! From a policy file to a compiled policy, with every mistake at its line and column.
//!
//! [`source`] reads a file, [`yaml`] or [`json`] makes a document and a tree of places of it,
//! [`include`] and [`network_files`] add what stands in other files, the core judges the result.

mod diagnostic;
mod include;
mod json;
mod network_files;
mod parsed;
mod place;
mod rename;
pub mod served;
mod source;
pub mod view;
mod yaml;
mod yaml_error;
mod yaml_property;

use std::path::{Path, PathBuf};

use portolan_core::config::fields::{OldName, rename_old_fields};
use portolan_core::config::{Config, Document, Mistake};

pub use diagnostic::{Diagnostic, Severity};
pub use json::to_json;
use parsed::{Parsed, parse};
use place::PlaceTree;
pub use place::{Place, join};
pub use rename::write_new_names;
use source::Source;

/// A policy without mistakes.
#[derive(Debug)]
pub struct LoadedPolicy {
    /// What the filter is configured with: the file, with what stands in other files in it, every
    /// field by the name that it has today.
    pub document: Document,
    /// What the core made of it.
    pub config: Config,
    /// The fields that were written by the name that they had in an earlier release.
    pub old_names: Vec<OldName>,
    places: PlaceTree,
}

impl LoadedPolicy {
    /// What the file is called in messages.
    #[must_use]
    pub fn file(&self) -> &str {
        self.places.place.file()
    }

    /// The fingerprint by which it is named while it is served.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        served::fingerprint(&self.document)
    }

    /// The value at `path`, a path as the core writes it, and where it stands; `None` if there is
    /// none.
    #[must_use]
    pub fn at(&self, path: &str) -> Option<(&Document, &Place)> {
        self.places.at(&self.document, path)
    }

    /// A doubt about the value at `path`, a path as the core writes it.
    #[must_use]
    pub fn warning(&self, path: &str, message: String) -> Diagnostic {
        self.diagnostic(Severity::Warning, path, message)
    }

    /// What is worth a look where Envoy runs.
    #[must_use]
    pub fn note(&self, path: &str, message: String) -> Diagnostic {
        self.diagnostic(Severity::Note, path, message)
    }

    /// What makes the value at `path` of no use, though the policy alone is sound.
    #[must_use]
    pub fn mistake(&self, path: &str, message: String) -> Diagnostic {
        self.diagnostic(Severity::Mistake, path, message)
    }

    fn diagnostic(&self, severity: Severity, path: &str, message: String) -> Diagnostic {
        Diagnostic {
            severity,
            place: self.places.find(&self.document, path).clone(),
            path: path.to_owned(),
            message,
        }
    }
}

/// Reads the policy in a file, in the files of a directory, or in the standard input for `-`.
///
/// # Errors
///
/// Every mistake, in the order of the file's parts; or, where the text cannot be read as YAML or
/// JSON at all, what stands in the way of that.
pub fn load(path: &Path) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    compiled(include::read(path)?)
}

/// Reads a policy of YAML that is in no file; `name` stands in its place in messages.
///
/// # Errors
///
/// Every mistake in it.
pub fn load_text(text: &str, name: &str) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    compiled(include::of_source(&Source {
        file: name.into(),
        text: text.to_owned(),
        is_json: false,
        directory: PathBuf::new(),
    })?)
}

fn compiled(Parsed { mut document, places }: Parsed) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    let old_names = rename_old_fields(&mut document);
    match Config::from_document(&document) {
        Ok(config) => Ok(LoadedPolicy { document, config, old_names, places }),
        Err(mistakes) => {
            let told = mistakes.into_iter().map(|Mistake { path, message }| {
                let place = places.find(&document, &path).clone();
                Diagnostic { path, ..Diagnostic::mistake(place, message) }
            });
            Err(each_name_once(told.collect()))
        }
    }
}

/// A name that nothing has is one cause, in however many places it stands: it is told at the first
/// of them.
fn each_name_once(told: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
    for one in told {
        let is_name = one.message.starts_with("there is no ") && one.message.contains(" `");
        let is_field = one.message.starts_with("there is no such field");
        let same = kept.iter().position(|(first, _)| first.message == one.message);
        match same.filter(|_| is_name && !is_field).and_then(|at| kept.get_mut(at)) {
            Some((first, more)) => {
                *more = more.saturating_add(1);
                let is_same_file = one.place.file() == first.place.file();
                if is_same_file && one.place.position() < first.place.position() {
                    *first = one;
                }
            }
            None => kept.push((one, 0)),
        }
    }
    let worded = kept.into_iter().map(|(mut first, more)| {
        let places = if more == 1 { "place" } else { "places" };
        if more > 0 {
            first.message = format!("{} (in {more} more {places}, too)", first.message);
        }
        first
    });
    worded.collect()
}

/// The files and directories that a policy is read from, as far as it says which.
#[must_use]
pub fn files_of(path: &Path) -> Vec<PathBuf> {
    include::files_of(path)
}

/// Reads a YAML or JSON file that is no policy.
///
/// # Errors
///
/// What stands in the way of reading it.
pub fn read_document(path: &Path) -> Result<Document, Vec<Diagnostic>> {
    let source = source::read(path).map_err(|diagnostic| vec![diagnostic])?;
    parse(&source).map(|parsed| parsed.document)
}

#[cfg(test)]
mod tests;
