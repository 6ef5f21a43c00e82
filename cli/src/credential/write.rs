//! `portolan credential write`: a credential file, replaced so that a running Envoy reads it again.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use portolan_command::replace::{replace, replace_secret};

use super::basic;
use super::error::CredentialError;
use super::timestamp;

/// Where credential files are unless the command says otherwise.
const DIRECTORY: &str = "/etc/portolan/credentials";

/// Arguments of `portolan credential write`. None is a password: everybody on a machine sees
/// the arguments of its commands.
#[derive(Debug, Args)]
pub(crate) struct WriteArgs {
    /// The credential's name in the policy. Its file is /etc/portolan/credentials/NAME unless
    /// --file says otherwise.
    #[arg(value_name = "NAME", required_unless_present = "file", value_parser = name)]
    name: Option<String>,
    /// The file to write, the `file` of the credential in the policy.
    #[arg(long, value_name = "PATH")]
    file: Option<PathBuf>,
    /// The user's name.
    #[arg(long, value_name = "USER")]
    username: String,
    /// Read the password from this file, not from the standard input.
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Also write when this was done, for the textfile collector of Prometheus's node exporter.
    #[arg(long, value_name = "FILE.prom", value_parser = timestamp_file)]
    timestamp_file: Option<PathBuf>,
}

/// Writes the credential, and then when it was written.
///
/// # Errors
///
/// A name or a password that cannot be sent, a file that cannot be read or written. The old
/// credential stays then, and the old time with it.
pub(crate) fn run(arguments: &WriteArgs) -> Result<(), CredentialError> {
    let password = match &arguments.password_file {
        Some(path) => from_file(path),
        None => from_standard_input(),
    }?;
    let content = basic::content(&arguments.username, &password)?;
    let path = arguments.path();
    replace_secret(&path, content.as_bytes()).map_err(|source| failed(&path, source))?;
    if let Some(path) = &arguments.timestamp_file {
        let text = timestamp::exposition(&arguments.label(), SystemTime::now());
        replace(path, text.as_bytes()).map_err(|source| failed(path, source))?;
    }
    Ok(())
}

impl WriteArgs {
    fn path(&self) -> PathBuf {
        let usual = || Path::new(DIRECTORY).join(self.name.as_deref().unwrap_or_default());
        self.file.clone().unwrap_or_else(usual)
    }

    /// What the monitor calls it: its name, else that of its file.
    fn label(&self) -> String {
        let of_file = || self.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.name.clone().unwrap_or_else(of_file)
    }
}

fn failed(path: &Path, source: io::Error) -> CredentialError {
    CredentialError::Write { path: path.to_owned(), source }
}

fn from_file(path: &Path) -> Result<Vec<u8>, CredentialError> {
    read(|| File::open(path), &path.display().to_string())
}

fn from_standard_input() -> Result<Vec<u8>, CredentialError> {
    let input = io::stdin().lock();
    if input.is_terminal() {
        return Err(CredentialError::Terminal);
    }
    read(|| Ok(input), "the standard input")
}

/// Reads a little more than a password may have; the rest need not be kept to be refused.
fn read<R: Read>(
    open: impl FnOnce() -> io::Result<R>,
    from: &str,
) -> Result<Vec<u8>, CredentialError> {
    let limit = u64::try_from(basic::PASSWORD_BYTES).unwrap_or(u64::MAX).saturating_add(3);
    let mut bytes = Vec::new();
    let read = open().and_then(|input| input.take(limit).read_to_end(&mut bytes));
    read.map(|_| bytes).map_err(|source| CredentialError::Read { from: from.to_owned(), source })
}

/// A name as the policy takes it; it becomes a part of a path.
fn name(text: &str) -> Result<String, String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_name = (1..=63).contains(&text.len()) && text.bytes().all(plain);
    if is_name && !text.starts_with('.') {
        return Ok(text.to_owned());
    }
    Err("is not the name of a credential: letters, digits, `-`, `_` and `.`, at most 63, the first no \
         `.`; name a file with --file"
        .to_owned())
}

/// The collector reads nothing else.
fn timestamp_file(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    if path.extension().is_some_and(|extension| extension == "prom") {
        return Ok(path);
    }
    Err("does not end in `.prom`; the textfile collector reads no other files".to_owned())
}
