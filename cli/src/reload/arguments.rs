//! Arguments of `portolan apply`, `rollback` and `history`.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use portolan_render::SiteArgs;

/// Put a policy in force in an Envoy that runs with a directory of
/// `portolan render --target files`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of the command")]
pub(crate) struct ApplyArgs {
    /// The policy, a YAML or JSON file.
    pub(super) policy: PathBuf,
    /// The directory.
    pub(super) directory: PathBuf,
    #[command(flatten)]
    pub(super) envoys: EnvoyArgs,
    /// Say what would change, and change nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Say what changes: backends, and answers to requests.
    #[arg(long)]
    pub(super) diff: bool,
    /// The requests whose answers are compared, as JSON lines (see `portolan explain --batch`).
    /// Left out, some are made of the rules of both policies, for each region.
    #[arg(long, value_name = "FILE")]
    pub(super) requests: Option<PathBuf>,
    /// The program that looks at the whole configuration first, with `--mode validate`. Left out,
    /// `envoy` is looked for in `PATH`, and where there is none the running Envoy alone refuses.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) envoy_program: Option<PathBuf>,
    /// Have no program look at it first.
    #[arg(long, conflicts_with = "envoy_program")]
    pub(super) no_validate: bool,
    /// Go on: whenever a file beside the policy is another one, put the policy in force again.
    #[arg(long, conflicts_with = "dry_run")]
    pub(super) watch: bool,
    /// Write the files although no Envoy runs. The policy is in force when it starts.
    #[arg(long, conflicts_with_all = ["watch", "admin"])]
    pub(super) without_envoy: bool,
}

impl ApplyArgs {
    /// For whoever has rendered the directory and started this program as its Envoy.
    pub(crate) fn of_own_envoy(policy: &Path, directory: &Path, program: PathBuf) -> Self {
        Self {
            policy: policy.to_owned(),
            directory: directory.to_owned(),
            envoys: EnvoyArgs {
                admin: Vec::new(),
                timeout: time(STEP).unwrap_or_default(),
                settle: time(SETTLE).unwrap_or_default(),
            },
            dry_run: false,
            diff: false,
            requests: None,
            envoy_program: Some(program),
            no_validate: false,
            watch: true,
            without_envoy: false,
        }
    }
}

/// How long Envoy may take for each step, and how long requests of the policy before may go on;
/// unless told.
const STEP: &str = "60s";
const SETTLE: &str = "30s";

/// Which Envoys are asked, and how long they are waited for.
#[derive(Clone, Debug, Args)]
pub(crate) struct EnvoyArgs {
    /// The admin interface of an Envoy with this directory; once for each of several. Left out,
    /// what was given to `portolan render`.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) admin: Vec<SocketAddr>,
    /// How long Envoy may take for each step.
    #[arg(long, value_name = "TIME", default_value = STEP, value_parser = time)]
    pub(super) timeout: Duration,
    /// How long requests of the policy before may go on before what only they need goes. It is less
    /// where none is under way. What has begun to stream is never cut by this.
    #[arg(long, value_name = "TIME", default_value = SETTLE, value_parser = time)]
    pub(super) settle: Duration,
}

impl EnvoyArgs {
    /// The addresses of the admin interfaces.
    pub(super) fn addresses(&self, site: &SiteArgs) -> Vec<SocketAddr> {
        if self.admin.is_empty() { vec![site.admin()] } else { self.admin.clone() }
    }
}

/// Put a policy in force again that was so before.
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The directory.
    pub(super) directory: PathBuf,
    /// Which policy: a fingerprint, or its beginning, as `portolan history` lists them. Left out,
    /// the one before.
    #[arg(long, value_name = "FINGERPRINT")]
    pub(super) to: Option<String>,
    #[command(flatten)]
    pub(super) envoys: EnvoyArgs,
}

/// Say which policy is in force, and which were before.
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// The directory.
    pub(super) directory: PathBuf,
    /// The admin interface of an Envoy with this directory; once for each of several.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(super) admin: Vec<SocketAddr>,
}

/// A length of time: seconds, such as `30` or `0.5`, or as a policy has it, such as `500ms` or
/// `10m`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    // A policy has no time of `0s`; an option may.
    let number = text.strip_suffix('s').unwrap_or(text);
    let seconds =
        || number.parse().ok().and_then(|number| Duration::try_from_secs_f64(number).ok());
    let time = portolan_core::config::duration::parse(text).or_else(seconds);
    time.ok_or_else(|| "is no length of time; write `30s` or `10m`, at most one day".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        let rows = [
            ("30", Some(30_000), "seconds"),
            ("0.5", Some(500), "a part of one"),
            ("0", Some(0), "no time at all"),
            ("0s", Some(0), "no time at all"),
            ("30s", Some(30_000), "as in a policy"),
            ("500ms", Some(500), "as in a policy"),
            ("10m", Some(600_000), "as in a policy"),
            ("25h", None, "a policy has no longer time than a day"),
            ("1.5m", None, "a policy has no fractions"),
            ("-3", None, "less than nothing"),
            ("inf", None, "for ever"),
            ("", None, "nothing"),
        ];
        for (text, milliseconds, reason) in rows {
            let expected = milliseconds.map(Duration::from_millis);
            assert_eq!(time(text).ok(), expected, "{text}: {reason}");
        }
    }
}
