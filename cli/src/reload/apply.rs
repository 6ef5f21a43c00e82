//! `portolan apply`: a policy in force, or nothing changed.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use portolan_command::output::{complain, say};
use portolan_command::policy_file;
use portolan_render::files::{Directory, FileSet, State};
use portolan_render::{Rendering, Target};

use super::arguments::ApplyArgs;
use super::carry_out::{Reload, written};
use super::difference::{Difference, moved};
use super::envoy::Envoy;
use super::error::ReloadError;
use super::plan::Plan;
use super::shared_port;
use super::validate::{Program, validate};
use super::watch::Watch;

/// Puts the policy in force, once or again and again; says to `out` what is in force then.
///
/// # Errors
///
/// Whatever keeps the policy from it; the one before is in force then.
pub(crate) fn run(arguments: &ApplyArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    if !arguments.watch {
        return once(arguments, out);
    }
    follow(arguments, Watch::from_nothing(&arguments.policy), out)
}

/// Puts the policy in force whenever its files have changed.
///
/// # Errors
///
/// `out` cannot be written. What keeps a policy from being in force is said, and the next one is
/// waited for.
pub(crate) fn follow(
    arguments: &ApplyArgs,
    mut watch: Watch,
    out: &mut impl Write,
) -> Result<(), ReloadError> {
    loop {
        watch.wait_for_change();
        match once(arguments, out) {
            Err(ReloadError::Print(error)) => return Err(ReloadError::Print(error)),
            Err(ReloadError::Policy(diagnostics)) => {
                complain(&diagnostics);
                say("the policy is refused; the one that was in force is so still");
            }
            Err(error) => say(format_args!("error: {error}")),
            Ok(()) => out.flush().map_err(ReloadError::Print)?,
        }
    }
}

fn once(arguments: &ApplyArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    let directory = Directory::new(&arguments.directory);
    let state = directory.state()?;
    let policy = policy_file::load(&arguments.policy).map_err(ReloadError::Policy)?;
    complain(&portolan_check::doubts(&policy));
    let rendering =
        Rendering::of(&policy, &state.site, Target::Files).map_err(ReloadError::Render)?;
    let set = FileSet::of(&rendering);
    let now = written(&directory, &set)?;
    let plan = Plan::new(&now, &set);
    if arguments.diff || arguments.dry_run {
        let difference = Difference::of(&now, &set, arguments.requests.as_deref())?;
        difference.print(&plan, out)?;
    }
    let moved = moved(&now, &set);
    if !moved.is_empty() {
        return Err(ReloadError::Moved(moved));
    }
    if let Some(program) = program(arguments, &directory, &state) {
        let _lock = directory.lock()?;
        directory.put_secrets(&set)?;
        validate(&program, &rendering.whole(), directory.path())?;
    }
    if arguments.dry_run {
        return Ok(());
    }
    rendering.notes().into_iter().for_each(say);
    put_in_force(arguments, &directory, state, &set, out)
}

fn put_in_force(
    arguments: &ApplyArgs,
    directory: &Directory,
    state: State,
    set: &FileSet,
    out: &mut impl Write,
) -> Result<(), ReloadError> {
    let _lock = directory.lock()?;
    let addresses = arguments.envoys.addresses(&state.site);
    let envoys: Vec<Envoy> = if arguments.without_envoy {
        Vec::new()
    } else {
        addresses.into_iter().map(Envoy::new).collect()
    };
    check_envoys(&envoys)?;
    let reload = Reload {
        directory,
        envoys: &envoys,
        timeout: arguments.envoys.timeout,
        settle: if envoys.is_empty() { Duration::ZERO } else { arguments.envoys.settle },
    };
    let plan = reload.to(state, set)?;
    if plan.changes_listener && !envoys.is_empty() {
        say(
            "note: the listener has changed: connections that are open keep it as it was until they end, at the \
             latest after Envoy's --drain-time-s, which also cuts what still streams on them",
        );
    }
    say_what_is_in_force(directory, &envoys, set, out)
}

/// Says it from what the Envoys themselves say.
pub(super) fn say_what_is_in_force(
    directory: &Directory,
    envoys: &[Envoy],
    set: &FileSet,
    out: &mut impl Write,
) -> Result<(), ReloadError> {
    if envoys.is_empty() {
        writeln!(out, "policy {} is written for the next start of Envoy", set.policy)?;
    }
    for envoy in envoys {
        let policy = super::history::policy_of(&envoy.statistics()?);
        writeln!(out, "policy {policy} is in force at {}", envoy.address())?;
    }
    writeln!(out, "{}: {} clusters", directory.path().display(), set.clusters.len())?;
    shared_port::warning(envoys, &directory.state()?.site).into_iter().for_each(say);
    Ok(())
}

/// Every Envoy has to run, and with files such as these: one that never reads them would be waited
/// for in vain.
pub(super) fn check_envoys(envoys: &[Envoy]) -> Result<(), ReloadError> {
    for envoy in envoys {
        if super::history::policy_of(&envoy.statistics()?).is_empty() {
            return Err(ReloadError::AnotherEnvoy(envoy.address()));
        }
    }
    Ok(())
}

/// The program that looks at the configuration first. One that sees the directory elsewhere does
/// not see it here.
fn program(arguments: &ApplyArgs, directory: &Directory, state: &State) -> Option<Program> {
    if arguments.no_validate {
        return None;
    }
    if let Some(path) = &arguments.envoy_program {
        return Some(Program::named(path.clone()));
    }
    let is_here = std::path::absolute(directory.path())
        .is_ok_and(|path| path == Path::new(&state.site.directory_in_envoy()));
    if is_here { Program::in_path() } else { None }
}
