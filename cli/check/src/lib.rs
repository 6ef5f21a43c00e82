//! `portolan check`: says whether policies are good before Envoy has to.

mod files;
mod numbers;
mod report;
pub mod schema;
mod warnings;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use portolan_command::date::BuildDate;
use portolan_command::output::{Exit, exit_of};
use portolan_command::policy_file::{self, Diagnostic, LoadedPolicy, Severity};

pub use files::named as named_files;
use report::{Report, Summary};

/// How `check` says what it has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A line for each mistake on the standard error, one for each good policy on the standard
    /// output.
    Text,
    /// One JSON document on the standard output.
    Json,
    /// Annotations for a workflow of GitHub Actions, on the standard output.
    Github,
    /// Numbers for Prometheus' node exporter, on the standard output.
    Prometheus,
}

/// Arguments of `portolan check`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub struct CheckArgs {
    /// Policy files: JSON if the name ends in `.json`, else YAML; `-` is the standard input.
    #[arg(required = true, value_name = "POLICY", env = "PORTOLAN_POLICY")]
    policies: Vec<PathBuf>,
    /// Refuse a policy for warnings, too.
    #[arg(long)]
    strict: bool,
    /// Look also at what the policy names: whether its files can be read, and whether Envoy can use
    /// the geographic database, what it covers and how old it is.
    #[arg(long)]
    files: bool,
    /// Write the names of today in place of those that fields had in earlier releases, into the
    /// files themselves; comments and spacing stay. What was written is told as notes, and then the
    /// policy is checked.
    #[arg(long)]
    fix: bool,
    /// How to say what was found.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Say nothing of policies that pass, and nothing but why of those that do not.
    #[arg(long, short)]
    quiet: bool,
}

/// The examples of `portolan check --help`.
pub const EXAMPLES: &str = "\
Examples:
  portolan check portolan.yaml
  portolan check --strict --files /etc/portolan/portolan.yaml
  portolan check --format github policies/*.yaml
  portolan check --fix portolan.yaml
  portolan check --format prometheus portolan.yaml >/var/lib/node-exporter/policy.prom

Exit status:
  0  every policy is good
  1  a policy is refused, or has warnings and `--strict` was given
  2  the command was wrong, or a file cannot be read";

/// Checks every policy.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(arguments: &CheckArgs, out: &mut impl Write) -> io::Result<Exit> {
    let mut worst = Exit::Good;
    let mut reports = Vec::new();
    for policy in &arguments.policies {
        let mut report = check(policy, arguments);
        worst = worst.max(report.exit);
        if arguments.quiet {
            report.keep_reasons(arguments.strict);
        }
        match arguments.format {
            Format::Text => report.print(arguments.quiet, out)?,
            Format::Github => report.annotate(out)?,
            Format::Json | Format::Prometheus => reports.push(report),
        }
    }
    match arguments.format {
        Format::Json => report::print_json(&reports, out)?,
        Format::Prometheus => write!(out, "{}", numbers::of(&reports))?,
        Format::Text | Format::Github => {}
    }
    Ok(worst)
}

/// Every doubt about a policy that the core has accepted.
#[must_use]
pub fn doubts(policy: &LoadedPolicy) -> Vec<Diagnostic> {
    warnings::of(policy)
}

/// What is wrong with the files that a policy names, and doubtful: the geographic database among
/// them.
#[must_use]
pub fn files(policy: &LoadedPolicy) -> Vec<Diagnostic> {
    files::of(policy, BuildDate::now())
}

/// Checks the policy that an Envoy of this machine is about to serve, and the files that it names.
///
/// # Errors
///
/// `out` cannot be written.
pub fn before_serving(policy: &Path, out: &mut impl Write) -> io::Result<Exit> {
    let arguments = CheckArgs {
        policies: vec![policy.to_owned()],
        strict: false,
        files: true,
        fix: false,
        format: Format::Text,
        quiet: false,
    };
    run(&arguments, out)
}

/// Checks a policy, once its fields have the names of today where that was asked for.
fn check(path: &Path, arguments: &CheckArgs) -> Report {
    if !arguments.fix {
        return judge(path, arguments);
    }
    if path == Path::new("-") {
        let message = "the standard input cannot be changed; name a file to `--fix`";
        let place = policy_file::Place::whole(&"<stdin>".into());
        return Report::refused(path, vec![Diagnostic::unusable(place, message)]);
    }
    match policy_file::write_new_names(path) {
        Ok(mut found) => {
            let mut report = judge(path, arguments);
            found.append(&mut report.diagnostics);
            Report { diagnostics: found, ..report }
        }
        Err(diagnostics) => Report::refused(path, diagnostics),
    }
}

fn judge(path: &Path, arguments: &CheckArgs) -> Report {
    let policy = match policy_file::load(path) {
        Ok(policy) => policy,
        Err(diagnostics) => return Report::refused(path, diagnostics),
    };
    let mut found = doubts(&policy);
    if arguments.files {
        found.extend(files::of(&policy, BuildDate::now()));
    } else {
        found.extend(files::absent(&policy));
    }
    let is_doubtful = found.iter().any(|found| found.severity > Severity::Note);
    let exit = match exit_of(&found) {
        Exit::Good if arguments.strict && is_doubtful => Exit::Refused,
        exit => exit,
    };
    Report {
        file: policy.file().to_owned(),
        exit,
        summary: Some(Summary::of(&policy.config)),
        fingerprint: Some(policy.fingerprint()),
        diagnostics: found,
    }
}
