//! What is said of values that cannot be read.

use super::*;
use crate::config::fields::{BACKEND, FRONT, LINK, RULE};

fn messages(json: &str, read: impl FnOnce(Node<'_>)) -> Vec<String> {
    let document: Document = serde_json::from_str(json).unwrap();
    let mistakes = Mistakes::default();
    read(Node::new(&document, &Path::Root, &mistakes));
    match mistakes.into_result(Some(())) {
        Ok(()) => vec![],
        Err(found) => found.iter().map(ToString::to_string).collect(),
    }
}

fn read(node: Node<'_>, table: &'static Table) {
    let _ = node.fields(table);
}

#[test]
fn every_mistake_is_found_not_the_first() {
    let json = r#"{"backends":"x","share":"y"}"#;
    let found = messages(json, |node| {
        let fields = node.fields(&LINK);
        fields.required("backend", "a name", |name| name.list("a list", |_| Some(())).map(drop));
        fields.optional("share", |share| share.number("a number of percent"));
    });
    assert_eq!(
        found,
        [
            "backends: there is no such field; did you mean `backend`?",
            "backends: is a string; write a list, also for one: `[\"x\"]`",
            "share: is the text `y`; write a number of percent",
        ]
    );
}

#[test]
fn fields_that_are_missing() {
    let rows: [(&str, &'static Table, &[&str]); 7] = [
        ("null", &FRONT, &["is empty; write `hosts`"]),
        ("{}", &RULE, &["is empty; write `name`, `repositories` and `chains`"]),
        (
            "[]",
            &BACKEND,
            &["is a list; write a mapping: no `-` before them, and a colon behind each name"],
        ),
        (r#""https://ghcr.io""#, &BACKEND, &["is a string; write `{url: https://ghcr.io}`"]),
        (r#""r.example""#, &FRONT, &["is a string; write `{hosts: [r.example]}`"]),
        (
            r#""url:https://ghcr.io""#,
            &BACKEND,
            &["lacks a space behind the colon; write `url: https://ghcr.io`"],
        ),
        (r#""robot:planted""#, &BACKEND, &["lacks a space behind the colon; write `robot: …`"]),
    ];
    for (json, table, expected) in rows {
        assert_eq!(messages(json, |node| read(node, table)), expected, "{json}");
    }
}

#[test]
fn values_of_another_kind() {
    type Read = fn(Node<'_>);
    let text: Read = |node| {
        let _ = node.string("the name of a backend");
    };
    let flag: Read = |node| {
        let _ = node.boolean();
    };
    let number: Read = |node| {
        let _ = node.number("a whole number");
    };
    let list: Read = |node| drop(node.list("a list of names", |_| Some(())));
    let mapping: Read = |node| drop(node.entries("a mapping of backends by name", |_, _| Some(())));
    #[rustfmt::skip]
    let rows = [
        ("null", text, "is empty; write the name of a backend"),
        ("7", text, "is a number; write the name of a backend"),
        ("true", text, "is true or false; write the name of a backend"),
        (r#"["ghcr"]"#, text, "is a list; write one value: `ghcr`"),
        (r#"["a", "b"]"#, text, "is a list; write the name of a backend"),
        ("{}", text, "is a mapping; write the name of a backend"),
        (r#""yes""#, flag, "is the text `yes`; write `true`"),
        (r#""Off""#, flag, "is the text `Off`; write `false`"),
        (r#""true""#, flag, "is the text `true`, in quotes; write `true` without them"),
        ("1", flag, "is the number 1; write `true`"),
        ("2", flag, "is a number; write `true` or `false`"),
        (r#""maybe""#, flag, "is a string; write `true` or `false`"),
        (r#""100""#, number, "is the text `100`; write the number `100`"),
        (r#""10_000""#, number, "is the text `10_000`; write the number `10000`"),
        ("-1", number, "is -1; write a whole number"),
        ("1.5", number, "is 1.5; write a whole number"),
        (r#""ten""#, number, "is the text `ten`; write a whole number"),
        (r#""ghcr""#, list, "is a string; write a list of names, also for one: `[\"ghcr\"]`"),
        (r#""ghcr, quay""#, list, "is a string; write a list of names: `[\"ghcr\", \"quay\"]`"),
        (r#""-ghcr""#, list, "lacks a space behind its `-`; write `- ghcr`"),
        (r#"{"-name": "x"}"#, list, "lacks a space behind its `-`; write `- name`"),
        (r#"{"a": 1}"#, list, "is a mapping; write a list of names, with a `-` before each"),
        ("[]", mapping, "is a list; write a mapping of backends by name: no `-` before them, and a colon behind each name"),
        (r#""x""#, mapping, "is a string; write a mapping of backends by name"),
        (r#""https://x""#, mapping, "is a string; write a mapping of backends by name"),
    ];
    for (json, read, expected) in rows {
        assert_eq!(messages(json, read), [expected], "{json}");
    }
}

#[test]
fn words() {
    let words = [("pass", 1), ("follow", 2)];
    #[rustfmt::skip]
    let rows = [
        ("follow", None),
        ("folow", Some("`folow` is not valid; did you mean `follow`?")),
        ("Pass", Some("`Pass` is not valid; did you mean `pass`?")),
        ("x", Some("`x` is not valid; write a word")),
    ];
    for (word, expected) in rows {
        let found = messages(&format!("\"{word}\""), |node| {
            let _ = node.word("a word", &words);
        });
        assert_eq!(found.first().map(String::as_str), expected, "{word}");
    }
}

#[test]
fn files_of_other_programs() {
    #[rustfmt::skip]
    let rows = [
        (r#"{"static_resources": {}}"#, "is a configuration of Envoy"),
        (r#"{"apiVersion": "v1", "kind": "ConfigMap"}"#, "is an object of Kubernetes"),
        (r#"{"version": 0.1, "storage": {}, "http": {}}"#, "is a configuration of a registry"),
        (r#"{"services": {}}"#, "is a file of Docker Compose"),
        (r#"{"mirrors": {}}"#, "is a `registries.yaml` of k3s"),
        (r#"{"networks": {}}"#, "is a file of networks"),
    ];
    for (json, expected) in rows {
        let document: Document = serde_json::from_str(json).unwrap();
        let found = crate::config::Config::from_document(&document).unwrap_err();
        assert_eq!(found.len(), 1, "{json}: {found:?}");
        assert!(found[0].to_string().starts_with(expected), "{found:?}");
    }
}
