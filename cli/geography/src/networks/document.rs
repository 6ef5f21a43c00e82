//! The YAML document: what a policy takes as `networks`, headed by where it comes from.

use std::collections::BTreeMap;
use std::fmt::Write;

use ipnet::IpNet;
use portolan_command::date::BuildDate;
use serde_json::Value;

use super::entry::Problems;
use super::provider::Provider;

/// When a file was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// In the provider's own words: `createDate 2026-07-29-08-27-05, syncToken 1785313625`.
    words: Vec<String>,
    /// The day, `YYYY-MM-DD`.
    day: String,
}

impl Stamp {
    /// A file that says no more than its day, `YYYY-MM-DD`.
    pub(super) const fn of_day(day: String) -> Self {
        Self { words: Vec::new(), day }
    }

    /// Reads the date, and the edition. A document that does not tell its age cannot be judged
    /// later, so a file without a date needs to be told one.
    pub(super) fn read(
        provider: Provider,
        file: &Value,
        told: Option<String>,
        problems: &mut Problems,
    ) -> Self {
        let mut words = Vec::new();
        let own = provider.date_field().map(|field| {
            let date = word(file, field, problems);
            words.push(format!("{field} {date}"));
            date.get(..10).unwrap_or_default().to_owned()
        });
        if let Some(field) = provider.edition_field() {
            words.push(format!("{field} {}", word(file, field, problems)));
        }
        let day = told.or(own).unwrap_or_default();
        if day.parse::<BuildDate>().is_err() {
            let problem = "does not say on which day it was published; add --date YYYY-MM-DD";
            problems.add(provider.date_field().unwrap_or("the file"), problem);
        }
        Self { words, day }
    }
}

/// A field without spaces or line breaks: it goes into a comment, and a line break would end the
/// comment and let the file write into the document.
fn word(file: &Value, name: &str, problems: &mut Problems) -> String {
    let found = match file.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let sound = !found.is_empty() && found.bytes().all(|byte| byte.is_ascii_graphic());
    if !sound {
        problems.add(name, "is missing or not one word");
    }
    found
}

/// The whole document, ready to be put in a file: networks that `name` has, by the file at
/// `source`.
pub(super) fn write(
    name: &str,
    source: &str,
    stamp: &Stamp,
    entries: usize,
    networks: &BTreeMap<IpNet, String>,
) -> String {
    let by_label = by_label(networks);
    let mut text = heading(source, stamp, entries, networks.len(), by_label.len());
    // Quoted: some readers of YAML take a bare day for a moment.
    let _ = writeln!(text, "published:\n  {}: \"{}\"", name, stamp.day);
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

fn heading(source: &str, stamp: &Stamp, entries: usize, prefixes: usize, labels: usize) -> String {
    let words = if stamp.words.is_empty() { stamp.day.clone() } else { stamp.words.join(", ") };
    format!(
        "# Source: {source}\n\
         # Published: {words}\n\
         # {prefixes} prefixes with {labels} labels, aggregated from {entries} entries.\n",
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
