//! Says in plain words, and at the line that is wrong, what the YAML parser says in the grammar's,
//! often a line late.
//!
//! [`brackets`] finds brackets and quotes that nothing closes, [`lines`] looks at keys and
//! indentation, [`foreign`] at lines that belong to other languages. The parser has refused the
//! text already; here is only looked for the cause.

mod brackets;
mod foreign;
mod lines;

use saphyr::ScanError;

use super::place::Position;

/// Where the text is wrong, what is wrong there, and what to write instead.
pub(super) fn explain(error: &ScanError, text: &str) -> (Position, String) {
    let marker = error.marker();
    let at = Position { line: marker.line(), column: marker.col().saturating_add(1) };
    let info = error.info();
    let found = lines::template(text, at)
        .or_else(|| foreign::line(text, at))
        .or_else(|| named(info, at, text))
        .or_else(|| lines::before_bracket(text, at))
        .or_else(|| lines::tab(text, at, info))
        .or_else(|| brackets::open(text, at))
        .or_else(|| lines::key(text, at))
        .or_else(|| lines::below_item(text, at, info))
        .or_else(|| lines::indentation(text, at))
        .or_else(|| lines::two_colons(text, at, info));
    found.unwrap_or_else(|| (at, in_other_words(info)))
}

/// What to say of a template that stands on a line of a text that is YAML all the same.
pub(super) fn template_at(text: &str, at: Position) -> Option<String> {
    lines::template(text, at).filter(|(found, _)| found.line == at.line).map(|(_, message)| message)
}

/// What the parser is precise about.
fn named(info: &str, at: Position, text: &str) -> Option<(Position, String)> {
    let here = lines::from(text, at);
    let message = if info.contains("duplicated key") {
        duplicate_key(here)
    } else if info.contains("found unknown anchor") {
        unknown_anchor(here)
    } else if info.contains("maximum node budget") {
        "the aliases up to here repeat more than 100,000 values; write fewer".to_owned()
    } else if info.contains("recursion limit") {
        "more than 255 brackets are open here; no part of a policy is nested so deeply".to_owned()
    } else if info.contains("anchor or alias") {
        "a `*` or `&` stands alone here; put a text that starts with it in quotes".to_owned()
    } else if info.contains("unexpected character") {
        let first = here.chars().next().unwrap_or(' ');
        format!("a text cannot start with `{first}`; put it in quotes")
    } else if info.contains("unprintable character") {
        "a character stands here that cannot be printed; this is no text file, or it was damaged"
            .to_owned()
    } else {
        return None;
    };
    Some((at, message))
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

const ESCAPE: &str =
    "this `\\` means nothing between double quotes; write single quotes, or `\\\\`";

/// What is left of the parser's words.
fn in_other_words(info: &str) -> String {
    let known = [
        ("unknown escape character", ESCAPE),
        ("hexadecimal number", ESCAPE),
        (
            "trailing content after",
            "something stands behind the closing quote; put all of it in the quotes, or a comma between",
        ),
        ("block sequence entries", "a `-` cannot stand here; begin a list on a line of its own"),
        ("scanning a directive", "a line cannot start with `%`; put the text in quotes"),
        ("expected ',' or", "a comma is missing before this"),
        (
            "wrongly indented line in block scalar",
            "this line is indented less than the text that it belongs to",
        ),
        ("document end marker", "nothing may stand behind `...` on its line"),
        (
            "mapping values are not allowed",
            "a colon cannot stand here; put a text with `: ` in it in quotes",
        ),
    ];
    let explained = known.iter().find(|(part, _)| info.contains(part));
    explained.map_or_else(|| format!("this is not YAML: {info}"), |(_, words)| (*words).to_owned())
}

#[cfg(test)]
mod tests;
