//! Rules that turn what a command of Envoy's access log says into one of the words of a label.

use serde_json::{Value, json};

use super::super::typed::{extension, object};

/// What a rule makes of a value.
#[derive(Clone, Copy)]
pub(super) enum Change<'w> {
    /// The label gets this word.
    Word(&'w str),
    /// Nothing is counted.
    Nothing,
}

/// Rules for whole values.
pub(super) fn exact(rows: &[(&str, Change<'_>)], otherwise: Option<Change<'_>>) -> Value {
    tree("exact_match_map", rows, otherwise)
}

/// Rules for how values begin; the longest one that fits counts.
pub(super) fn beginning(rows: &[(&str, Change<'_>)], otherwise: Option<Change<'_>>) -> Value {
    tree("prefix_match_map", rows, otherwise)
}

fn tree(kind: &str, rows: &[(&str, Change<'_>)], otherwise: Option<Change<'_>>) -> Value {
    let map: serde_json::Map<String, Value> =
        rows.iter().map(|(key, change)| ((*key).to_owned(), on_match(*change))).collect();
    let tree = json!({"matcher_tree": {"input": input(), (kind): {"map": map}}});
    let otherwise = otherwise.map(|change| json!({"on_no_match": on_match(change)}));
    object([tree, otherwise.unwrap_or(Value::Null)])
}

pub(super) fn input() -> Value {
    extension(
        "envoy.matching.inputs.stat_tag_value",
        "extensions.matching.common_inputs.stats.v3.StatTagValueInput",
        json!({}),
    )
}

pub(super) fn on_match(change: Change<'_>) -> Value {
    let (name, fields) = match change {
        Change::Word(word) => (word, json!({"update_tag": {"new_tag_value": word}})),
        Change::Nothing => ("nothing", json!({"drop_stat": {}})),
    };
    let message = "extensions.matching.actions.transform_stat.v3.TransformStat";
    json!({"action": extension(name, message, fields)})
}
