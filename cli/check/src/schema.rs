//! `portolan schema`: the JSON Schema of a policy, for editors and for pipelines without this
//! command.
//!
//! It is made from the tables that the reader itself takes the fields from. It says which fields
//! there are and what their values look like; what a value refers to, and what contradicts what,
//! only `portolan check` knows.

use std::io::{self, Write};

use portolan_core::config::fields::{Field, POLICY, Table, Value};
use serde_json::{Map, Value as Json, json};

/// Draft 7 is what editors understand best.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// What a name of the policy's own looks like.
const NAME: &str = "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$";

/// Prints the schema.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{}", serde_json::to_string_pretty(&schema())?)
}

fn schema() -> Json {
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!(DRAFT));
    root.insert("title".to_owned(), json!("Policy of Portolan, version 1"));
    root.extend(table(&POLICY));
    Json::Object(root)
}

/// A mapping with the fields of a table. One without any required field may be left empty.
fn table(table: &Table) -> Map<String, Json> {
    let properties = table.fields.iter().map(|field| (field.name.to_owned(), property(field)));
    let required: Vec<&str> =
        table.fields.iter().filter(|field| field.is_required).map(|field| field.name).collect();
    let mut schema = Map::new();
    let kind = if required.is_empty() { json!(["object", "null"]) } else { json!("object") };
    schema.insert("type".to_owned(), kind);
    schema.insert("properties".to_owned(), Json::Object(properties.collect()));
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    schema.insert("additionalProperties".to_owned(), json!(false));
    schema
}

fn property(field: &Field) -> Json {
    let mut schema = Map::new();
    schema.insert("description".to_owned(), json!(field.meaning));
    if let Json::Object(own) = value(&field.value) {
        schema.extend(own);
    }
    Json::Object(schema)
}

fn value(of: &Value) -> Json {
    match of {
        Value::Version => json!({"const": 1}),
        Value::Text => json!({"type": "string", "minLength": 1}),
        Value::TextOrNothing => json!({"type": "string"}),
        Value::Url => json!({"type": "string", "pattern": "^https?://"}),
        Value::Time => json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"}),
        Value::Flag => json!({"type": "boolean"}),
        Value::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Value::Words(words) => json!({"enum": words}),
        Value::List(item) => json!({"type": "array", "items": value(item)}),
        Value::Items(item) => json!({"type": "array", "items": value(item), "minItems": 1}),
        Value::ByName(one) => json!({
            "type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": value(one)
        }),
        Value::ByText(one) => json!({"type": "object", "additionalProperties": value(one)}),
        Value::Fields(fields) => Json::Object(table(fields)),
        Value::OneField(fields) => {
            let mut schema = table(fields);
            schema.insert("minProperties".to_owned(), json!(1));
            schema.insert("maxProperties".to_owned(), json!(1));
            Json::Object(schema)
        }
        Value::Any(values) => json!({"anyOf": values.iter().map(value).collect::<Vec<_>>()}),
    }
}
