//! A document of YAML or JSON with the place of every value, and what is done with its entries.

use portolan_core::config::Document;

use super::diagnostic::Diagnostic;
use super::json;
use super::place::{Place, PlaceTree};
use super::source::Source;
use super::yaml;

/// A document and the place of every value in it.
pub(super) struct Parsed {
    pub(super) document: Document,
    pub(super) places: PlaceTree,
}

/// One entry of a mapping, with its place.
pub(super) type Entry = ((String, Document), PlaceTree);

/// Reads a text as what its file is.
///
/// # Errors
///
/// What stands in the way of reading it.
pub(super) fn parse(source: &Source) -> Result<Parsed, Vec<Diagnostic>> {
    let (document, places) = if source.is_json {
        json::read(&source.text, &source.file).map_err(|diagnostic| vec![diagnostic])?
    } else {
        yaml::read(&source.text, &source.file)?
    };
    Ok(Parsed { document, places })
}

impl Parsed {
    /// Takes an entry out of a mapping.
    pub(super) fn take(&mut self, name: &str) -> Option<Entry> {
        let Document::Mapping(entries) = &mut self.document else {
            return None;
        };
        let index = entries.iter().position(|(key, _)| key == name)?;
        Some((entries.remove(index), self.places.children.remove(index)))
    }

    /// Puts an entry at the end of a mapping.
    pub(super) fn put(&mut self, (entry, places): Entry) {
        if let Document::Mapping(entries) = &mut self.document {
            entries.push(entry);
            self.places.children.push(places);
        }
    }

    /// The value of an entry and its place.
    pub(super) fn entry(&mut self, name: &str) -> Option<(&mut Document, &mut PlaceTree)> {
        let Document::Mapping(entries) = &mut self.document else {
            return None;
        };
        let index = entries.iter().position(|(key, _)| key == name)?;
        let (_, value) = entries.get_mut(index)?;
        Some((value, self.places.children.get_mut(index)?))
    }
}

/// The entries of a mapping, each with its place.
///
/// # Errors
///
/// The place of what is no mapping.
pub(super) fn entries_of(document: Document, places: PlaceTree) -> Result<Vec<Entry>, Place> {
    match document {
        Document::Mapping(entries) => Ok(entries.into_iter().zip(places.children).collect()),
        _ => Err(places.place),
    }
}

/// What is wrong at a place and a path of the policy.
pub(super) fn mistake(place: &Place, path: &str, message: &str) -> Diagnostic {
    Diagnostic { path: path.to_owned(), ..Diagnostic::mistake(place.clone(), message) }
}
