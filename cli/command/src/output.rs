//! Where results and complaints go, and how the process ends.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use crate::policy_file::{Diagnostic, Severity};

/// How a command ends. Derived order: the last is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// All is well.
    Good,
    /// A policy or another input is refused.
    Refused,
    /// The command itself was wrong, or a file cannot be read or written.
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Good => Self::SUCCESS,
            Exit::Refused => Self::from(1),
            Exit::Unusable => Self::from(2),
        }
    }
}

/// Prints complaints to the standard error; the exit that the worst of them calls for.
#[expect(clippy::must_use_candidate, reason = "some print, and go on")]
pub fn complain(diagnostics: &[Diagnostic]) -> Exit {
    for diagnostic in diagnostics {
        say(diagnostic);
    }
    exit_of(diagnostics)
}

/// The exit that the worst of some complaints calls for.
#[must_use]
pub fn exit_of(diagnostics: &[Diagnostic]) -> Exit {
    let worst = diagnostics.iter().map(|diagnostic| diagnostic.severity);
    match worst.max() {
        None | Some(Severity::Note | Severity::Warning) => Exit::Good,
        Some(Severity::Mistake) => Exit::Refused,
        Some(Severity::Unreadable) => Exit::Unusable,
    }
}

/// Prints one line to the standard error. If nobody can read it, the exit status still tells.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// Prints an error to the standard error, and hands back how the command ends for it.
#[must_use]
pub fn fail(message: impl Display, exit: Exit) -> Exit {
    say(format_args!("error: {message}"));
    exit
}

/// A place for results that may be closed before all are written, as in `portolan … | head`.
///
/// Whoever closed it has seen enough; that is no error, and the exit status stays what it is.
pub struct Results<W> {
    inner: W,
    is_closed: bool,
}

impl<W> Results<W> {
    /// Results for `inner`.
    pub const fn to(inner: W) -> Self {
        Self { inner, is_closed: false }
    }

    /// Whether nobody reads any more.
    pub const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The result of a write, a closed pipe being the same as `done`.
    fn unless_closed<T>(&mut self, result: io::Result<T>, done: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_closed = true;
                Ok(done)
            }
            other => other,
        }
    }
}

impl<W: Write> Write for Results<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes);
        self.unless_closed(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.inner.flush();
        self.unless_closed(flushed, ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error() {
        let mut results = Results::to(Fails(ErrorKind::BrokenPipe));
        assert!(!results.is_closed());
        writeln!(results, "x").unwrap();
        results.flush().unwrap();
        assert!(results.is_closed());
    }

    #[test]
    fn a_full_disk_is_one() {
        let mut results = Results::to(Fails(ErrorKind::StorageFull));
        assert!(writeln!(results, "x").is_err());
        assert!(results.flush().is_err());
        assert!(!results.is_closed());
    }
}
