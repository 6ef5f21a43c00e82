//! Envoy's typed configurations: a message with its type written in it.

use serde_json::{Map, Value};

/// `fields`, a JSON object, as the message `envoy.<message>`.
pub(super) fn typed(message: &str, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert("@type".to_owned(), format!("type.googleapis.com/envoy.{message}").into());
    if let Value::Object(fields) = fields {
        object.extend(fields);
    }
    Value::Object(object)
}

/// An extension: the name by which Envoy lists it, and its typed configuration.
pub(super) fn extension(name: &str, message: &str, fields: Value) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), name.into());
    object.insert("typed_config".to_owned(), typed(message, fields));
    Value::Object(object)
}

/// One object of the fields of several; what is no object adds nothing.
pub(super) fn object(parts: impl IntoIterator<Item = Value>) -> Value {
    let mut fields = Map::new();
    for part in parts {
        if let Value::Object(part) = part {
            fields.extend(part);
        }
    }
    Value::Object(fields)
}
