//! The YAML document: what a policy takes as `networks`, headed by where it comes from.

use super::Provider;
use super::entry::Problems;
use ipnet::IpNet;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// When a file was published, in the provider's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    date: String,
    sync_token: String,
}

impl Stamp {
    /// Reads the date and the sync token. A file without them is not the published one, and a
    /// document that does not tell its age cannot be judged later.
    pub(super) fn read(provider: Provider, file: &Value, problems: &mut Problems) -> Self {
        Self {
            date: word(file, provider.date_field(), problems),
            sync_token: word(file, "syncToken", problems),
        }
    }
}

/// A field without spaces or line breaks: it goes into a comment, and a line break would end the
/// comment and let the file write into the document.
fn word(file: &Value, name: &str, problems: &mut Problems) -> String {
    let found = file.get(name).and_then(Value::as_str).unwrap_or_default();
    let sound = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        problems.add(name, "is missing or not one word");
    }
    found.to_owned()
}

/// The whole document, ready to be put in a file.
pub(super) fn write(
    provider: Provider,
    stamp: &Stamp,
    entries: usize,
    networks: &BTreeMap<IpNet, String>,
) -> String {
    let by_label = by_label(networks);
    let mut text = heading(provider, stamp, entries, networks.len(), by_label.len());
    text.push_str("networks:\n");
    for (label, prefixes) in by_label {
        text.push_str(&section(label, &prefixes));
    }
    text
}

fn by_label(networks: &BTreeMap<IpNet, String>) -> BTreeMap<&str, Vec<IpNet>> {
    let mut by_label: BTreeMap<&str, Vec<IpNet>> = BTreeMap::new();
    for (prefix, label) in networks {
        by_label.entry(label).or_default().push(*prefix);
    }
    by_label
}

fn heading(
    provider: Provider,
    stamp: &Stamp,
    entries: usize,
    prefixes: usize,
    labels: usize,
) -> String {
    format!(
        "# Source: {source}\n\
         # Published: {date_field} {date}, syncToken {sync_token}\n\
         # {prefixes} prefixes with {labels} labels, aggregated from {entries} entries.\n",
        source = provider.source(),
        date_field = provider.date_field(),
        date = stamp.date,
        sync_token = stamp.sync_token,
    )
}

/// A label and its prefixes. Neither needs quotes: a label has no space, and in a prefix the last
/// colon is never the last character.
fn section(label: &str, prefixes: &[IpNet]) -> String {
    let mut text = format!("  {label}:\n");
    for prefix in prefixes {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    - {prefix}");
    }
    text
}
