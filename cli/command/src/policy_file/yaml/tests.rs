//! YAML as people write it, and what is refused of it.

use proptest::prelude::*;

use super::super::place::join;
use super::super::to_json;
use super::*;

fn read_text(text: &str) -> Result<Document, Vec<String>> {
    match read(text, &"p.yaml".into()) {
        Ok((document, _)) => Ok(document),
        Err(found) => Err(found.iter().map(ToString::to_string).collect()),
    }
}

#[test]
fn values_are_those_of_the_core_schema() {
    let rows = [
        ("NO", r#""NO""#, "Norway"),
        ("no", r#""no""#, "not a boolean in YAML 1.2"),
        ("yes", r#""yes""#, "not a boolean in YAML 1.2"),
        ("on", r#""on""#, "not a boolean in YAML 1.2"),
        ("true", "true", "a boolean"),
        ("1", "1", "a number"),
        ("1.5", "1.5", "a number"),
        ("'1'", r#""1""#, "quotes make text"),
        ("~", "null", "nothing"),
        ("", "null", "nothing"),
        ("2026-01-01", r#""2026-01-01""#, "no dates"),
        ("10.0.0.0/8", r#""10.0.0.0/8""#, "a prefix"),
        ("127.0.0.1:5000", r#""127.0.0.1:5000""#, "no sexagesimal numbers"),
        ("22:22", r#""22:22""#, "no sexagesimal numbers"),
        ("[2600:1f00::/24, ::/0]", r#"["2600:1f00::/24","::/0"]"#, "colons in a flow list"),
        ("{a: [b, {c: d}]}", r#"{"a":["b",{"c":"d"}]}"#, "flow collections"),
        ("\"\\u00e9\\t\"", "\"é\\t\"", "escapes"),
        ("|\n  a\n  b\n", "\"a\\nb\\n\"", "a block"),
        ("drycc/**", r#""drycc/**""#, "a glob that needs no quotes"),
    ];
    for (yaml, json, reason) in rows {
        let document =
            read_text(&format!("key: {yaml}")).unwrap_or_else(|e| panic!("{yaml}: {e:?}"));
        let expected: Document = serde_json::from_str(&format!("{{\"key\":{json}}}")).unwrap();
        assert_eq!(document, expected, "{yaml}: {reason}");
    }
}

#[test]
fn aliases_repeat_whole_values() {
    let document = read_text("a: &eu [x, &y z]\nb: *eu\nc: *y\nd: {e: *eu}\n").unwrap();
    let expected = r#"{"a":["x","z"],"b":["x","z"],"c":"z","d":{"e":["x","z"]}}"#;
    assert_eq!(document, serde_json::from_str(expected).unwrap());
}

#[test]
fn a_value_of_an_alias_has_the_place_of_its_anchor() {
    let (document, places) = read("a: &eu [x, y]\nb: *eu\n", &"p".into()).unwrap();
    assert_eq!(places.find(&document, "b").to_string(), "p:2:1");
    assert_eq!(places.find(&document, "b[1]").to_string(), "p:1:12");
}

#[test]
fn unsupported_yaml_is_refused_with_place_and_advice() {
    let tag = "a value with a tag (`!`) is not read; write the value alone";
    let rows = [
        ("", "p.yaml: the file is empty; a policy starts with `version: 1`".to_owned()),
        ("# nothing\n", "p.yaml: the file is empty; a policy starts with `version: 1`".to_owned()),
        ("a: 1\na: 2\n", "p.yaml:2:1: the key `a` stands twice in its mapping; keep one of the two".to_owned()),
        ("x:\n  \"a:b\" : 1\n  'a:b': 2\n", "p.yaml:3:3: the key `a:b` stands twice in its mapping; keep one of the two".to_owned()),
        ("a: 1\n---\nb: 2\n", "p.yaml:3:1: a second document starts here; a policy is one document, so take out the `---`".to_owned()),
        ("a: !secret x\n", format!("p.yaml:1:4: {tag}")),
        ("a: !!str 5\n", format!("p.yaml:1:4: {tag}")),
        ("a: !!binary aGk=\n", format!("p.yaml:1:4: {tag}")),
        ("a: !x [1]\n", format!("p.yaml:1:4: {tag}")),
        ("a: !!set {b}\n", format!("p.yaml:1:4: {tag}")),
        ("a: &b !x {c: 1}\nd: *b\n", format!("p.yaml:1:4: {tag}")),
        ("a: &b # why\n  !x c\n", format!("p.yaml:1:4: {tag}")),
        ("!x a: 1\n", format!("p.yaml:1:1: {tag}")),
        ("a: &b {c: 1}\nd:\n  <<: *b\n", "p.yaml:3:3: merge keys (`<<`) are not read; write the fields out, or repeat a whole value with an alias (`*name`)".to_owned()),
        ("a:\n  1: x\n", "p.yaml:2:3: the key `1` is a number; put it in quotes: `\"1\"`".to_owned()),
        (
            "a: {{ .Values.x }}\n",
            "p.yaml:1:5: `{{ .Values.x }}` is a template that was not filled in; check what comes out of it"
                .to_owned(),
        ),
        ("true: x\n", "p.yaml:1:1: the key `true` is no text; put it in quotes: `\"true\"`".to_owned()),
        ("? [a]\n: x\n", "p.yaml:1:3: a key must be text; put it in quotes".to_owned()),
        ("a: .nan\n", "p.yaml:1:4: a number must be finite; put text in quotes".to_owned()),
        ("a: [b, **]\n", "p.yaml:1:8: there is no anchor for `**`; a text that starts with `*` must be in quotes: \"**\"".to_owned()),
        ("a: &b [*b]\n", "p.yaml:1:8: this alias stands inside the value that it repeats; write it out".to_owned()),
        ("a: @b\n", "p.yaml:1:4: a text cannot start with `@`; put it in quotes".to_owned()),
        ("a:\n\tb: 1\n", "p.yaml:2:2: a tab cannot indent YAML; indent with spaces".to_owned()),
        ("a: b: c\n", "p.yaml:1:4: a text with a colon in it must be in quotes; write `a: \"b: c\"`".to_owned()),
        ("a: \"b\n", "p.yaml:1:4: the quote that is opened here is not closed on its line; write `\"` behind the text".to_owned()),
    ];
    for (text, expected) in rows {
        assert_eq!(read_text(text).unwrap_err(), [expected], "{text}");
    }
}

#[test]
fn all_that_is_refused_is_told_at_once() {
    let found = read_text("a: !x b\nc: {1: d, <<: {}}\ne: .inf\n").unwrap_err();
    let places: Vec<&str> = found.iter().map(|told| told.split(": ").next().unwrap()).collect();
    assert_eq!(places, ["p.yaml:1:4", "p.yaml:2:5", "p.yaml:2:11", "p.yaml:3:4"]);
}

#[test]
fn a_few_lines_cannot_fill_the_memory_or_the_stack() {
    let line = |depth: i32| {
        let items = if depth == 0 { "1, ".to_owned() } else { format!("*a{}, ", depth - 1) };
        format!("a{depth}: &a{depth} [{}]\n", items.repeat(10))
    };
    let bomb: String = (0..12).map(line).collect();
    let rows = [
        (bomb, "the aliases up to here repeat more than 100,000 values; write fewer"),
        ("[".repeat(100_000), "more than 255 brackets are open here"),
        (format!("{}a", "- ".repeat(100_000)), "this line is indented by more than 200 columns"),
        (format!("a:\n{}- b\n", " ".repeat(200)), "this line is indented by more than 200 columns"),
    ];
    for (text, expected) in rows {
        let found = read_text(&text).unwrap_err();
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
    let deepest = format!("{}{}1{}", "- ".repeat(100), "[".repeat(255), "]".repeat(255));
    assert!(read_text(&deepest).is_ok(), "what the limits allow can be walked through");
    let comment = format!("a: 1\n{}# far to the right\n", " ".repeat(300));
    assert!(read_text(&comment).is_ok(), "a comment nests nothing");
}

/// Any document of a policy's values, with keys and texts that need every kind of quoting.
fn document() -> impl Strategy<Value = Document> {
    let text = "[ -~é\\n\\t]{0,6}";
    let leaf = prop_oneof![
        Just(Document::Null),
        any::<bool>().prop_map(Document::Boolean),
        any::<i64>().prop_map(|number| Document::Number(number.into())),
        text.prop_map(Document::String),
    ];
    leaf.prop_recursive(4, 32, 4, move |inner| {
        let key = text.prop_filter("a merge key is refused", |key| key != "<<");
        let list = prop::collection::vec(inner.clone(), 0..4).prop_map(Document::List);
        let entries = prop::collection::btree_map(key, inner, 0..4);
        prop_oneof![list, entries.prop_map(|all| Document::Mapping(all.into_iter().collect()))]
    })
}

/// The paths of a document, in the order in which they stand in its text.
fn paths(parent: &str, document: &Document) -> Vec<String> {
    let below: Vec<(String, &Document)> = match document {
        Document::List(items) => {
            let each = items.iter().enumerate();
            each.map(|(index, item)| (format!("{parent}[{index}]"), item)).collect()
        }
        Document::Mapping(entries) => {
            entries.iter().map(|(key, value)| (join(parent, key), value)).collect()
        }
        _ => vec![],
    };
    let with_theirs = |(path, value): (String, &Document)| {
        let mut all = paths(&path, value);
        all.insert(0, path);
        all
    };
    below.into_iter().flat_map(with_theirs).collect()
}

proptest! {
    #[test]
    fn json_is_yaml_and_every_value_has_a_place_of_its_own(document in document()) {
        let json = to_json(&document);
        let (read_back, places) = read(&json, &"p".into()).unwrap();
        prop_assert_eq!(&read_back, &document);
        let lines = paths("", &document).into_iter().map(|path| {
            let place = places.find(&document, &path).to_string();
            place.split(':').nth(1).unwrap().parse::<usize>().unwrap()
        });
        // The JSON is indented, so each value but the whole has a line of its own.
        let lines: Vec<usize> = lines.collect();
        prop_assert!(lines.is_sorted_by(|earlier, later| earlier < later), "{lines:?}\n{json}");
    }
}
