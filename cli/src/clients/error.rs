//! Errors of `portolan clients`; each says who can correct it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use portolan_command::policy_file::Diagnostic;

/// Why nothing was made.
#[derive(Debug)]
pub(crate) enum ClientsError {
    /// The policy cannot be read or has mistakes.
    Policy(Vec<Diagnostic>),
    /// There are several fronts, and none was named.
    WhichFront(Vec<String>),
    /// There is no front of this name, but these.
    NoFront(String, Vec<String>),
    /// The front has nothing for this client.
    Nothing {
        /// The name of the front.
        front: String,
        /// Whether it stands for registries at all.
        has_upstreams: bool,
    },
    /// A file cannot be written.
    Output {
        /// The file or directory.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Nothing could be printed.
    Print(io::Error),
}

impl ClientsError {
    /// Whether the policy has nothing for the client; else the command or a file is to blame.
    pub(crate) const fn is_refusal(&self) -> bool {
        matches!(self, Self::Policy(_) | Self::Nothing { .. })
    }
}

impl fmt::Display for ClientsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(diagnostics) => {
                let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                formatter.write_str(&lines.join("\n"))
            }
            Self::WhichFront(names) => write!(
                formatter,
                "the policy has several fronts; write --front and one of {}",
                names.join(", ")
            ),
            Self::NoFront(name, names) => write!(
                formatter,
                "there is no front `{name}`; write --front and one of {}",
                names.join(", ")
            ),
            Self::Nothing { front, has_upstreams: false } => write!(
                formatter,
                "there is nothing for this client to be told: the front `{front}` has no `upstreams`, so \
                 images are pulled by its own host name"
            ),
            Self::Nothing { front, has_upstreams: true } => write!(
                formatter,
                "there is nothing for this client to be told: it can name none of the `upstreams` of the \
                 front `{front}`"
            ),
            Self::Output { path, source } => {
                write!(formatter, "cannot write {}: {source}", path.display())
            }
            Self::Print(error) => write!(formatter, "cannot print: {error}"),
        }
    }
}

impl std::error::Error for ClientsError {}
