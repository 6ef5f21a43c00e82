//! `portolan bench`: what a front makes of the pulls of an image.
//!
//! What a client does in a pull is done again and again at a front and at the registry that it
//! stands for, in turns: what a tag means ([`Part::Tag`]), the manifest, the layers. [`plan`] finds
//! out what there is to pull, [`part`] pulls it, [`report`] says what came of it, to programs, to
//! people ([`human`]) and as a picture ([`plot`]).

mod human;
mod part;
mod plan;
mod plot;
mod report;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_command::output::{Exit, Results, fail};
use portolan_command::progress::Progress;
use portolan_command::quantity::{size, time};
use portolan_registry_client::fault::Fault;
use portolan_registry_client::registry::{Registry, Side};

use self::part::{Part, Run};
use self::plan::{Blobs, Plan};
use self::report::Report;
use crate::arguments::Compared;
use crate::interleave::interleave;

/// The examples of `portolan bench --help`.
pub const EXAMPLES: &str = "\
Examples:
  portolan bench https://registry.example.com https://registry-1.docker.io --image library/nginx:1.27
  portolan bench https://registry.example.com https://ghcr.io --front-image base:v1 \\
      --upstream-image drycc/base:v1 --blob largest --plot bench.svg

Exit status:
  0  every run succeeded
  1  the image cannot be resolved, or a run failed; the report or the standard error says why
  2  the command was wrong, or a file cannot be read or written";

/// Arguments of `portolan bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    #[command(flatten)]
    compared: Compared,
    /// How often each of the three is done at each of the two.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    runs: u32,
    /// Which layers a run downloads, one after the other.
    #[arg(long, value_name = "LAYERS", value_enum, default_value_t = Blobs::All)]
    blob: Blobs,
    /// Print one JSON object, with every run.
    #[arg(long)]
    json: bool,
    /// Draw every run, as an SVG picture.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

/// Measures and reports.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(arguments: &BenchArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let mut registries = match registries(&arguments.compared) {
        Ok(registries) => registries,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let plan = match Plan::make(&mut registries, &arguments.compared.platform, arguments.blob) {
        Ok(plan) => plan,
        Err(fault) => return Ok(fail(fault, Exit::Refused)),
    };
    let runs = measure(&mut registries, &plan, arguments.runs);
    let report = Report::of(&registries, &arguments.compared.platform, plan, arguments.runs, &runs);
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{}", human::describe(&report))?;
    }
    let drawn = arguments.plot.as_deref().map_or(Ok(()), |path| draw(path, &report));
    Ok(match drawn {
        Err(message) => fail(message, Exit::Unusable),
        Ok(()) if report.has_failures() => Exit::Refused,
        Ok(()) => Exit::Good,
    })
}

fn registries(compared: &Compared) -> Result<[Registry; 2], String> {
    let sides = compared.sides(true)?;
    let missing =
        || "name an image that both registries have: `--image library/nginx:1.27`".to_owned();
    sides.registries.ok_or_else(missing)
}

/// Every run of every part at both sides, in turns.
fn measure(registries: &mut [Registry; 2], plan: &Plan, rounds: u32) -> Vec<Run> {
    let mut progress = Progress::on_stderr();
    let layers = plan.bytes().saturating_mul(2).saturating_mul(rounds.into());
    progress.keep(format_args!("downloading {} of layers in all", size(layers)));
    let mut runs = Vec::new();
    for round in 0..rounds {
        for part in Part::ALL {
            for index in interleave(round, Side::BOTH.len()) {
                let chosen = Side::BOTH.get(index).zip(registries.get_mut(index));
                let Some((side, registry)) = chosen else { continue };
                let outcome = part::run(registry, plan, part);
                let number = round.saturating_add(1);
                announce(&mut progress, format_args!("{number}/{rounds} {part}, {side}"), &outcome);
                runs.push(Run { round: number, part, side: *side, outcome });
            }
        }
    }
    runs
}

fn announce(
    progress: &mut Progress<impl Write>,
    what: std::fmt::Arguments<'_>,
    outcome: &Result<f64, Fault>,
) {
    match outcome {
        Ok(seconds) => progress.say(format_args!("{what}: {}", time(*seconds))),
        Err(fault) => progress.keep(format_args!("{what}: failed: {fault}")),
    }
}

fn draw(path: &Path, report: &Report) -> Result<(), String> {
    fs::write(path, plot::draw(report))
        .map_err(|error| format!("cannot write {}: {error}", path.display()))
}
