//! Errors of a directory of `--target files`.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// What is wrong with a directory.
#[derive(Debug)]
pub enum DirectoryError {
    /// Nothing was rendered there.
    NotRendered(PathBuf),
    /// Another command changes it at the moment.
    Locked(PathBuf),
    /// A file cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file is not what was written there.
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file cannot be written.
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRendered(path) => write!(
                formatter,
                "{0} was not made by `portolan render POLICY --target files {0}`; do that first",
                path.display()
            ),
            Self::Locked(path) => write!(
                formatter,
                "another `portolan` changes {} at this moment; wait until it is done",
                path.display()
            ),
            Self::Unreadable { path, source } => {
                write!(formatter, "cannot read {}: {source}", path.display())
            }
            Self::Broken { path, message } => write!(
                formatter,
                "{} is not as it was written: {message}; render the directory again",
                path.display()
            ),
            Self::Unwritable { path, source } => {
                write!(formatter, "cannot write {}: {source}", path.display())
            }
        }
    }
}

impl std::error::Error for DirectoryError {}
