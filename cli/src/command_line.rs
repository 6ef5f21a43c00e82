//! What shells and manuals know of the command line, made from the command line itself.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;

/// Arguments of `portolan completion`.
#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    shell: Shell,
}

/// Arguments of `portolan man`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory, such as `/usr/local/share/man/man1`. It must be there.
    #[arg(value_name = "DIRECTORY")]
    directory: PathBuf,
}

/// Prints the completion for a shell.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn completion(
    arguments: &CompletionArgs,
    mut command: Command,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "portolan", &mut script);
    out.write_all(&script)
}

/// Writes `portolan.1`, `portolan-check.1` and so on.
///
/// # Errors
///
/// A page cannot be written.
pub(crate) fn man(arguments: &ManArgs, mut command: Command) -> io::Result<()> {
    command.build();
    for page in pages(command) {
        let mut text = Vec::new();
        page.render(&mut text)?;
        fs::write(arguments.directory.join(page.get_filename()), text)?;
    }
    Ok(())
}

/// The page of a command, and those of the commands below it.
fn pages(command: Command) -> Vec<Man> {
    let below: Vec<Command> =
        command.get_subcommands().filter(|sub| sub.get_name() != "help").cloned().collect();
    let mut all = vec![Man::new(command)];
    all.extend(below.into_iter().flat_map(pages));
    all
}
