//! Errors of `apply`; each says why the policy is not in force, and who can correct it.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use portolan_command::output::Exit;
use portolan_command::policy_file::Diagnostic;
use portolan_render::RenderError;
use portolan_render::files::DirectoryError;

/// Why a policy is not in force.
#[derive(Debug)]
pub(crate) enum ReloadError {
    /// The policy cannot be read or has mistakes.
    Policy(Vec<Diagnostic>),
    /// It cannot be rendered.
    Render(RenderError),
    /// The directory is not as it should be.
    Directory(DirectoryError),
    /// A program has looked at the configuration and does not take it.
    Invalid {
        /// The program.
        program: PathBuf,
        /// What it says.
        says: String,
    },
    /// The admin interface does not answer.
    NoEnvoy {
        /// Its address.
        address: SocketAddr,
        /// What happened.
        why: String,
    },
    /// An Envoy runs with another directory, or with none.
    AnotherEnvoy(SocketAddr),
    /// Clusters that the policy names itself would connect to other places.
    Moved(Vec<String>),
    /// Envoy does not take a file.
    Refused {
        /// What is in it.
        what: String,
        /// The Envoy.
        address: SocketAddr,
        /// What it says.
        why: Option<String>,
    },
    /// Envoy takes too long.
    Late {
        /// For what.
        what: String,
        /// The Envoy.
        address: SocketAddr,
        /// How long it was waited for.
        after: Duration,
    },
    /// There is no such policy to go back to.
    NothingBefore(String),
    /// Requests to compare cannot be read.
    Requests {
        /// Their file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// The results cannot be printed.
    Print(std::io::Error),
}

impl ReloadError {
    /// How the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Policy(_) | Self::Invalid { .. } | Self::Refused { .. } | Self::Moved(_) => {
                Exit::Refused
            }
            _ => Exit::Unusable,
        }
    }
}

impl From<DirectoryError> for ReloadError {
    fn from(error: DirectoryError) -> Self {
        Self::Directory(error)
    }
}

impl From<std::io::Error> for ReloadError {
    fn from(error: std::io::Error) -> Self {
        Self::Print(error)
    }
}

impl fmt::Display for ReloadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(diagnostics) => {
                let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                formatter.write_str(&lines.join("\n"))
            }
            Self::Render(error) => error.fmt(formatter),
            Self::Directory(error) => error.fmt(formatter),
            Self::Invalid { program, says } => write!(
                formatter,
                "{} does not take the configuration; the policy that was in force is so still. It says:\n{says}",
                program.display()
            ),
            Self::NoEnvoy { address, why } => write!(
                formatter,
                "Envoy's admin interface at {address} does not answer: {why}; start Envoy, name its address with \
                 --admin, or write the files for its next start with --without-envoy"
            ),
            Self::AnotherEnvoy(address) => write!(
                formatter,
                "the Envoy at {address} reads no files of this directory; start it with the directory's envoy.yaml"
            ),
            Self::Moved(clusters) => write!(
                formatter,
                "the policy itself names the clusters {} and changes what they connect to; requests of the policy \
                 before would go there. Leave the names out, or write others",
                clusters.join(", ")
            ),
            Self::Refused { what, address, why } => {
                write!(formatter, "the Envoy at {address} refuses {what}")?;
                match why {
                    Some(why) => write!(formatter, ": {}", why.trim())?,
                    None => formatter.write_str("; its log says why")?,
                }
                formatter.write_str(
                    "\nThe policy that was in force is so still, and the files are as they were",
                )
            }
            Self::Late { what, address, after } => write!(
                formatter,
                "the Envoy at {address} has not taken {what} after {} seconds. The policy that was in force is so \
                 still; its log may say why, and a longer time is given with --timeout",
                after.as_secs()
            ),
            Self::NothingBefore(which) => write!(
                formatter,
                "there is no policy {which} to go back to; `portolan history DIRECTORY` lists those that there are"
            ),
            Self::Requests { path, why } => write!(formatter, "{}: {why}", path.display()),
            Self::Print(error) => write!(formatter, "cannot print: {error}"),
        }
    }
}

impl std::error::Error for ReloadError {}
