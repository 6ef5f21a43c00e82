//! Says in plain words what the YAML parser says in the grammar's.

use saphyr::ScanError;

/// What is wrong with the text at the error's place, and what to write instead.
pub(super) fn explain(error: &ScanError, text: &str) -> String {
    let info = error.info();
    let here = text_from(text, error);
    let known = [
        ("duplicated key", duplicate_key as fn(&str) -> String),
        ("found unknown anchor", unknown_anchor),
        ("maximum node budget", |_| {
            "the aliases up to here repeat more than 100,000 values; write fewer".to_owned()
        }),
        ("recursion limit", |_| {
            "more than 255 brackets are open here; no part of a policy is nested so deeply"
                .to_owned()
        }),
        ("unexpected character", reserved_start),
        ("tab", |_| "a tab cannot indent YAML; indent with spaces".to_owned()),
    ];
    let explanation = known.iter().find(|(part, _)| info.contains(part));
    explanation.map_or_else(|| format!("this is not YAML: {info}"), |(_, words)| words(here))
}

fn duplicate_key(here: &str) -> String {
    let key = match here.chars().next() {
        Some(quote @ ('"' | '\'')) => here.split(quote).nth(1),
        _ => here.split(':').next(),
    };
    let key = key.unwrap_or(here).trim();
    format!("the key `{key}` stands twice in its mapping; keep one of the two")
}

fn unknown_anchor(here: &str) -> String {
    let ends = |character: char| character.is_whitespace() || ",[]{}".contains(character);
    let alias = here.split(ends).next().unwrap_or(here);
    format!(
        "there is no anchor for `{alias}`; a text that starts with `*` must be in quotes: \
         \"{alias}\""
    )
}

fn reserved_start(here: &str) -> String {
    let first = here.chars().next().unwrap_or(' ');
    format!("a text cannot start with `{first}`; put it in quotes")
}

/// The line of the error from its column on; empty behind the end of the text.
fn text_from<'t>(text: &'t str, error: &ScanError) -> &'t str {
    let marker = error.marker();
    let line = text.lines().nth(marker.line().saturating_sub(1));
    let mut characters = line.unwrap_or("").chars();
    if let Some(last) = marker.col().checked_sub(1) {
        characters.nth(last);
    }
    characters.as_str()
}
