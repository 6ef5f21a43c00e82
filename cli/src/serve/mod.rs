//! `portolan serve`: checks a policy, renders it, runs the Envoy that serves it, and puts a changed
//! policy in force.
//!
//! Envoy is a child of this process. To become Envoy (`execve`) would leave nobody to follow the
//! policy's file, and a SIGTERM would cut what streams: Envoy ends at once. So signals come here
//! ([`signals`]), and the end is Envoy's own.

mod changes;
mod child;
mod command;
mod place;
mod signals;

use std::fmt;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use clap::Args;
use portolan_check as check;
use portolan_command::output::{Exit, fail};
use portolan_render::{self as render, SiteArgs};
use signal_hook::iterator::Signals;

use crate::reload::{ApplyArgs, DrainArgs, Watch, time};
use child::Running;

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
/// The files that the policy names have to be there. A policy that is changed later is put in force
/// while Envoy runs; one that is refused is said to be, and the one before stays. SIGTERM and
/// SIGINT end Envoy when no request is under way any more, a second one ends it at once.
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
    /// How long Envoy takes new connections still when it is to end: load balancers have to notice
    /// that it is not ready.
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = time)]
    drain_grace: Duration,
    /// How long requests may take at most when Envoy is to end. What streams then is cut.
    #[arg(long, value_name = "TIME", default_value = "10m", value_parser = time)]
    drain_timeout: Duration,
    #[command(flatten)]
    site: SiteArgs,
    /// More arguments for Envoy, such as `--concurrency 2`.
    #[arg(last = true, value_name = "ENVOY ARGUMENT")]
    envoy_arguments: Vec<String>,
}

/// Serves the policy until Envoy ends, and ends with its status. Comes back only if Envoy cannot be
/// started.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: ServeArgs, out: &mut impl Write) -> io::Result<Exit> {
    // Before anything is read: what changes from here on is a change.
    let watch = Watch::from_now(&arguments.policy);
    let checked = check::before_serving(&arguments.policy, out)?;
    if checked > Exit::Good {
        return Ok(checked);
    }
    out.flush()?;
    let signals = signals::take()?;
    let site = arguments.site.clone().here(&place::filters());
    let rendered = render::into_directory(&arguments.policy, &site, &arguments.directory);
    let configuration = match rendered {
        Ok(configuration) => configuration,
        Err(error) => return Ok(error.complain()),
    };
    let (program, more) = (&arguments.envoy_program, &arguments.envoy_arguments);
    match Running::start(command::envoy(program, &configuration, more)) {
        Ok(envoy) => process::exit(attend(envoy, arguments, signals, watch)?),
        Err(source) => {
            let error = NoEnvoy { program: arguments.envoy_program, source };
            Ok(fail(error, Exit::Unusable))
        }
    }
}

/// Answers signals and follows the policy until Envoy ends; its status. The threads go with the
/// process, at whatever point they are: a change of the policy can be stopped at any.
fn attend(envoy: Running, arguments: ServeArgs, signals: Signals, watch: Watch) -> io::Result<i32> {
    let ServeArgs { policy, directory, envoy_program, site, .. } = arguments;
    let (handle, admin) = (envoy.handle(), site.admin());
    let drain = DrainArgs::of_own_envoy(admin, arguments.drain_grace, arguments.drain_timeout);
    thread::spawn(move || signals::follow(signals, &handle, drain));
    let apply = ApplyArgs::of_own_envoy(&policy, &directory, envoy_program);
    thread::spawn(move || changes::follow(watch, &apply, admin));
    thread::spawn(move || changes::watch_for_replaced_mount(&policy));
    envoy.wait()
}

/// Envoy cannot be started.
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
