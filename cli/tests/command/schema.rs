//! `portolan schema`: what it accepts and refuses, against what `portolan check` does.

use std::path::Path;

use portolan_core::config::Config;
use portolan_core::config::fields::{POLICY, Table, Value as Shape};
use serde_json::{Map, Value, json};

use crate::json_schema::fault;
use crate::portolan::Directory;

fn schema() -> Value {
    let run = Directory::with(&[]).run(&["schema"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn every_example_is_valid_and_names_the_schema() {
    let schema = schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut seen = 0;
    for entry in std::fs::read_dir(root.join("envoy")).unwrap() {
        let path = entry.unwrap().path().join("portolan.yaml");
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let first = text.lines().next().unwrap();
        assert_eq!(
            first,
            "# yaml-language-server: $schema=../../docs/policy.schema.json",
            "{}",
            path.display()
        );
        let path = path.to_str().unwrap();
        let run = Directory::with(&[]).run(&["render", path, "--filter-configuration"]);
        assert_eq!(run.status, 0, "{}", run.stderr);
        let policy: Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(fault(&schema, &policy), None, "{path}");
        seen += 1;
    }
    assert!(seen > 5, "the examples were not found");
}

/// A policy in which each mapping that a table is about stands once, at the place of the table.
fn with_everything() -> Value {
    fn of(shape: &'static Shape) -> Value {
        match shape {
            Shape::Version => json!(1),
            Shape::Text | Shape::TextOrNothing => json!("x"),
            Shape::Url => json!("https://x.example"),
            Shape::Time => json!("1s"),
            Shape::Flag => json!(true),
            Shape::Whole(least, _) => json!(least),
            Shape::Words(words) => json!(words[0]),
            Shape::List(item) | Shape::Items(item) => json!([of(item)]),
            Shape::ByName(one) | Shape::ByText(one) => json!({"default": of(one)}),
            Shape::Fields(table) => fields(table),
            Shape::OneField(table) => {
                let field = &table.fields[0];
                json!({field.name: of(&field.value)})
            }
            // The richest of them.
            Shape::Any(shapes) => of(shapes.last().unwrap()),
        }
    }
    fn fields(table: &'static Table) -> Value {
        let all = table.fields.iter().filter(|field| field.name != "network_files");
        Value::Object(
            all.map(|field| (field.name.to_owned(), of(&field.value))).collect::<Map<_, _>>(),
        )
    }
    fields(&POLICY)
}

/// Every mapping with the fields of a table in a value, by its JSON pointer.
fn mappings(value: &Value) -> Vec<String> {
    fn collect(value: &Value, pointer: &str, found: &mut Vec<String>) {
        match value {
            Value::Object(entries) => {
                found.push(pointer.to_owned());
                for (key, value) in entries {
                    collect(value, &format!("{pointer}/{key}"), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    collect(item, &format!("{pointer}/{index}"), found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    collect(value, "", &mut found);
    found
}

fn told(policy: &Value) -> Vec<String> {
    match Config::from_json(policy.to_string().as_bytes()) {
        Ok(_) => vec![],
        Err(found) => found.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn a_document_valid_under_the_schema_has_known_fields_and_kinds_of_values() {
    let policy = with_everything();
    assert_eq!(fault(&schema(), &policy), None);
    // It contradicts itself in many ways, but all of it can be read.
    let unreadable: Vec<String> = told(&policy)
        .into_iter()
        .filter(|line| line.contains("no such field") || line.contains("is a string; write"))
        .collect();
    assert!(unreadable.is_empty(), "{unreadable:#?}");
}

#[test]
fn every_unknown_field_that_is_refused_is_refused_by_the_schema() {
    let schema = schema();
    let policy = with_everything();
    let mut tried = 0;
    for pointer in mappings(&policy) {
        let mut changed = policy.clone();
        let mapping = changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
        mapping.insert("zzzzzzzz".to_owned(), json!("x"));
        let is_refused =
            told(&changed).iter().any(|line| line.contains("zzzzzzzz: there is no such field"));
        // Where names of the policy's own stand there are no unknown fields.
        if is_refused {
            assert!(fault(&schema, &changed).is_some(), "{pointer}");
            tried += 1;
        }
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn every_value_of_another_kind_is_refused_by_both() {
    let schema = schema();
    let policy = with_everything();
    let mut tried = 0;
    for table in POLICY.all() {
        for field in table.fields.iter().filter(|field| field.name != "network_files") {
            let pointer = pointer_of(table, &policy);
            let Some(pointer) = pointer else { continue };
            let mut changed = policy.clone();
            let mapping = changed.pointer_mut(&pointer).unwrap().as_object_mut().unwrap();
            // No field of a policy is a fraction.
            mapping.insert(field.name.to_owned(), json!(1.5));
            let place = format!("{}.{}", table.place, field.name);
            assert!(fault(&schema, &changed).is_some(), "{place}");
            assert!(!told(&changed).is_empty(), "{place}");
            tried += 1;
        }
    }
    assert!(tried > 80, "{tried}");
}

/// Where the mapping of a table stands in the policy with everything.
fn pointer_of(table: &Table, policy: &Value) -> Option<String> {
    let mut steps = String::new();
    for step in table.place.split('.').filter(|step| !step.is_empty()) {
        let name = step.trim_end_matches("[]");
        let name = if matches!(name, "NAME" | "REGION") { "default" } else { name };
        steps.push('/');
        steps.push_str(name);
        if step.ends_with("[]") {
            steps.push_str("/0");
        }
    }
    policy.pointer(&steps).filter(|value| value.is_object()).map(|_| steps)
}

#[test]
fn documents_that_the_schema_refuses() {
    let schema = schema();
    let good = json!({
        "version": 1, "fronts": {"m": {"hosts": ["r.example"]}}, "regions": {"default": null},
        "backends": {"a": {"url": "https://a.example"}},
        "rules": [{"name": "r", "repositories": ["x"], "chains": {"default": ["a", {"backend": "a", "share": 5}]}}]
    });
    assert_eq!(fault(&schema, &good), None);
    #[rustfmt::skip]
    let rows = [
        ("/version", json!(2), "another version"),
        ("/backends/a/url", json!("ghcr.io"), "no scheme"),
        ("/backends/a", json!({"url": "https://a", "auth": {"token": {}, "basic": {}}}), "two of one"),
        ("/backends/a", json!({"url": "https://a", "ejection": {"time": "1d"}}), "no unit of a policy"),
        ("/backends/a", json!({"url": "https://a", "limits": {"requests": 0}}), "out of range"),
        ("/rules/0/repositories", json!([]), "empty"),
        ("/rules/0/chains/default", json!("a"), "no list"),
        ("/rules/0", json!({"name": "r"}), "something is missing"),
        ("/fronts", json!({"a b": {"hosts": ["x"]}}), "no name"),
    ];
    for (pointer, value, reason) in rows {
        let mut policy = good.clone();
        *policy.pointer_mut(pointer).unwrap() = value;
        assert!(fault(&schema, &policy).is_some(), "{reason}");
        assert!(!told(&policy).is_empty(), "{reason}");
    }
}
