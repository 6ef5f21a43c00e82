//! From a policy file to a compiled policy, with every mistake at its line and column.
//!
//! [`source`] reads the file, [`yaml`] or [`json`] makes a document and a tree of places of it,
//! [`network_files`] adds what stands in other files, the core judges the result.

mod diagnostic;
mod json;
mod network_files;
mod place;
mod source;
pub(crate) mod view;
mod yaml;
mod yaml_error;
mod yaml_property;

use std::path::{Path, PathBuf};

use portolan_core::config::{Config, Document, Mistake};

pub(crate) use diagnostic::{Diagnostic, Severity};
pub(crate) use json::to_json;
use place::PlaceTree;
pub(crate) use place::join;
use source::Source;

/// A policy without mistakes.
#[derive(Debug)]
pub(crate) struct LoadedPolicy {
    /// What the filter is configured with: the file, with the networks of other files in it.
    pub(crate) document: Document,
    /// What the core made of it.
    pub(crate) config: Config,
    places: PlaceTree,
}

impl LoadedPolicy {
    /// What the file is called in messages.
    pub(crate) fn file(&self) -> &str {
        self.places.place.file()
    }

    /// A doubt about the value at `path`, a path as the core writes it.
    pub(crate) fn warning(&self, path: &str, message: String) -> Diagnostic {
        self.diagnostic(Severity::Warning, path, message)
    }

    /// What is worth a look where Envoy runs.
    pub(crate) fn note(&self, path: &str, message: String) -> Diagnostic {
        self.diagnostic(Severity::Note, path, message)
    }

    /// What makes the value at `path` of no use, though the policy alone is sound.
    pub(crate) fn mistake(&self, path: &str, message: String) -> Diagnostic {
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

/// Reads the policy in a file, or in the standard input for `-`.
///
/// # Errors
///
/// Every mistake, in the order of the file's parts; or, where the text cannot be read as YAML or
/// JSON at all, what stands in the way of that.
pub(crate) fn load(path: &Path) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    of_source(&source::read(path).map_err(|diagnostic| vec![diagnostic])?)
}

/// Reads a policy of YAML that is in no file; `name` stands in its place in messages.
///
/// # Errors
///
/// Every mistake in it.
pub(crate) fn load_text(text: &str, name: &str) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    of_source(&Source {
        file: name.into(),
        text: text.to_owned(),
        is_json: false,
        directory: PathBuf::new(),
    })
}

fn of_source(source: &Source) -> Result<LoadedPolicy, Vec<Diagnostic>> {
    let mut parsed = parse(source)?;
    network_files::inline(&mut parsed, &source.directory)?;
    let Parsed { document, places } = parsed;
    match Config::from_document(&document) {
        Ok(config) => Ok(LoadedPolicy { document, config, places }),
        Err(mistakes) => {
            let told = mistakes.into_iter().map(|Mistake { path, message }| {
                let place = places.find(&document, &path).clone();
                Diagnostic { path, ..Diagnostic::mistake(place, message) }
            });
            Err(told.collect())
        }
    }
}

/// The files that a policy is read from: its own, and its network files as far as it says which.
pub(crate) fn files_of(path: &Path) -> Vec<PathBuf> {
    let named = source::read(path).ok().and_then(|source| {
        let parsed = parse(&source).ok()?;
        Some(network_files::named(&parsed.document, &source.directory))
    });
    std::iter::once(path.to_owned()).chain(named.into_iter().flatten()).collect()
}

/// Reads a YAML or JSON file that is no policy.
///
/// # Errors
///
/// What stands in the way of reading it.
pub(crate) fn read_document(path: &Path) -> Result<Document, Vec<Diagnostic>> {
    let source = source::read(path).map_err(|diagnostic| vec![diagnostic])?;
    parse(&source).map(|parsed| parsed.document)
}

/// A document and the place of every value in it.
struct Parsed {
    document: Document,
    places: PlaceTree,
}

fn parse(source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
    let (document, places) = if source.is_json {
        json::read(&source.text, &source.file).map_err(|diagnostic| vec![diagnostic])?
    } else {
        yaml::read(&source.text, &source.file)?
    };
    Ok(Parsed { document, places })
}

#[cfg(test)]
mod tests;
