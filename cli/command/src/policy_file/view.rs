//! Looks into a document whose shape the core has already accepted.
//!
//! What is not there, or is something else, is the same as empty.

use portolan_core::config::Document;

/// The value of a key of a mapping.
#[must_use]
pub fn field<'d>(document: &'d Document, name: &str) -> Option<&'d Document> {
    let mut entries = mapping(Some(document)).iter();
    entries.find_map(|(key, value)| (key == name).then_some(value))
}

/// The entries of a mapping.
#[must_use]
pub fn mapping(document: Option<&Document>) -> &[(String, Document)] {
    match document {
        Some(Document::Mapping(entries)) => entries,
        _ => &[],
    }
}

/// The items of a list.
#[must_use]
pub fn list(document: Option<&Document>) -> &[Document] {
    match document {
        Some(Document::List(items)) => items,
        _ => &[],
    }
}

/// A string.
#[must_use]
pub fn text(document: &Document) -> Option<&str> {
    match document {
        Document::String(text) => Some(text),
        _ => None,
    }
}

/// The strings in a list.
pub fn texts(document: Option<&Document>) -> impl Iterator<Item = &str> {
    list(document).iter().filter_map(text)
}
