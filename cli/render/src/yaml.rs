//! JSON values as YAML that is pleasant to read and that nothing can misread.
//!
//! Envoy and this crate read YAML with different libraries, which do not agree on what a plain
//! `on`, `1_000` or `2026-01-01` is. So a string stands plain only if every reader takes it for a
//! string.

use serde_json::{Map, Value};

/// A document, ended by a newline.
pub(super) fn print(document: &Value) -> String {
    let mut text = String::new();
    match document {
        Value::Object(fields) if !fields.is_empty() => print_mapping(&mut text, fields, 0),
        Value::Array(items) if !items.is_empty() => print_list(&mut text, items, 0),
        other => {
            print_scalar(&mut text, other, 0);
            text.push('\n');
        }
    }
    text
}

/// A mapping whose first key continues the current line; `indent` is the column of its keys.
fn print_mapping(text: &mut String, fields: &Map<String, Value>, indent: usize) {
    let mut first = true;
    for (key, value) in fields {
        if !first {
            spaces(text, indent);
        }
        first = false;
        print_flow_string(text, key);
        text.push(':');
        print_value(text, value, indent);
    }
}

/// What stands behind a key, with the end of the line.
fn print_value(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let inner = indent.saturating_add(2);
            text.push('\n');
            spaces(text, inner);
            print_mapping(text, fields, inner);
        }
        // The dashes of a list stand under its key.
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            spaces(text, indent);
            print_list(text, items, indent);
        }
        scalar => {
            text.push(' ');
            print_scalar(text, scalar, indent.saturating_add(2));
            text.push('\n');
        }
    }
}

/// A list whose first dash continues the current line; `indent` is the column of its dashes.
fn print_list(text: &mut String, items: &[Value], indent: usize) {
    let inner = indent.saturating_add(2);
    let mut first = true;
    for item in items {
        if !first {
            spaces(text, indent);
        }
        first = false;
        text.push_str("- ");
        match item {
            Value::Object(fields) if !fields.is_empty() => print_mapping(text, fields, inner),
            Value::Array(items) if !items.is_empty() => print_list(text, items, inner),
            scalar => {
                print_scalar(text, scalar, inner);
                text.push('\n');
            }
        }
    }
}

/// Anything that is not a block; `indent` is the column of a block literal's lines.
fn print_scalar(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::String(string) if is_literal(string) => print_literal(text, string, indent),
        Value::String(string) => print_flow_string(text, string),
        // Numbers, `true`, `false`, `null`, `[]` and `{}` are the same in JSON.
        other => text.push_str(&other.to_string()),
    }
}

/// Whether a string can stand line by line: it has lines, they are printable, none of them is
/// blank at its end, and the first does not start with the spaces that would set the indentation.
fn is_literal(string: &str) -> bool {
    let clean = |line: &str| !line.ends_with([' ', '\t', '\r']) && line.chars().all(is_printable);
    let body = string.strip_suffix('\n').unwrap_or(string);
    body.contains('\n')
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(clean)
}

fn print_literal(text: &mut String, string: &str, indent: usize) {
    text.push_str(if string.ends_with('\n') { "|" } else { "|-" });
    for line in string.strip_suffix('\n').unwrap_or(string).split('\n') {
        text.push('\n');
        if !line.is_empty() {
            spaces(text, indent);
            text.push_str(line);
        }
    }
}

/// A string on one line: plain, or with double quotes and JSON's escapes, which YAML shares.
fn print_flow_string(text: &mut String, string: &str) {
    if is_plain(string) {
        text.push_str(string);
        return;
    }
    text.push('"');
    for character in string.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            '\n' => text.push_str("\\n"),
            _ if is_printable(character) => text.push(character),
            _ => {
                let escape = format!("\\U{:08x}", u32::from(character));
                text.push_str(&escape);
            }
        }
    }
    text.push('"');
}

/// Words that some reader takes for a boolean, for nothing or for a number.
const RESERVED: [&str; 11] =
    ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"];

/// Whether every reader takes the unquoted text for this very string: a word that starts like
/// one and holds only characters without a meaning, or a duration such as `0.25s`.
fn is_plain(string: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
    let starts_a_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'/';
    string.bytes().next().is_some_and(starts_a_word)
        && string.bytes().all(word)
        && !RESERVED.contains(&string.to_ascii_lowercase().as_str())
        || is_duration(string)
}

fn is_duration(string: &str) -> bool {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    string.strip_suffix('s').is_some_and(|seconds| match seconds.split_once('.') {
        Some((whole, fraction)) => number(whole) && number(fraction),
        None => number(seconds),
    })
}

/// The printable characters of YAML (1.2.2, rule 1), without those that some readers drop or
/// take for the end of a line.
fn is_printable(character: char) -> bool {
    matches!(character,
        ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}'
        | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

fn spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use saphyr::{LoadableYamlNode, Scalar, Yaml};
    use serde_json::json;

    use super::*;

    /// The independent reader: YAML as JSON.
    fn read(text: &str) -> Value {
        let documents = Yaml::load_from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(documents.len(), 1, "{text}");
        as_json(&documents[0])
    }

    fn as_json(yaml: &Yaml<'_>) -> Value {
        match yaml {
            Yaml::Value(Scalar::Null) => Value::Null,
            Yaml::Value(Scalar::Boolean(value)) => (*value).into(),
            Yaml::Value(Scalar::Integer(value)) => (*value).into(),
            Yaml::Value(Scalar::FloatingPoint(value)) => (**value).into(),
            Yaml::Value(Scalar::String(value)) => value.as_ref().into(),
            Yaml::Sequence(items) => items.iter().map(as_json).collect(),
            Yaml::Mapping(fields) => {
                let pair = |(key, value): (&Yaml<'_>, &Yaml<'_>)| {
                    (key.as_str().unwrap().to_owned(), as_json(value))
                };
                fields.iter().map(pair).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn looks_like_a_person_wrote_it() {
        let document = json!({
            "name": "portolan",
            "empty": {"list": [], "mapping": {}},
            "numbers": [1, 0.25, true, null],
            "nested": [[{"a": 1, "b": [2]}], {"c": {"d": "0.25s"}}],
            "policy": "{\n  \"version\": 1\n}\n",
            "last": "a\n\nb",
        });
        let expected = r#"name: portolan
empty:
  list: []
  mapping: {}
numbers:
- 1
- 0.25
- true
- null
nested:
- - a: 1
    b:
    - 2
- c:
    d: 0.25s
policy: |
  {
    "version": 1
  }
last: |-
  a

  b
"#;
        assert_eq!(print(&document), expected);
        assert_eq!(read(expected), document);
    }

    #[test]
    fn quotes_what_a_reader_could_misread() {
        let rows = [
            ("ghcr.io", "ghcr.io", "a word"),
            ("/etc/portolan/portolan.wasm", "/etc/portolan/portolan.wasm", "a path"),
            ("10s", "10s", "a duration"),
            ("", "\"\"", "nothing"),
            ("No", "\"No\"", "a boolean of YAML 1.1"),
            ("127.0.0.1", "\"127.0.0.1\"", "starts like a number"),
            ("1e3", "\"1e3\"", "a number"),
            ("@type", "\"@type\"", "a reserved character"),
            ("x:y", "\"x:y\"", "a key, to a reader that is not careful"),
            ("a b", "\"a b\"", "could be folded"),
            ("*", "\"*\"", "an alias"),
            ("%START_TIME%", "\"%START_TIME%\"", "a directive"),
            ("C:\\\"x\"", "\"C:\\\\\\\"x\\\"\"", "escapes"),
            ("\u{7f}\u{feff}\u{85}", "\"\\U0000007f\\U0000feff\\U00000085\"", "not printable"),
            ("a\n", "\"a\\n\"", "a single line"),
            (" a\nb", "\" a\\nb\"", "spaces that would set the indentation"),
            ("a \nb", "\"a \\nb\"", "a blank that an editor would remove"),
        ];
        for (string, expected, reason) in rows {
            assert_eq!(print(&string.into()), format!("{expected}\n"), "{reason}");
        }
    }

    fn any_string() -> impl Strategy<Value = String> {
        prop_oneof![
            "[ a-z0-9:#'\"\\n\\t{},|>*&!%@`-]{0,12}",
            "(true|No|~|null|0x1f|0o7|1e3|\\.5|-1|1:30|2026-01-01|---|\\.\\.\\.)",
            any::<String>(),
        ]
    }

    fn any_document() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any_string().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((any_string(), inner), 0..4)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_as_it_was(document in any_document()) {
            let text = print(&document);
            prop_assert_eq!(read(&text), document, "{}", text);
        }
    }
}
