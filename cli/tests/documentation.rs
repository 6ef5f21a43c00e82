//! What is written about a policy's fields, against the tables that the reader takes them from.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a panic in a test is its result"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use portolan_core::config::fields::{POLICY, Table, Value};

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every path of a field: `rules[].readers.networks`.
fn known() -> BTreeSet<String> {
    fn of_table(table: &'static Table, place: &str, found: &mut BTreeSet<String>) {
        for field in table.fields {
            let path = if place.is_empty() {
                field.name.to_owned()
            } else {
                format!("{place}.{}", field.name)
            };
            below(&field.value, &path, found);
            found.insert(path);
        }
    }
    fn below(value: &'static Value, path: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Fields(table) | Value::OneField(table) => of_table(table, path, found),
            Value::ByName(one) => below(one, &format!("{path}.NAME"), found),
            Value::ByText(one) => below(one, &format!("{path}.REGION"), found),
            Value::List(item) | Value::Items(item) => below(item, &format!("{path}[]"), found),
            Value::Any(values) => values.iter().for_each(|value| below(value, path, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    of_table(&POLICY, "", &mut found);
    found
}

/// The paths in the first columns of the tables of docs/policy.md, each below the place in its
/// heading, with the row that it stands in.
fn documented() -> BTreeMap<String, String> {
    let text = read("docs/policy.md");
    let mut place = String::new();
    let mut found = BTreeMap::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            place = heading.split('`').nth(1).map_or_else(|| "-".to_owned(), str::to_owned);
        }
        let first = line.strip_prefix("| ").and_then(|row| row.split(" | ").next());
        let Some(first) = first.filter(|_| place != "-") else { continue };
        for name in first.split('`').skip(1).step_by(2) {
            let path = if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
            found.insert(path, line.to_owned());
        }
    }
    found
}

#[test]
fn every_documented_field_exists() {
    let known = known();
    let unknown: Vec<String> =
        documented().into_keys().filter(|field| !known.contains(field)).collect();
    assert!(
        unknown.is_empty(),
        "docs/policy.md has fields that the reader does not know: {unknown:?}"
    );
}

/// Whether a field has a row, or is a mapping whose fields have rows, or is spoken of in the row of
/// the mapping that it is in. Such a row speaks of all fields if none of them has a row of its own,
/// and else of those that it names.
fn is_documented(field: &str, rows: &BTreeMap<String, String>) -> bool {
    let has_rows = |mapping: &str| {
        let mut below = rows.keys().filter_map(|path| path.strip_prefix(mapping));
        below.any(|rest| rest.starts_with(['.', '[']))
    };
    if rows.contains_key(field) || has_rows(field) {
        return true;
    }
    let name = field.rsplit(['.', '[']).next().unwrap();
    let mut mappings = field.rmatch_indices(['.', '[']).map(|(end, _)| &field[..end]);
    let is_word = |c: char| c == '_' || c.is_ascii_alphanumeric();
    mappings.find_map(|mapping| Some((mapping, rows.get(mapping)?))).is_some_and(
        |(mapping, row)| !has_rows(mapping) || row.split(|c| !is_word(c)).any(|word| word == name),
    )
}

#[test]
fn every_field_is_documented() {
    let rows = documented();
    let missing: Vec<String> =
        known().into_iter().filter(|field| !is_documented(field, &rows)).collect();
    assert!(missing.is_empty(), "docs/policy.md lacks {missing:?}");
    let text = |text: &str| text.to_owned();
    let rows =
        [("a", "| `a` | `b` or nothing |"), ("a.c", "| `c` | |"), ("d", "| `d` | all of it |")];
    let rows = rows.map(|(path, row)| (text(path), text(row))).into_iter().collect();
    let cases =
        [("a", true), ("a.b", true), ("a.c", true), ("a.e", false), ("d.f", true), ("g", false)];
    for (field, expected) in cases {
        assert_eq!(is_documented(field, &rows), expected, "{field}");
    }
}

#[test]
fn every_renamed_field_is_told_in_the_upgrade_notes() {
    let notes = read("docs/upgrading.md");
    let tables = POLICY.all();
    let fields =
        tables.iter().flat_map(|table| table.fields.iter().map(move |field| (table, field)));
    let rows: Vec<String> = fields
        .filter_map(|(table, field)| {
            let (place, new) = (table.place, field.name);
            field.old_name.map(|old| format!("| `{place}.{old}` | `{place}.{new}` |"))
        })
        .collect();
    assert_eq!(rows.len(), notes.lines().filter(|line| rows.iter().any(|row| row == line)).count());
    assert!(!rows.is_empty());
}

#[test]
fn the_schema_that_is_published_is_current() {
    let printed = Command::new(env!("CARGO_BIN_EXE_portolan")).arg("schema").output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    assert!(
        printed == read("docs/policy.schema.json"),
        "run `portolan schema >docs/policy.schema.json`"
    );
}
