//! Fields with another name in an earlier release: they are read under both names.
//!
//! A document gets the names of today before anything looks into it, so that the old ones are known
//! here and in the tables alone.

use crate::config::document::Document;
use crate::config::fields::policy::POLICY;
use crate::config::fields::table::{Table, Value};
use crate::config::mistake::Path;

/// A field that was written by the name that it had in an earlier release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldName {
    /// Where it stands, as [`Mistake::path`](crate::config::Mistake::path), by the names of today.
    pub path: String,
    /// The name that was written.
    pub old: &'static str,
    /// The name of today.
    pub new: &'static str,
}

/// Gives each field of a policy the name that it has today, and says which had another one.
///
/// Where both names stand in one mapping the old one stays, and is a mistake to the reader.
pub fn rename_old_fields(policy: &mut Document) -> Vec<OldName> {
    let mut found = Vec::new();
    of_table(policy, &POLICY, &Path::Root, &mut found);
    found
}

fn of_table(document: &mut Document, table: &Table, path: &Path<'_>, found: &mut Vec<OldName>) {
    let Document::Mapping(entries) = document else { return };
    for field in table.fields {
        let position = |name: &str| entries.iter().position(|(key, _)| key == name);
        let old = field.old_name.filter(|_| position(field.name).is_none());
        let Some((old, index)) = old.and_then(|old| Some((old, position(old)?))) else { continue };
        if let Some((key, _)) = entries.get_mut(index) {
            field.name.clone_into(key);
            let path = path.key(field.name).to_string();
            found.push(OldName { path, old, new: field.name });
        }
    }
    for (key, value) in entries {
        if let Some(field) = table.field(key) {
            of_value(value, &field.value, &path.key(key), found);
        }
    }
}

fn of_value(document: &mut Document, value: &Value, path: &Path<'_>, found: &mut Vec<OldName>) {
    match value {
        Value::Fields(table) | Value::OneField(table) => of_table(document, table, path, found),
        Value::Any(values) => {
            for value in *values {
                of_value(document, value, path, found);
            }
        }
        Value::ByName(each) | Value::ByText(each) => {
            let Document::Mapping(entries) = document else { return };
            for (key, value) in entries {
                of_value(value, each, &path.key(key), found);
            }
        }
        Value::List(each) | Value::Items(each) => {
            let Document::List(items) = document else { return };
            for (index, item) in items.iter_mut().enumerate() {
                of_value(item, each, &path.item(index), found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{optional, required};
    use super::*;

    static BOOK: Table = Table {
        place: "",
        fields: &[
            optional("pages", Value::Whole(1, 9), "how many").formerly("leaves"),
            optional(
                "authors",
                Value::Any(&[Value::Text, Value::Items(&Value::Fields(&PERSON))]),
                "by whom",
            )
            .formerly("by"),
            optional("lent", Value::ByName(&Value::Fields(&PERSON)), "to whom"),
        ],
    };
    static PERSON: Table = Table {
        place: "person",
        fields: &[required("surname", Value::Text, "family").formerly("name")],
    };

    #[test]
    fn each_field_gets_the_name_of_today_where_it_stands() {
        #[rustfmt::skip]
        let rows: [(&str, &str, &[&str]); 7] = [
            (r#"{"leaves":1}"#, r#"{"pages":1}"#, &["pages"]),
            (r#"{"x":0,"leaves":1,"lent":{}}"#, r#"{"x":0,"pages":1,"lent":{}}"#, &["pages"]),
            (r#"{"leaves":1,"pages":2}"#, r#"{"leaves":1,"pages":2}"#, &[]),
            (r#"{"by":[{"name":"a"},{"surname":"b"}]}"#, r#"{"authors":[{"surname":"a"},{"surname":"b"}]}"#, &["authors", "authors[0].surname"]),
            (r#"{"lent":{"name":{"name":"a"}}}"#, r#"{"lent":{"name":{"surname":"a"}}}"#, &["lent.name.surname"]),
            (r#"{"name":"no field of a book","lent":"name"}"#, r#"{"name":"no field of a book","lent":"name"}"#, &[]),
            (r#"["leaves"]"#, r#"["leaves"]"#, &[]),
        ];
        for (before, after, expected) in rows {
            let read = |json: &str| serde_json::from_str::<Document>(json).unwrap();
            let mut document = read(before);
            let mut found = Vec::new();
            of_table(&mut document, &BOOK, &Path::Root, &mut found);
            assert_eq!(document, read(after), "{before}");
            let paths: Vec<&str> = found.iter().map(|old| old.path.as_str()).collect();
            assert_eq!(paths, expected, "{before}");
        }
    }
}
