//! The text in which a target of Prometheus says its numbers (Prometheus' documentation,
//! "Exposition formats", "Text-based format").
//!
//! The file needs nothing of the rest of the command: a fuzz target reads it as it is.

use std::fmt;

/// One number.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// The name of the metric.
    pub(crate) name: String,
    /// The labels, in the order of the text.
    pub(crate) labels: Vec<(String, String)>,
    /// The value; it may be infinite, or not a number.
    pub(crate) value: f64,
}

/// What stands in the way of reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unreadable {
    /// The line, counted from 1.
    pub(crate) line: usize,
    /// What is wrong there.
    pub(crate) why: &'static str,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {} is not in Prometheus' text format: {}", self.line, self.why)
    }
}

/// Reads the samples of the metrics that `wants` names. The others are checked as well, and
/// forgotten: an Envoy has thousands.
///
/// # Errors
///
/// The first line that is not of this format. A target that breaks off in the midst of a line is
/// not half believed.
pub(crate) fn read(text: &str, wants: impl Fn(&str) -> bool) -> Result<Vec<Sample>, Unreadable> {
    let mut samples = Vec::new();
    for (line, number) in text.lines().zip(1_usize..) {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let sample = sample(line).map_err(|why| Unreadable { line: number, why })?;
        if wants(&sample.name) {
            samples.push(sample);
        }
    }
    Ok(samples)
}

fn sample(line: &str) -> Result<Sample, &'static str> {
    let mut rest = Rest(line);
    let name = rest.name(|character| character == ':').ok_or("it begins with no name")?;
    rest.blanks();
    let labels = if rest.take('{') { labels(&mut rest)? } else { Vec::new() };
    let mut words = rest.0.split_ascii_whitespace();
    let value = words.next().and_then(|word| word.parse().ok()).ok_or("there is no number")?;
    let is_timestamp = |word: &str| word.parse::<i64>().is_ok();
    if words.next().is_some_and(|word| !is_timestamp(word)) || words.next().is_some() {
        return Err("something stands behind the number");
    }
    Ok(Sample { name: name.to_owned(), labels, value })
}

/// What stands between braces, and the closing one; a comma may stand behind the last label.
fn labels(rest: &mut Rest<'_>) -> Result<Vec<(String, String)>, &'static str> {
    let mut labels = Vec::new();
    loop {
        rest.blanks();
        if rest.take('}') {
            return Ok(labels);
        }
        let name = rest.name(|_| false).ok_or("a label has no name")?.to_owned();
        rest.blanks();
        if !rest.take('=') {
            return Err("a label has no `=`");
        }
        rest.blanks();
        labels.push((name, rest.quoted().ok_or("the value of a label is not quoted")?));
        rest.blanks();
        if !rest.take(',') && !rest.0.starts_with('}') {
            return Err("there is no comma between two labels");
        }
    }
}

/// What has not been read of a line.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    /// Takes a character, if it is the next one.
    fn take(&mut self, character: char) -> bool {
        let rest = self.0.strip_prefix(character);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    /// A name of letters, digits, `_` and what else is allowed; none if the next character begins
    /// none.
    fn name(&mut self, is_more: impl Fn(char) -> bool) -> Option<&'a str> {
        let is_part = |character: char| {
            character.is_ascii_alphanumeric() || character == '_' || is_more(character)
        };
        let end = self.0.find(|character| !is_part(character)).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at_checked(end)?;
        self.0 = rest;
        name.starts_with(|first: char| !first.is_ascii_digit()).then_some(name)
    }

    /// A text in quotes, in which a backslash stands before `"`, `\` and the `n` of a new line.
    fn quoted(&mut self) -> Option<String> {
        let mut characters = self.0.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match characters.next()? {
                '"' => break,
                '\\' => text.push(match characters.next()? {
                    'n' => '\n',
                    escaped @ ('"' | '\\') => escaped,
                    _ => return None,
                }),
                other => text.push(other),
            }
        }
        self.0 = characters.as_str();
        Some(text)
    }
}
