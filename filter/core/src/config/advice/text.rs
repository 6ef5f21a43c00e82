//! Mistakes that any text can have, in every field.

use crate::config::excerpt::excerpt;

/// Why a text that was refused cannot be what was meant.
pub(crate) fn why(text: &str) -> Option<String> {
    template(text).or_else(|| typography(text)).or_else(|| around(text))
}

/// Templates and variables that nobody filled in.
fn template(text: &str) -> Option<String> {
    if ["{{", "}}", "{%", "<%"].iter().any(|mark| text.contains(mark)) {
        return Some("is a template that was not filled in; check what comes out of it".to_owned());
    }
    let variable = text.split('$').skip(1).any(|rest| {
        rest.starts_with(['{', '(']) || rest.starts_with(|c: char| c.is_ascii_uppercase())
    });
    if variable {
        return Some(
            "has a variable in it, and nothing fills it in here; write its value".to_owned(),
        );
    }
    let placeholder = text.split_once('<').is_some_and(|(_, rest)| rest.contains('>'));
    placeholder
        .then(|| "has a place that was not filled in (`<…>`); write what belongs there".to_owned())
}

/// What a word processor or a web page makes of quotes and spaces.
fn typography(text: &str) -> Option<String> {
    if text.contains(['“', '”', '„', '‘', '’', '«', '»']) {
        return Some("has typographic quotes in it; write plain ones (`\"`), or none".to_owned());
    }
    let invisible = |c: &char| {
        c.is_control() && !matches!(c, '\n' | '\t')
            || matches!(c, '\u{a0}' | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
    };
    let found = text.chars().find(invisible)?;
    let code = u32::from(found);
    Some(format!("has a character in it that cannot be seen (U+{code:04X}); type it anew"))
}

/// What stands around what was meant.
fn around(text: &str) -> Option<String> {
    let inner = text.trim();
    if inner.len() < text.len() {
        return Some(format!("has a space or a line break around it; write `{}`", shown(inner)));
    }
    for quote in ['"', '\'', '`'] {
        let inner = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        if let Some(inner) = inner.filter(|inner| !inner.is_empty()) {
            return Some(format!("has quotes inside of its quotes; write `{}`", shown(inner)));
        }
    }
    let inner = text.strip_suffix([',', ';']).filter(|inner| !inner.is_empty())?;
    Some(format!("has a `{}` at its end; write `{}`", text.get(inner.len()..)?, shown(inner)))
}

/// A part of a refused text as it can be shown.
pub(super) fn shown(text: &str) -> String {
    excerpt(text)
}
