//! Progress on the terminal, while a command works.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

/// Says on the standard error what is being done, or was just done: on a terminal in one line that
/// is written over again and again, elsewhere in a line each.
pub struct Progress<W: Write> {
    out: W,
    is_terminal: bool,
    /// Whether nothing is said where there is no terminal.
    is_for_terminals: bool,
}

/// From the cursor to the end of the line (ECMA-48, "EL").
const ERASE_LINE: &str = "\u{1b}[K";

impl Progress<io::Stderr> {
    /// On the standard error.
    #[must_use]
    pub fn on_stderr() -> Self {
        let out = io::stderr();
        let is_terminal = out.is_terminal();
        Self { out, is_terminal, is_for_terminals: false }
    }

    /// On the standard error, if that is a terminal: for what takes seconds, not minutes.
    #[must_use]
    pub fn on_terminal() -> Self {
        let out = io::stderr();
        let is_terminal = out.is_terminal();
        Self { out, is_terminal, is_for_terminals: true }
    }
}

impl<W: Write> Progress<W> {
    /// One more thing is done. If nobody can read it, the results will still tell.
    pub fn say(&mut self, line: impl Display) {
        let _ = if self.is_terminal {
            write!(self.out, "\r{line}{ERASE_LINE}").and_then(|()| self.out.flush())
        } else if self.is_for_terminals {
            Ok(())
        } else {
            writeln!(self.out, "{line}")
        };
    }

    /// A thing that must stay on the screen.
    pub fn keep(&mut self, line: impl Display) {
        let _ = if self.is_terminal {
            writeln!(self.out, "\r{line}{ERASE_LINE}")
        } else {
            writeln!(self.out, "{line}")
        };
    }
}

impl<W: Write> Drop for Progress<W> {
    /// What comes next finds an empty line.
    fn drop(&mut self) {
        if self.is_terminal {
            let _ = write!(self.out, "\r{ERASE_LINE}").and_then(|()| self.out.flush());
        }
    }
}

/// Does something that takes seconds, and says so on a terminal.
pub fn while_saying<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let mut progress = Progress::on_terminal();
    progress.say(format_args!("{what} …"));
    work()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(is_terminal: bool) -> String {
        let mut out = Vec::new();
        let mut progress = Progress { out: &mut out, is_terminal, is_for_terminals: false };
        progress.say("1/2");
        progress.keep("failed");
        progress.say("2/2");
        drop(progress);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_gets_one_line_and_a_file_gets_all() {
        assert_eq!(shown(false), "1/2\nfailed\n2/2\n");
        assert_eq!(shown(true), "\r1/2\u{1b}[K\rfailed\u{1b}[K\n\r2/2\u{1b}[K\r\u{1b}[K");
    }
}
