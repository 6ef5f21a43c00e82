//! Policies as JSON, which is what the filter itself reads.

use std::rc::Rc;

use portolan_core::config::Document;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::diagnostic::Diagnostic;
use super::place::{Place, PlaceTree, Position};
use super::yaml;

/// Reads a JSON document, as strictly as the filter does.
///
/// The YAML reader would also take comments and a comma too many; a policy that passes here and
/// is refused by Envoy would be a trap. It is only asked for the places.
pub(super) fn read(text: &str, file: &Rc<str>) -> Result<(Document, PlaceTree), Diagnostic> {
    let document = serde_json::from_str(text).map_err(|error| refuse(&error, text, file))?;
    // Escapes of UTF-16 surrogates are JSON but not YAML: then no place is known.
    let places = match yaml::read(text, file) {
        Ok((same, places)) if same == document => places,
        _ => PlaceTree::leaf(Place::whole(file)),
    };
    Ok((document, places))
}

fn refuse(error: &serde_json::Error, source: &str, file: &Rc<str>) -> Diagnostic {
    let (line, column) = (error.line(), error.column());
    let text = error.to_string();
    let suffix = format!(" at line {line} column {column}");
    let reason = text.strip_suffix(&suffix).unwrap_or(&text);
    let reason = match reason {
        "trailing comma" => "a comma stands before the closing bracket; take it out",
        "key must be a string" => "a key must be in double quotes",
        "expected `,` or `}`" | "expected `,` or `]`" => {
            "a comma is missing before this, or a bracket"
        }
        "expected value" if source.trim_start().starts_with('/') => {
            "JSON has no comments; take them out"
        }
        "expected value" if !source.trim_start().starts_with(['{', '[']) => {
            "this looks like YAML; give the file a name that ends in `.yaml`"
        }
        "expected value" => {
            "a value is missing here; JSON has no comments, and text is in double quotes"
        }
        "EOF while parsing a value" => "the file is empty; a policy starts with `{\"version\": 1`",
        "EOF while parsing an object" | "EOF while parsing a list" => {
            "a bracket is not closed at the end of the file"
        }
        other => other,
    };
    let place = Place::at(file, Position { line, column });
    Diagnostic::mistake(place, format!("this is not JSON: {reason}"))
}

/// The document as the plugin configuration of the filter: JSON, indented, its keys in order.
#[must_use]
pub fn to_json(document: &Document) -> String {
    // Writing to a string cannot fail, and no key is anything but a string.
    serde_json::to_string_pretty(&AsJson(document)).unwrap_or_default()
}

struct AsJson<'d>(&'d Document);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Document::Null => serializer.serialize_unit(),
            Document::Boolean(value) => serializer.serialize_bool(*value),
            Document::Number(number) => number.serialize(serializer),
            Document::String(text) => serializer.serialize_str(text),
            Document::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&AsJson(item))?;
                }
                list.end()
            }
            Document::Mapping(entries) => {
                let mut mapping = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    mapping.serialize_entry(key, &AsJson(value))?;
                }
                mapping.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printed_json_reads_back_in_order() {
        let text = r#"{"b": [1, null, "\ud83d\ude00"], "a": {"z": true, "y": {}}, "c": 1.5}"#;
        let document: Document = serde_json::from_str(text).unwrap();
        let printed = to_json(&document);
        assert_eq!(serde_json::from_str::<Document>(&printed).unwrap(), document);
        assert!(printed.starts_with("{\n  \"b\": ["), "{printed}");
    }

    #[test]
    fn places_come_from_the_same_text() {
        let rows = [
            ("{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}", "p.json:3:3", "tabs"),
            (r#"{"a":{"b":1}}"#, "p.json:1:7", "one line"),
            (r#"{"a":{"b":"\ud83d\ude00"}}"#, "p.json", "an escape that YAML lacks"),
        ];
        for (text, place, reason) in rows {
            let (document, places) = read(text, &"p.json".into()).unwrap();
            assert_eq!(places.find(&document, "a.b").to_string(), place, "{reason}");
        }
    }

    #[test]
    fn json_that_the_filter_would_refuse_is_refused() {
        let rows = [
            (
                "{\n\"a\": 1,\n}",
                "p.json:3:1: this is not JSON: a comma stands before the closing bracket; take it out",
            ),
            ("{a: 1}", "p.json:1:2: this is not JSON: a key must be in double quotes"),
            (
                r#"{"a":1,"a":2}"#,
                "p.json:1:13: this is not JSON: the key `a` stands twice; keep one of the two",
            ),
        ];
        for (text, expected) in rows {
            let found = read(text, &"p.json".into()).unwrap_err().to_string();
            assert_eq!(found, expected);
        }
    }
}
