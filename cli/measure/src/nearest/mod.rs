//! `portolan nearest`: which backends are near to where it runs, and which chains have them in
//! another order.
//!
//! [`chains`] finds the chains of a region, [`probe`] asks each backend of them, [`order`] says in
//! which order a chain should have them, [`edit`] and [`unified`] write that as a diff of the
//! policy, [`report`] says it all, in JSON, for Prometheus or for people.

mod chains;
mod edit;
mod order;
mod probe;
mod report;
mod unified;

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::policy_file;
use portolan_command::progress::Progress;
use portolan_command::quantity::{read_size, time};
use portolan_core::config::{Backend, Config};
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::manifest::Platform;

use self::chains::Chain;
use self::probe::{Probe, Sample, Times};
use self::report::{Measured, Report};
use crate::interleave::interleave;

/// The examples of `portolan nearest --help`.
pub const EXAMPLES: &str = "\
Examples:
  portolan nearest portolan.yaml --region eu
  portolan nearest portolan.yaml drycc/base:v1 --region eu
  portolan nearest portolan.yaml drycc/base:v1 --region eu -o diff | patch -p0
  portolan nearest portolan.yaml --region eu -o prometheus >/var/lib/node-exporter/nearest.prom

Without an image only the ping, `GET /v2/`, is measured: it says how far a registry is, not how fast it sends. Each round
makes connections of its own, as a client does that has not pulled before.

Exit status:
  0  the chains are in the order that was measured
  1  one is not, or a backend could not be measured; or the policy is refused
  2  the command was wrong, or a file cannot be read";

/// Arguments of `portolan nearest`.
#[derive(Debug, Args)]
pub struct NearestArgs {
    /// The policy.
    #[arg(value_name = "POLICY", env = "PORTOLAN_POLICY")]
    policy: PathBuf,
    /// An image by its name in the policy's rules, such as `drycc/base:v1`; its manifest and the
    /// first bytes of its largest layer are measured too.
    #[arg(value_name = "IMAGE")]
    image: Option<ImageName>,
    /// The region of the machine that this runs on; left out, the only one of the policy.
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// How often each backend is asked.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How many of a layer's bytes are the first.
    #[arg(long, value_name = "SIZE", default_value = "256KiB", value_parser = read_size)]
    bytes: u64,
    /// Whose image of a list.
    #[arg(long, value_name = "OS/ARCHITECTURE", default_value = "linux/amd64")]
    platform: Platform,
    /// How many seconds a registry may take for an answer, and for the next bytes of one.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// As text, as JSON, the diff of the policy alone, or as numbers for Prometheus' node exporter.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// What was measured, what follows from it, and the diff of the policy.
    Text,
    /// One JSON object.
    Json,
    /// The diff of the policy alone.
    Diff,
    /// Prometheus' text format.
    Prometheus,
}

/// Measures, and says what the policy should say.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(arguments: &NearestArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let policy = match policy_file::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let image = arguments.image.as_ref();
    let found = chains::of(&policy, arguments.region.as_deref(), image.map(ImageName::repository));
    let (region, chains) = match found {
        Ok(found) => found,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let mut probes = match prepare(&policy.config, &chains, arguments) {
        Ok(probes) => probes,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let mut progress = Progress::on_terminal();
    let measured = measure(&mut probes, arguments.rounds, &mut progress);
    drop(progress);
    let report = Report::of(region, arguments.rounds, measured, &chains, image.is_some());
    let diff = edit::diff(&policy, &report.changes());
    let exit = if report.is_as_measured() { Exit::Good } else { Exit::Refused };
    match arguments.output {
        Output::Text if diff.is_empty() => write!(out, "{}", report.describe())?,
        Output::Text => write!(out, "{}\n{diff}", report.describe())?,
        Output::Json => {
            writeln!(out, "{}", serde_json::to_string_pretty(&report.with_diff(diff))?)?;
        }
        Output::Diff => write!(out, "{diff}")?,
        Output::Prometheus => write!(out, "{}", report.metrics())?,
    }
    Ok(exit)
}

/// A probe for each backend that stands in one of the chains, each once.
fn prepare<'c>(
    config: &'c Config,
    chains: &[Chain],
    arguments: &NearestArgs,
) -> Result<Vec<(&'c Backend, Probe)>, String> {
    let stations = chains.iter().flat_map(|chain| &chain.stations);
    let backends = config.backends().iter();
    let used = backends.filter(|backend| stations.clone().any(|name| name == backend.name()));
    let timeout = Duration::from_secs(arguments.timeout);
    let sample = arguments.image.clone().map(|image| Sample {
        image,
        platform: arguments.platform.clone(),
        bytes: arguments.bytes,
    });
    let probe = |backend: &'c Backend| {
        Probe::new(config, backend, sample.as_ref(), timeout).map(|probe| (backend, probe))
    };
    used.map(probe).collect()
}

/// Every backend in every round, in turns.
fn measure(
    probes: &mut [(&Backend, Probe)],
    rounds: u32,
    progress: &mut Progress<impl Write>,
) -> Vec<Measured> {
    let mut walks: Vec<Vec<Times>> = probes.iter().map(|_| Vec::new()).collect();
    let mut faults: Vec<Option<String>> = probes.iter().map(|_| None).collect();
    for round in 0..rounds {
        for index in interleave(round, probes.len()) {
            let (Some((backend, probe)), Some(walks), Some(fault)) =
                (probes.get_mut(index), walks.get_mut(index), faults.get_mut(index))
            else {
                continue;
            };
            let what = format!("{}/{rounds} {}", round.saturating_add(1), backend.name());
            match probe.walk() {
                Ok(times) => {
                    progress.say(format_args!("{what}: {}", time(times.total())));
                    walks.push(times);
                }
                Err(found) => {
                    progress.keep(format_args!("{what}: failed: {found}"));
                    *fault = Some(found.to_string());
                }
            }
        }
    }
    let both = walks.into_iter().zip(faults);
    let named = probes.iter().zip(both);
    named
        .map(|((backend, _), (walks, fault))| Measured::of(backend.name(), &walks, fault))
        .collect()
}
