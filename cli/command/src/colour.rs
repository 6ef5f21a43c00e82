//! Colours, where a person reads and wants them.

use std::io::{self, IsTerminal};

/// One of a terminal's own colours (ECMA-48, "SGR"), which its owner has chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Whatever the text has.
    None,
    /// All is well.
    Green,
    /// Somebody should look.
    Yellow,
    /// It does not work.
    Red,
}

impl Colour {
    /// The text in this colour, if there are any.
    #[must_use]
    pub fn paint(self, text: &str, is_coloured: bool) -> String {
        let code = match self {
            Self::Green => 32,
            Self::Yellow => 33,
            Self::Red => 31,
            Self::None => return text.to_owned(),
        };
        if is_coloured { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Whether the standard output takes colours: a terminal that is not told otherwise.
#[must_use]
pub fn on_stdout() -> bool {
    wanted(io::stdout().is_terminal(), |name| std::env::var(name).ok())
}

/// Whether the standard error takes colours.
#[must_use]
pub fn on_stderr() -> bool {
    wanted(io::stderr().is_terminal(), |name| std::env::var(name).ok())
}

/// `NO_COLOR` that is not empty (no-color.org) wins over everything; a terminal without
/// capabilities has none.
fn wanted(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let refuses = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = variable("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !refuses && !is_dumb
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terminals_that_get_colours() {
        let rows = [
            (true, ("TERM", "xterm"), true),
            (false, ("TERM", "xterm"), false),
            (true, ("NO_COLOR", "1"), false),
            (true, ("NO_COLOR", ""), true),
            (true, ("TERM", "dumb"), false),
        ];
        for (is_terminal, (known, value), expected) in rows {
            let variable = |name: &str| (known == name).then(|| value.to_owned());
            assert_eq!(wanted(is_terminal, variable), expected, "{is_terminal} {known}={value}");
        }
        assert_eq!(Colour::None.paint("x", true), "x");
        assert_eq!(Colour::Red.paint("x", false), "x");
        assert_eq!(Colour::Red.paint("x", true), "\u{1b}[31mx\u{1b}[0m");
    }
}
