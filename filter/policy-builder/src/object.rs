//! Objects of JSON that grow field by field: the common part of all parts of a policy.

use serde_json::Value;

/// A list of strings.
pub fn strings<'s>(all: impl IntoIterator<Item = &'s str>) -> Value {
    all.into_iter().map(Value::from).collect()
}

/// Gives a type of one `fields: Map<String, Value>` what all parts of a policy have: `with` for a
/// field of any name, and its value.
macro_rules! object {
    ($part:ident) => {
        impl $part {
            /// Sets a field by its name.
            #[must_use]
            pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
                self.fields.insert(field.to_owned(), value.into());
                self
            }
        }

        impl From<$part> for Value {
            fn from(part: $part) -> Self {
                part.fields.into()
            }
        }
    };
}

pub(crate) use object;
