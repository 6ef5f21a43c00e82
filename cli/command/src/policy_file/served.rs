//! The JSON of a policy that the filter gets, and its fingerprint.

use portolan_core::config::{Document, Fingerprint};

use super::json::to_json;

/// The policy with the word that names clusters by what they connect to, as it is rendered.
#[must_use]
pub fn with_fingerprints(document: &Document) -> Document {
    with_switch(document, "cluster_fingerprints")
}

/// The policy with one of the switches that the renderer writes.
#[must_use]
pub fn with_switch(document: &Document, switch: &str) -> Document {
    let Document::Mapping(fields) = document else { return document.clone() };
    let others = fields.iter().filter(|(key, _)| key != switch).cloned();
    Document::Mapping(others.chain([(switch.to_owned(), Document::Boolean(true))]).collect())
}

/// A document as the filter reads it.
#[must_use]
pub fn served(document: &Document) -> String {
    to_json(document) + "\n"
}

/// The fingerprint by which metrics, health and the access log name the policy while it is served.
#[must_use]
pub fn fingerprint(document: &Document) -> String {
    Fingerprint::of([served(&with_fingerprints(document))]).to_string()
}
