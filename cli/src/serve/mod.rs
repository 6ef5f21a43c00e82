//! `portolan serve`: checks a policy, renders it, and becomes the Envoy that serves it.
//!
//! The process is replaced (`execve`), not forked: Envoy is what the container's runtime or systemd sends its signals
//! to, and there is no second process to supervise.

mod command;
mod place;

use std::fmt;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

use clap::Args;

use crate::check;
use crate::output::{Exit, say};
use crate::render::{self, SiteArgs};

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan serve
  portolan serve portolan.yaml --listen 127.0.0.1:8080 --directory ./run
  portolan serve /etc/portolan/portolan.yaml --metrics 0.0.0.0:9902 -- --concurrency 2

Exit status, if Envoy could not be started; else it is Envoy's own:
  1  the policy is refused; the standard error says why, in the words of `portolan check`
  2  the command was wrong, a file cannot be read or written, or there is no Envoy";

/// Check a policy, render it, and run the Envoy that serves it.
///
/// The files that the policy names have to be there. Envoy takes the place of this process, so that signals reach it.
/// A policy that is changed later is served after a restart.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The policy, a YAML or JSON file.
    #[arg(default_value = "/etc/portolan/portolan.yaml")]
    policy: PathBuf,
    /// Where the configuration for Envoy is written. Nobody else should be able to write there.
    #[arg(long, value_name = "DIRECTORY", default_value = "/run/portolan")]
    directory: PathBuf,
    /// The program, if it is not the `envoy` of `PATH`.
    #[arg(long, value_name = "PATH", default_value = "envoy")]
    envoy_program: PathBuf,
    #[command(flatten)]
    site: SiteArgs,
    /// More arguments for Envoy, such as `--concurrency 2`.
    #[arg(last = true, value_name = "ENVOY ARGUMENT")]
    envoy_arguments: Vec<String>,
}

/// Serves the policy. Comes back only if that cannot be.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: ServeArgs, out: &mut impl Write) -> io::Result<Exit> {
    let checked = check::before_serving(&arguments.policy, out)?;
    if checked > Exit::Good {
        return Ok(checked);
    }
    out.flush()?;
    let site = arguments.site.here(&arguments.directory, &place::filters());
    match render::into_directory(&arguments.policy, site, &arguments.directory) {
        Err(error) => Ok(crate::exit_of_render_error(&error)),
        Ok(configuration) => {
            let mut envoy = command::envoy(
                &arguments.envoy_program,
                &configuration,
                &arguments.envoy_arguments,
            );
            let error = NoEnvoy { program: arguments.envoy_program, source: envoy.exec() };
            say(format_args!("error: {error}"));
            Ok(Exit::Unusable)
        }
    }
}

/// Envoy could not take the place of this process.
#[derive(Debug)]
struct NoEnvoy {
    program: PathBuf,
    source: io::Error,
}

impl fmt::Display for NoEnvoy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "cannot run {}: {}; install Envoy, or name the program with --envoy-program",
            self.program.display(),
            self.source
        )
    }
}
