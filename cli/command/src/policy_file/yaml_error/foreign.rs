//! Lines that are of another language, or of another program.

use crate::policy_file::place::Position;

/// The first line up to a place that is none of YAML.
pub(super) fn line(text: &str, at: Position) -> Option<(Position, String)> {
    let mut lines = (1..).zip(text.lines()).take(at.line);
    lines.find_map(|(number, line)| {
        let content = line.trim_start();
        let message = why(content, number == 1)?;
        let column = line.chars().count().saturating_sub(content.chars().count());
        Some((Position { line: number, column: column.saturating_add(1) }, message))
    })
}

/// What a line is, if it is none of YAML.
fn why(content: &str, is_first: bool) -> Option<String> {
    if ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| content.starts_with(mark)) || content == "======="
    {
        return Some("a merge was not finished here; keep one of the two versions".to_owned());
    }
    for mark in ["//", ";", "--"] {
        if let Some(comment) = content.strip_prefix(mark)
            && comment.starts_with(|c: char| c.is_whitespace() || c.is_alphanumeric())
        {
            return Some(format!("a comment starts with `#`; write `# {}`", cut(comment.trim())));
        }
    }
    if let Some(item) = content.strip_prefix("* ") {
        return Some(format!("an item of a list starts with `-`; write `- {}`", cut(item.trim())));
    }
    if !is_first {
        return None;
    }
    if content.starts_with('<') {
        return Some(
            "this is a page of HTML or XML, and no policy; look where it came from".to_owned(),
        );
    }
    content
        .starts_with('%')
        .then(|| "a line that starts with `%` is not read; take it out".to_owned())
}

/// At most 60 characters, with a sign where there are more.
fn cut(text: &str) -> String {
    let start: String = text.chars().take(60).collect();
    if start.len() < text.len() { format!("{start}…") } else { start }
}
