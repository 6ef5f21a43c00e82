//! Errors of `portolan credential`; each says who can correct it. None repeats a password.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why no credential was written.
#[derive(Debug)]
pub(crate) enum CredentialError {
    /// The user's name has a colon or a control character in it, or is empty.
    Username,
    /// There is no password.
    PasswordEmpty,
    /// The password has a control character in it.
    PasswordControl,
    /// The password is longer than any registry's; the most that are taken, in bytes.
    PasswordLong(usize),
    /// The standard input is a terminal, which would show what is typed.
    Terminal,
    /// The password cannot be read.
    Read {
        /// Where it should be.
        from: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file cannot be written.
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl CredentialError {
    /// Whether what was given is refused; else a file cannot be read or written.
    pub(crate) const fn is_refusal(&self) -> bool {
        !matches!(self, Self::Read { .. } | Self::Write { .. })
    }
}

impl fmt::Display for CredentialError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Username => formatter.write_str(
                "the user's name must not be empty, and must have no colon and no control \
                 character in it; a colon ends it",
            ),
            Self::PasswordEmpty => formatter.write_str(
                "the password is empty, and the old credential stays; look whether the command \
                 that should have printed it failed",
            ),
            Self::PasswordControl => formatter.write_str(
                "the password has a control character in it, such as a newline that is not at its \
                 end; give the password alone",
            ),
            Self::PasswordLong(most) => write!(
                formatter,
                "the password is longer than {most} bytes; give the password alone"
            ),
            Self::Terminal => formatter.write_str(
                "the password would be seen as it is typed; pipe it in, or name a file with \
                 --password-file",
            ),
            Self::Read { from, source } => {
                write!(formatter, "cannot read the password from {from}: {source}")
            }
            Self::Write { path, source } => {
                write!(formatter, "cannot write {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for CredentialError {}
