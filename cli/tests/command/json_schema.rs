//! Whether a value is valid under a JSON Schema (draft 7), as far as the schemas of this tree go.
//!
//! A keyword that is not known here ends the test: nothing in a schema goes unchecked.

use serde_json::Value;

/// Why a value is not valid; the first reason that is found.
pub(crate) fn fault(schema: &Value, value: &Value) -> Option<String> {
    let keywords = schema.as_object().unwrap_or_else(|| panic!("no schema: {schema}"));
    keywords.iter().find_map(|(keyword, wanted)| {
        let fault = of_keyword(keyword, wanted, schema, value)?;
        Some(format!("{fault}: {}", value.to_string().chars().take(80).collect::<String>()))
    })
}

fn of_keyword(keyword: &str, wanted: &Value, schema: &Value, value: &Value) -> Option<String> {
    let wrong = |is_wrong: bool| is_wrong.then(|| format!("{keyword} {wanted}"));
    match keyword {
        "$schema"
        | "title"
        | "description"
        | "items"
        | "propertyNames"
        | "additionalProperties" => below(keyword, wanted, schema, value),
        "type" => {
            let kinds = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
            wrong(!kinds.iter().any(|kind| is_of(kind.as_str().unwrap(), value)))
        }
        "const" => wrong(value != wanted),
        "enum" => wrong(!wanted.as_array().unwrap().contains(value)),
        "minLength" => wrong(
            value
                .as_str()
                .is_some_and(|text| (text.chars().count() as u64) < wanted.as_u64().unwrap()),
        ),
        "minItems" => wrong(
            value.as_array().is_some_and(|items| (items.len() as u64) < wanted.as_u64().unwrap()),
        ),
        "minProperties" => wrong(
            value.as_object().is_some_and(|all| (all.len() as u64) < wanted.as_u64().unwrap()),
        ),
        "maxProperties" => {
            wrong(value.as_object().is_some_and(|all| all.len() as u64 > wanted.as_u64().unwrap()))
        }
        "minimum" => wrong(value.as_f64().is_some_and(|number| number < wanted.as_f64().unwrap())),
        "maximum" => wrong(value.as_f64().is_some_and(|number| number > wanted.as_f64().unwrap())),
        "pattern" => {
            wrong(value.as_str().is_some_and(|text| !matches(wanted.as_str().unwrap(), text)))
        }
        "required" => {
            let names = wanted.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
            let missing =
                names.filter(|name| value.as_object().is_some_and(|all| !all.contains_key(*name)));
            missing.map(|name| format!("{name} is missing")).next()
        }
        "properties" => wanted.as_object().unwrap().iter().find_map(|(name, schema)| {
            fault(schema, value.get(name)?).map(|fault| format!("{name}: {fault}"))
        }),
        "anyOf" => wrong(wanted.as_array().unwrap().iter().all(|one| fault(one, value).is_some())),
        other => panic!("the keyword {other} is not known here"),
    }
}

/// The keywords that are about what is in a value.
fn below(keyword: &str, wanted: &Value, schema: &Value, value: &Value) -> Option<String> {
    match keyword {
        "items" => value.as_array()?.iter().find_map(|item| fault(wanted, item)),
        "propertyNames" => {
            value.as_object()?.keys().find_map(|name| fault(wanted, &Value::String(name.clone())))
        }
        "additionalProperties" => {
            let known = schema.get("properties").and_then(Value::as_object);
            let mut others = value.as_object()?.iter();
            others.find_map(|(name, value)| match wanted {
                _ if known.is_some_and(|known| known.contains_key(name)) => None,
                Value::Bool(true) => None,
                Value::Bool(false) => Some(format!("{name} is not known")),
                schema => fault(schema, value).map(|fault| format!("{name}: {fault}")),
            })
        }
        _ => None,
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("the type {other} is not known here"),
    }
}

/// The patterns of this tree, each in its own words.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        "^https?://" => text.starts_with("http://") || text.starts_with("https://"),
        "^[0-9]+(ms|s|m|h)$" => {
            let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
            unit.len() < text.len() && ["ms", "s", "m", "h"].contains(&unit)
        }
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$" => {
            let known = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            text.len() <= 63
                && text.starts_with(|c: char| c.is_ascii_alphanumeric())
                && text.chars().all(known)
        }
        other => panic!("the pattern {other} is not known here"),
    }
}
