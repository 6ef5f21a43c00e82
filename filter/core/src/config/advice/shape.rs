//! Values of another type than the field has.

use crate::config::document::Document;
use crate::config::excerpt::excerpt;
use crate::config::fields::{POLICY, Table, Value};
use crate::config::wanted::Wanted;

/// The kind of value that is wanted somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Flag,
    Number,
    List,
    Mapping,
}

/// What to say of a value of another kind.
pub(crate) fn why(found: &Document, kind: Kind, wanted: Wanted<'_>) -> String {
    let more = match (kind, found) {
        (Kind::Text, Document::Number(number)) => {
            let number = number.to_string();
            wanted.reason(&number).map(|reason| format!("`{number}` {reason}"))
        }
        (Kind::Text, Document::List(items)) => match items.as_slice() {
            [Document::String(only)] => {
                Some(format!("is a list; write one value: `{}`", excerpt(only)))
            }
            _ => None,
        },
        (Kind::Flag, Document::String(text)) => flag(text),
        (Kind::Flag, Document::Number(number)) => match number.as_u64() {
            Some(0) => Some("is the number 0; write `false`".to_owned()),
            Some(1) => Some("is the number 1; write `true`".to_owned()),
            _ => None,
        },
        (Kind::Number, Document::String(text)) => Some(number(text, wanted)),
        (Kind::Number, Document::Number(number)) => Some(format!("is {number}; write {wanted}")),
        (Kind::List, Document::String(text)) => list_of(text, wanted),
        (Kind::List, Document::Mapping(entries)) => Some(match entries.first() {
            Some((key, _)) if key.starts_with('-') => dash(key),
            _ => format!("is a mapping; write {wanted}, with a `-` before each"),
        }),
        (Kind::Mapping, Document::List(_)) => Some(format!(
            "is a list; write {wanted}: no `-` before them, and a colon behind each name"
        )),
        (Kind::Mapping, Document::String(text)) => colon(text),
        _ => None,
    };
    more.unwrap_or_else(|| format!("is {}; write {wanted}", found.kind()))
}

/// What to say where the fields of a table belong.
pub(crate) fn not_fields(found: &Document, table: &'static Table) -> String {
    if table.place.is_empty() {
        return format!(
            "is {}; a policy is a mapping, and its first line is `version: 1`",
            found.kind()
        );
    }
    let required = table.required();
    if let (Document::String(text), [only]) = (found, required.as_slice())
        && colon(text).is_none()
    {
        let text = excerpt(text);
        let value = match table.field(only).map(|field| &field.value) {
            Some(Value::Items(_) | Value::List(_)) => format!("[{text}]"),
            _ => text,
        };
        return format!("is a string; write `{{{only}: {value}}}`");
    }
    why(found, Kind::Mapping, Wanted::from("a mapping"))
}

/// What another program's file is, by the keys at its top.
pub(crate) fn other_file(entries: &[(String, Document)]) -> Option<String> {
    let has = |key: &str| entries.iter().any(|(name, _)| name == key);
    if has("version") && (has("fronts") || has("rules")) {
        return None;
    }
    let what = if has("static_resources") || has("dynamic_resources") {
        "is a configuration of Envoy; give the policy that it was rendered from"
    } else if has("apiVersion") && has("kind") {
        "is an object of Kubernetes; give the policy that is in it, as a file of its own"
    } else if has("storage") && has("http") {
        "is a configuration of a registry (distribution); a policy begins with `version: 1` and `fronts`"
    } else if has("services") {
        "is a file of Docker Compose; give the policy that it mounts"
    } else if has("mirrors") && !has("fronts") {
        "is a `registries.yaml` of k3s; a policy begins with `version: 1` and `fronts`"
    } else if has("networks") && !has("fronts") && entries.len() <= 2 {
        "is a file of networks; name it in `network_files` of a policy"
    } else {
        return None;
    };
    Some(what.to_owned())
}

fn flag(text: &str) -> Option<String> {
    let value = match text.to_ascii_lowercase().as_str() {
        "true" => {
            return Some("is the text `true`, in quotes; write `true` without them".to_owned());
        }
        "false" => {
            return Some("is the text `false`, in quotes; write `false` without them".to_owned());
        }
        "yes" | "y" | "on" | "enabled" | "1" => "true",
        "no" | "n" | "off" | "disabled" | "0" => "false",
        _ => return None,
    };
    Some(format!("is the text `{text}`; write `{value}`"))
}

fn number(text: &str, wanted: Wanted<'_>) -> String {
    let digits: String =
        text.chars().filter(|c| !matches!(c, '_' | ',' | ' ' | '\'' | '%')).collect();
    let what = match digits.parse::<u64>() {
        Ok(number) => format!("the number `{number}`"),
        Err(_) => wanted.to_string(),
    };
    format!("is the text `{}`; write {what}", excerpt(text))
}

fn list_of(text: &str, wanted: Wanted<'_>) -> Option<String> {
    if text.starts_with('-') {
        return Some(dash(text));
    }
    // `(CN, JP)`, as other languages write lists.
    let inner = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
    let items: Vec<String> =
        inner.split(',').map(|item| format!("\"{}\"", excerpt(item.trim()))).collect();
    (!text.is_empty()).then(|| {
        let also = if items.len() == 1 { ", also for one" } else { "" };
        format!("is a string; write {wanted}{also}: `[{}]`", items.join(", "))
    })
}

fn dash(text: &str) -> String {
    let rest = text.trim_start_matches('-');
    format!("lacks a space behind its `-`; write `- {}`", excerpt(rest))
}

/// `url:https://ghcr.io`, which is one text to YAML.
fn colon(text: &str) -> Option<String> {
    let (key, value) = text.split_once(':')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let is_url = value.starts_with("//");
    // What is no field may be a user name, and a password behind it.
    let is_field = POLICY.all().into_iter().any(|table| table.has(key));
    let value = if is_field { excerpt(value.trim()) } else { "…".to_owned() };
    (is_key && !is_url).then(|| format!("lacks a space behind the colon; write `{key}: {value}`"))
}
