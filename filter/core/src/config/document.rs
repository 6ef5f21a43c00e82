//! A policy as plain data, before anything is known about its meaning.
//!
//! JSON and YAML both become a [`Document`]. Mappings keep their order and a key that stands
//! twice is an error: the second value would silently win, and the person who wrote the first
//! would never know.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// A value of JSON or of YAML's core schema.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// `null`, or a key without a value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A number. The policy has only whole numbers; a fraction keeps its text for the message.
    Number(serde_json::Number),
    /// A string.
    String(String),
    /// A list.
    List(Vec<Document>),
    /// A mapping, in the order it was written, every key once.
    Mapping(Vec<(String, Document)>),
}

impl Document {
    /// What a person calls this kind of value.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "empty",
            Self::Boolean(_) => "true or false",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::List(_) => "a list",
            Self::Mapping(_) => "a mapping",
        }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Document, E> {
        serde_json::Number::from_f64(value)
            .map(Document::Number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Document, E> {
        Ok(Document::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Document, A::Error> {
        let mut items = Vec::with_capacity(access.size_hint().unwrap_or(0));
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Document::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Document, A::Error> {
        let mut entries = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        while let Some((key, value)) = access.next_entry::<String, Document>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format_args!(
                    "the key `{key}` stands twice; keep one of the two"
                )));
            }
            entries.push((key, value));
        }
        Ok(Document::Mapping(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Document, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn keeps_the_order_of_a_mapping() {
        let keys = |document| match document {
            Document::Mapping(entries) => entries.into_iter().map(|(key, _)| key).collect(),
            _ => vec![],
        };
        assert_eq!(keys(read(r#"{"b":1,"a":2}"#).unwrap()), ["b", "a"]);
    }

    #[test]
    fn refuses_a_key_that_stands_twice() {
        let error = read(r#"{"a":1,"a":2}"#).unwrap_err();
        assert!(error.contains("`a` stands twice"), "{error}");
    }

    #[test]
    fn names_each_kind() {
        let rows = [
            ("null", "empty"),
            ("true", "true or false"),
            ("-1", "a number"),
            ("1.5", "a number"),
            (r#""x""#, "a string"),
            ("[]", "a list"),
            ("{}", "a mapping"),
        ];
        for (json, kind) in rows {
            assert_eq!(read(json).unwrap().kind(), kind, "{json}");
        }
    }
}
