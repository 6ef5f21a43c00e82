//! `portolan history`: which policy is in force, by what Envoy says of itself, and which were
//! before.

use std::io::Write;

use portolan_command::output::say;
use portolan_render::files::{Kind, Version};

use super::arguments::HistoryArgs;
use super::envoy::{Envoy, Statistics};
use super::error::ReloadError;
use super::shared_port;
use super::written::remembered;

/// Says it.
///
/// # Errors
///
/// The directory cannot be read, or `out` not be written. An Envoy that does not answer is a line
/// like others.
pub(crate) fn run(arguments: &HistoryArgs, out: &mut impl Write) -> Result<(), ReloadError> {
    let state = remembered(&arguments.directory)?;
    let admin = arguments.admin.iter().copied();
    let admin: Vec<_> =
        if arguments.admin.is_empty() { vec![state.site.admin()] } else { admin.collect() };
    let envoys: Vec<Envoy> = admin.into_iter().map(Envoy::new).collect();
    for envoy in &envoys {
        match envoy.statistics() {
            Ok(found) => writeln!(out, "{}: policy {}", envoy.address(), policy_of(&found))?,
            Err(_) => writeln!(out, "{}: no Envoy answers", envoy.address())?,
        }
    }
    shared_port::warning(&envoys, &state.site).into_iter().for_each(say);
    let place = arguments.directory.display();
    let Some((last, before)) = state.versions.split_last() else { return Ok(()) };
    writeln!(out, "{place}: {}", line(last))?;
    if state.is_unfinished {
        writeln!(out, "{place}: a change was stopped in its midst; apply the policy again")?;
    }
    for version in before.iter().rev() {
        writeln!(out, "before: {}", line(version))?;
    }
    Ok(())
}

fn line(version: &Version) -> String {
    format!("policy {} since {}", version.policy, version.since)
}

/// The fingerprint of the policy that the filter of an Envoy has; empty if it has none from such
/// files.
pub(super) fn policy_of(statistics: &Statistics) -> String {
    let version = statistics.version(&Kind::of_the_decision());
    version.split('-').next().unwrap_or_default().to_owned()
}
