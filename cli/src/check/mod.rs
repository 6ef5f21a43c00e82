//! `portolan check`: says whether policies are good before Envoy has to.

mod files;
mod warnings;

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_core::config::Config;

use crate::geoip::date::BuildDate;
use crate::output::{Exit, complain};
use crate::policy_file::{self, Diagnostic, LoadedPolicy};

/// Arguments of `portolan check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Policy files: JSON if the name ends in `.json`, else YAML; `-` is the standard input.
    #[arg(required = true, value_name = "POLICY")]
    policies: Vec<PathBuf>,
    /// Refuse a policy for warnings, too.
    #[arg(long)]
    strict: bool,
    /// Look also at what the policy names: whether its files can be read, and whether Envoy can use the
    /// geographic database, what it covers and how old it is.
    #[arg(long)]
    files: bool,
}

/// Checks every policy; one line to `out` for each good one, all else to the standard error.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &CheckArgs, out: &mut impl Write) -> io::Result<Exit> {
    let mut worst = Exit::Good;
    for policy in &arguments.policies {
        worst = worst.max(check(policy, arguments, out)?);
    }
    Ok(worst)
}

/// Doubts about a policy that works, but perhaps not as meant.
pub(crate) fn warnings(policy: &LoadedPolicy) -> Vec<Diagnostic> {
    warnings::of(policy)
}

fn check(path: &Path, arguments: &CheckArgs, out: &mut impl Write) -> io::Result<Exit> {
    let policy = match policy_file::load(path) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let mut found = warnings(&policy);
    if arguments.files {
        found.extend(files::of(&policy, BuildDate::now()));
    }
    let exit = complain(&found);
    if exit > Exit::Good || arguments.strict && !found.is_empty() {
        return Ok(exit.max(Exit::Refused));
    }
    writeln!(out, "{}: ok ({})", policy.file(), Summary(&policy.config))?;
    Ok(Exit::Good)
}

/// How much of everything a policy has: `1 front, 2 rules, 3 backends, 4 regions`.
struct Summary<'c>(&'c Config);

impl fmt::Display for Summary<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(config) = self;
        let counts = [
            (config.rules().all().len(), "rule"),
            (config.backends().len(), "backend"),
            (config.regions().count(), "region"),
            (config.fronts().all().len(), "front"),
        ];
        for (index, (count, noun)) in counts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(formatter, "{comma}{count} {noun}{plural}")?;
        }
        Ok(())
    }
}
