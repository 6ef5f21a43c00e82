//! Brackets and quotes that nothing closes.
//!
//! What counts: in a block, a bracket or quote at the start of a value; between brackets, any
//! bracket, and a quote at the start of an item (YAML 1.2.2, sections 7.3 and 7.4). Comments count
//! for nothing.

use crate::policy_file::place::Position;

/// A bracket or a quote, and where it stands.
#[derive(Clone, Copy)]
struct Opened {
    mark: char,
    at: Position,
}

/// The first thing wrong with brackets and quotes up to a place, if that is what is wrong.
pub(super) fn open(text: &str, error: Position) -> Option<(Position, String)> {
    let mut scan = Scan::default();
    for (line, content) in (1..).zip(text.lines()) {
        scan.line(line, content);
        if let Some(wrong) = scan.wrong.take() {
            return (line <= error.line).then_some(wrong);
        }
        if let Some(quote) = scan.quote.filter(|_| line <= error.line) {
            let mark = quote.mark;
            let message = format!(
                "the quote that is opened here is not closed on its line; write `{mark}` behind the text"
            );
            return Some((quote.at, message));
        }
    }
    let open = scan.stack.iter().rev().find(|open| open.at.line <= error.line)?;
    let close = closing(open.mark);
    Some((
        open.at,
        format!("the `{}` that is opened here is not closed; write `{close}`", open.mark),
    ))
}

#[derive(Default)]
struct Scan {
    stack: Vec<Opened>,
    quote: Option<Opened>,
    wrong: Option<(Position, String)>,
}

impl Scan {
    fn line(&mut self, line: usize, content: &str) {
        // The last letter that is no space; a value starts behind these.
        let mut before = '\n';
        let mut last = ' ';
        let mut is_escaped = false;
        for (column, c) in (1..).zip(content.chars()) {
            let at = Position { line, column };
            if let Some(quote) = self.quote {
                let ends = c == quote.mark && !is_escaped;
                is_escaped = quote.mark == '"' && c == '\\' && !is_escaped;
                if ends {
                    self.quote = None;
                }
            } else if c == '#' && last.is_whitespace() {
                return;
            } else {
                self.mark(c, before, last, at);
            }
            if !c.is_whitespace() {
                before = c;
            }
            last = c;
        }
    }

    fn mark(&mut self, c: char, before: char, last: char, at: Position) {
        let is_between = !self.stack.is_empty();
        let is_start = match before {
            '\n' => true,
            ':' | '-' | '?' => last.is_whitespace() || is_between,
            '[' | '{' | ',' => is_between,
            _ => false,
        };
        match c {
            '[' | '{' if is_start || is_between => self.stack.push(Opened { mark: c, at }),
            ']' | '}' if is_between || is_start || matches!(before, ']' | '}') => self.close(c, at),
            '"' | '\'' if is_start => self.quote = Some(Opened { mark: c, at }),
            _ => {}
        }
    }

    fn close(&mut self, mark: char, at: Position) {
        let message = match self.stack.pop() {
            Some(open) if closing(open.mark) == mark => return,
            Some(open) => format!(
                "this `{mark}` stands where the `{}` of line {} is open; write `{}` before it",
                open.mark,
                open.at.line,
                closing(open.mark)
            ),
            None => format!("nothing is open that this `{mark}` closes; take it out"),
        };
        self.wrong.get_or_insert((at, message));
    }
}

const fn closing(mark: char) -> char {
    match mark {
        '[' => ']',
        '{' => '}',
        other => other,
    }
}
