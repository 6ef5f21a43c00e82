//! Keys, colons and indentation, line by line.

use crate::policy_file::place::Position;

/// The text of a line from a column on; empty behind the end of the text.
pub(super) fn from(text: &str, at: Position) -> &str {
    let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or("");
    let start = line.char_indices().nth(at.column.saturating_sub(1));
    start.and_then(|(start, _)| line.get(start..)).unwrap_or("")
}

/// A line with its number, without its comment and the spaces around it.
#[derive(Clone, Copy)]
struct Line<'t> {
    number: usize,
    /// How many characters it is indented by.
    indentation: usize,
    content: &'t str,
}

impl<'t> Line<'t> {
    fn of(number: usize, text: &'t str) -> Option<Self> {
        let content = text.trim_start();
        let indentation = text.chars().count().saturating_sub(content.chars().count());
        let content = content.split(" #").next().unwrap_or(content).trim_end();
        let counts = !content.is_empty() && !content.starts_with('#') && content != "---";
        counts.then_some(Self { number, indentation, content })
    }

    /// Without the `- ` of an item, and indented as what is behind it.
    fn inner(mut self) -> Self {
        while let Some(rest) = self.content.strip_prefix("- ") {
            let rest_content = rest.trim_start();
            self.indentation = self
                .indentation
                .saturating_add(self.content.len().saturating_sub(rest_content.len()));
            self.content = rest_content;
        }
        self
    }

    fn position(&self) -> Position {
        Position { line: self.number, column: self.indentation.saturating_add(1) }
    }

    /// The key and the value, if there are any.
    fn entry(&self) -> Option<(&'t str, &'t str)> {
        match self.content.split_once(": ") {
            Some((key, value)) => Some((key, value.trim())),
            None => self.content.strip_suffix(':').map(|key| (key, "")),
        }
    }
}

fn lines(text: &str) -> impl DoubleEndedIterator<Item = Line<'_>> {
    let all: Vec<Line<'_>> =
        (1..).zip(text.lines()).filter_map(|(number, line)| Line::of(number, line)).collect();
    all.into_iter()
}

/// The line of an error, and what stands before it.
fn around(text: &str, at: Position) -> (Option<Line<'_>>, Vec<Line<'_>>) {
    let here = lines(text).find(|line| line.number >= at.line);
    let before = lines(text).filter(|line| line.number < at.line).collect();
    (here.filter(|line| line.number == at.line), before)
}

/// A template that was not filled in.
pub(super) fn template(text: &str, at: Position) -> Option<(Position, String)> {
    let marks = ["{{", "{%", "<%"];
    let is_one = |line: &str| marks.iter().filter_map(|mark| line.find(mark)).min();
    let found = (1..).zip(text.lines()).take(at.line).find_map(|(number, line)| {
        let before = line.get(..is_one(line)?)?;
        // In quotes it is a text, which the core judges.
        if ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1) {
            return None;
        }
        let column = before.chars().count().saturating_add(1);
        Some((number, column, line))
    });
    let (line, column, content) = found?;
    let from = from(text, Position { line, column });
    let end = ["}}", "%}", "%>"].iter().filter_map(|mark| from.find(mark)).min();
    let shown = end.and_then(|end| from.get(..end.saturating_add(2))).unwrap_or(content.trim());
    let message =
        format!("`{shown}` is a template that was not filled in; check what comes out of it");
    Some((Position { line, column }, message))
}

/// A tab where spaces belong.
pub(super) fn tab(text: &str, at: Position, info: &str) -> Option<(Position, String)> {
    let line = text.lines().nth(at.line.saturating_sub(1)).unwrap_or("");
    let indentation = line.get(..line.len().saturating_sub(line.trim_start().len()))?;
    if !indentation.contains('\t') && !info.contains("tab") {
        return None;
    }
    Some((at, "a tab cannot indent YAML; indent with spaces".to_owned()))
}

/// A key without its colon, or without the space behind it: on the line before, where the parser
/// has gone on, or here.
pub(super) fn key(text: &str, at: Position) -> Option<(Position, String)> {
    let (here, before) = around(text, at);
    let candidates = before.last().copied().into_iter().chain(here);
    candidates.map(Line::inner).find_map(|line| Some((line.position(), bad_key(line.content)?)))
}

/// A key before a bracket, without its colon or without the space behind it.
pub(super) fn before_bracket(text: &str, at: Position) -> Option<(Position, String)> {
    let (here, before) = around(text, at);
    let mut candidates = before.last().copied().into_iter().chain(here).map(Line::inner);
    candidates.find_map(|line| {
        let (offset, message) = no_colon(line.content).or_else(|| no_space(line.content))?;
        let column = line.indentation.saturating_add(offset).saturating_add(1);
        Some((Position { line: line.number, column }, message))
    })
}

/// `clients {geo: …`
fn no_colon(content: &str) -> Option<(usize, String)> {
    let (key, value) = content.split_once(' ')?;
    let is_value = value.trim_start().starts_with(['{', '[']);
    (is_value && is_name(key))
        .then(|| (0, format!("a colon is missing; write `{key}: {}`", cut(value.trim_start()))))
}

/// `hosts:[…`, with the place of the key.
fn no_space(content: &str) -> Option<(usize, String)> {
    let opened = [":[", ":{"].iter().filter_map(|mark| content.find(mark)).min()?;
    let (before, value) = content.split_at_checked(opened)?;
    let start = before.rfind(|c: char| !is_name_character(c)).map_or(0, |at| at.saturating_add(1));
    let key = before.get(start..).filter(|key| is_name(key))?;
    let value = cut(value.trim_start_matches(':'));
    let column = before.get(..start)?.chars().count();
    Some((column, format!("a space is missing behind the colon; write `{key}: {value}`")))
}

const fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-')
}

fn is_name(key: &str) -> bool {
    key.starts_with(|c: char| c.is_ascii_alphabetic()) && key.chars().all(is_name_character)
}

fn bad_key(content: &str) -> Option<String> {
    if let Some(rest) =
        content.strip_prefix('-').filter(|rest| rest.starts_with(char::is_alphanumeric))
    {
        return Some(format!("a space is missing behind the `-`; write `- {}`", cut(rest)));
    }
    let end = content.find(|c| !is_name_character(c)).unwrap_or(content.len());
    let (key, rest) = content.split_at_checked(end)?;
    if key.is_empty()
        || !key.starts_with(|c: char| c.is_ascii_alphabetic())
        || content.starts_with("- ")
    {
        return None;
    }
    if rest.is_empty() {
        return Some(format!("a colon is missing; write `{key}:`"));
    }
    if let Some(value) = rest.strip_prefix(':') {
        if let Some(space) =
            value.chars().next().filter(|c| c.is_whitespace() && !matches!(c, ' ' | '\t'))
        {
            let code = u32::from(space);
            return Some(format!(
                "the space behind the colon is no plain one (U+{code:04X}); type it anew"
            ));
        }
        let is_url = value.starts_with("//");
        let lacks_space = !value.is_empty() && !value.starts_with(' ') && !is_url;
        return lacks_space.then(|| {
            format!("a space is missing behind the colon; write `{key}: {}`", cut(value.trim()))
        });
    }
    if let Some(value) = rest.trim_start().strip_prefix('=') {
        return Some(format!(
            "a colon belongs here, and no `=`; write `{key}: {}`",
            cut(value.trim())
        ));
    }
    let is_word = rest.starts_with(' ') && !rest.contains(": ") && !rest.ends_with(':');
    is_word.then(|| format!("a colon is missing; write `{key}: {}`", cut(rest.trim())))
}

/// At most 60 characters, with a sign where there are more.
fn cut(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}

/// A line that is indented as nothing around it is.
pub(super) fn indentation(text: &str, at: Position) -> Option<(Position, String)> {
    let (here, before) = around(text, at);
    let here = here?;
    let mut open: Vec<usize> = Vec::new();
    for line in &before {
        open.retain(|indentation| *indentation <= line.indentation);
        let inner = line.inner();
        open.extend([line.indentation, inner.indentation]);
    }
    open.sort_unstable();
    open.dedup();
    let spaces =
        |count: usize| if count == 1 { "1 space".to_owned() } else { format!("{count} spaces") };
    if let Some(above) = before.last().map(|line| line.inner())
        && here.indentation > above.indentation
        && let Some((key, value)) = above.entry()
        && !value.is_empty()
    {
        let message = format!(
            "this line is indented more than `{}` above it, which has a value already; indent it by {}, as that",
            cut(key),
            spaces(above.indentation)
        );
        return Some((here.position(), message));
    }
    if open.contains(&here.indentation) {
        return None;
    }
    let near: Vec<String> = open
        .iter()
        .filter(|indentation| indentation.abs_diff(here.indentation) <= 4)
        .map(ToString::to_string)
        .collect();
    (!near.is_empty()).then(|| {
        let message = format!(
            "this line is indented by {}, and the lines that it could belong to by {}",
            spaces(here.indentation),
            near.join(" or ")
        );
        (here.position(), message)
    })
}

/// A field that is indented as the `-` of the item that it belongs to.
pub(super) fn below_item(text: &str, at: Position, info: &str) -> Option<(Position, String)> {
    let (here, before) = around(text, at);
    let here = here.filter(|line| !line.content.starts_with('-'))?;
    let item = before.iter().rev().find(|line| line.indentation <= here.indentation)?;
    let is_beside = item.indentation == here.indentation && item.content.starts_with("- ");
    (is_beside && info.contains("'-' indicator")).then(|| {
        let inner = item.inner().indentation;
        let message = format!("this line is indented as the `-` above it; indent it by {inner} spaces, as what is behind the `-`");
        (here.position(), message)
    })
}

/// A second colon in a text without quotes.
pub(super) fn two_colons(text: &str, at: Position, info: &str) -> Option<(Position, String)> {
    if !info.contains("mapping values") {
        return None;
    }
    let (here, _) = around(text, at);
    let here = here?.inner();
    let (key, value) = here.entry()?;
    let is_between = value.contains(['{', '[', '}', ']']);
    if is_between {
        return Some((
            at,
            "a comma is missing before this, or quotes around a text with `: ` in it".to_owned(),
        ));
    }
    let has_second = value.contains(": ") || value.ends_with(':');
    has_second.then(|| {
        let offset = key.chars().count().saturating_add(2);
        let column = here.indentation.saturating_add(offset).saturating_add(1);
        let message = format!(
            "a text with a colon in it must be in quotes; write `{}: \"{}\"`",
            cut(key),
            cut(value)
        );
        (Position { line: here.number, column }, message)
    })
}
