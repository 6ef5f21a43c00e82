//! `portolan clients`: what a client needs to pull through a front, made of the policy.
//!
//! What is in the files is for the core to say ([`portolan_core::client_files`]), since fronts
//! serve them too; here is which front, and where the files go.

mod arguments;
mod error;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use portolan_command::output::say;
use portolan_command::policy_file;
use portolan_core::client_files::{Address, ClientFile, client_files};
use portolan_core::config::{Config, Front};

pub(crate) use arguments::{ClientsArgs, EXAMPLES};
pub(crate) use error::ClientsError;

/// Prints or writes the files of one client; what is left out goes to the standard error.
///
/// # Errors
///
/// [`ClientsError`]; what was written before it stays.
pub(crate) fn run(arguments: &ClientsArgs, out: &mut impl Write) -> Result<(), ClientsError> {
    let policy = policy_file::load(&arguments.policy).map_err(ClientsError::Policy)?;
    let front = choose(&policy.config, arguments.front.as_deref())?;
    let address = Address::canonical(front, arguments.scheme.into());
    let made = client_files(arguments.client.into(), front, &address, arguments.naming());
    for sentence in &made.left_out {
        say(format_args!("note: {sentence}"));
    }
    if made.files.is_empty() {
        return Err(ClientsError::Nothing {
            front: front.name().to_owned(),
            has_upstreams: front.upstreams().is_some(),
        });
    }
    match &arguments.output {
        Some(path) => write(path, &made.files, arguments.client.has_tree()),
        None => print(out, &made.files, arguments.client.has_tree()),
    }
}

/// The front of this name, or the only one.
fn choose<'c>(config: &'c Config, name: Option<&str>) -> Result<&'c Front, ClientsError> {
    let fronts = config.fronts().all();
    let names = || fronts.iter().map(|front| front.name().to_owned()).collect();
    match (name, fronts) {
        (None, [only]) => Ok(only),
        (None, _) => Err(ClientsError::WhichFront(names())),
        (Some(name), _) => fronts
            .iter()
            .find(|front| front.name() == name)
            .ok_or_else(|| ClientsError::NoFront(name.to_owned(), names())),
    }
}

fn print(out: &mut impl Write, files: &[ClientFile], is_tree: bool) -> Result<(), ClientsError> {
    for (index, file) in files.iter().enumerate() {
        let gap = if index == 0 { "" } else { "\n" };
        let header = if is_tree { format!("{gap}# {}\n", file.path) } else { String::new() };
        write!(out, "{header}{}", file.text).map_err(ClientsError::Print)?;
    }
    Ok(())
}

/// A tree goes below `path`, one file becomes `path`. Each is whole at every moment.
fn write(path: &Path, files: &[ClientFile], is_tree: bool) -> Result<(), ClientsError> {
    let place = |file: &ClientFile| if is_tree { path.join(&file.path) } else { path.to_owned() };
    files.iter().try_for_each(|file| put(&place(file), &file.text))
}

fn put(path: &Path, text: &str) -> Result<(), ClientsError> {
    let failed = |path: &Path| {
        let path: PathBuf = path.to_owned();
        move |source| ClientsError::Output { path, source }
    };
    if let Some(directory) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        fs::create_dir_all(directory).map_err(failed(directory))?;
    }
    portolan_command::replace::replace(path, text.as_bytes()).map_err(failed(path))
}
