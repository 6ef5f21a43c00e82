//! Completions and manual pages, made from the command line itself.

use std::ffi::OsString;
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

/// The arguments, with the policy that the environment names before what `explain` is asked:
/// `explain pull IMAGE`. Every other command takes the variable by itself.
pub(crate) fn with_policy(
    arguments: impl Iterator<Item = OsString>,
    policy: Option<OsString>,
) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    let word = |at: usize| arguments.get(at).and_then(|word| word.to_str());
    let is_question = word(2).is_some_and(|word| {
        matches!(word, "pull" | "push")
            || !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase())
    });
    if word(1) == Some("explain")
        && is_question
        && let Some(policy) = policy.filter(|policy| !policy.is_empty())
    {
        arguments.insert(2, policy);
    }
    arguments
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_of_the_environment_stands_before_a_question() {
        let rows = [
            ("explain pull a/b", Some("p.yaml"), "explain p.yaml pull a/b"),
            ("explain GET /v2/", Some("p.yaml"), "explain p.yaml GET /v2/"),
            ("explain q.yaml pull a/b", Some("p.yaml"), "explain q.yaml pull a/b"),
            ("explain pull a/b", None, "explain pull a/b"),
            ("explain pull a/b", Some(""), "explain pull a/b"),
            ("check pull", Some("p.yaml"), "check pull"),
        ];
        for (written, policy, expected) in rows {
            let words = format!("portolan {written}");
            let words = words.split(' ').map(OsString::from);
            let found = with_policy(words, policy.map(OsString::from));
            let found: Vec<&str> = found.iter().skip(1).filter_map(|word| word.to_str()).collect();
            assert_eq!(found.join(" "), expected);
        }
    }
}
