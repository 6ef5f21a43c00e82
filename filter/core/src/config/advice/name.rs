//! Mistakes in a name that the policy gives.

use crate::config::advice::text::shown;

/// Why a text is no name; a text of digits alone was written without quotes.
pub(crate) fn why(text: &str) -> Option<String> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Some(format!("is a number to YAML; write it in quotes: `\"{text}\"`"));
    }
    if text.is_empty() {
        return Some("is empty; write one such as `quay`".to_owned());
    }
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split('/').next().unwrap_or_default();
        return Some(format!("is a URL, and a name belongs here; write `{}`", shown(host)));
    }
    if text.len() > 63 {
        return Some(format!("has {} letters; 63 is the most", text.chars().count()));
    }
    if text.starts_with(['-', '_', '.']) {
        return Some("begins with a sign; a name begins with a letter or a digit".to_owned());
    }
    let known = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
    let found = text.chars().find(|c| !known(c))?;
    if found.is_alphabetic() {
        return Some(format!(
            "has `{found}` in it; names have letters from `a` to `z`, digits, `-`, `_` and `.`"
        ));
    }
    let replaced: String = text.chars().map(|c| if known(&c) { c } else { '-' }).collect();
    let sound = replaced.trim_matches('-');
    Some(format!(
        "has `{}` in it; names have letters, digits, `-`, `_` and `.`, such as `{}`",
        shown(&found.to_string()),
        shown(if sound.is_empty() { "quay" } else { sound })
    ))
}
