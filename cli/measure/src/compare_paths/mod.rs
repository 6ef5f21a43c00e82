//! `portolan compare-paths`: where the time goes on the ways to several servers.
//!
//! Every [`way`] is gone over connections of its own, in turns: name, connection, TLS, first byte,
//! download. [`iperf`] measures the network without any server's own work, where somebody runs its
//! other end. [`meaning`] says what the differences are signs of; it is pure, and so are [`report`]
//! and [`human`].

mod human;
mod iperf;
mod meaning;
mod report;
mod way;

use std::io::{self, Write};

use clap::Args;
use portolan_command::output::{Exit, Results, fail, say};
use portolan_command::progress::Progress;
use portolan_command::quantity::{read_size, time};
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image;
use portolan_registry_client::manifest::Platform;
use portolan_registry_client::registry::{Registry, Side, ping};
use portolan_registry_client::url::{absolute, host};
use ureq::http::Uri;

use self::iperf::{Server, Trial};
use self::report::{Outcomes, Report};
use self::way::{Goal, Role, Way};
use crate::arguments::{Compared, Sides};
use crate::interleave::interleave;

/// The examples of `portolan compare-paths --help`.
pub const EXAMPLES: &str = "\
Examples:
  portolan compare-paths https://registry.example.com https://registry-1.docker.io
  portolan compare-paths https://registry.example.com https://ghcr.io --image drycc/base:v1 \\
      --url https://cdn.example.com/layer --iperf registry.example.com

Without an image nothing is downloaded from the two registries. The ways are the direct ones: no
proxy of the environment is used.

Exit status:
  0  everything was measured
  1  something could not be measured; the report or the standard error says why
  2  the command was wrong, or a file cannot be read or written";

/// Arguments of `portolan compare-paths`.
#[derive(Debug, Args)]
pub struct ComparePathsArgs {
    #[command(flatten)]
    compared: Compared,
    /// Another place with such content, such as a CDN's URL of a layer; may be given again.
    #[arg(long = "url", value_name = "URL", value_parser = content_url)]
    urls: Vec<Uri>,
    /// How often each way is gone.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rounds: u32,
    /// How much is downloaded at most, each time.
    #[arg(long, value_name = "SIZE", default_value = "50MiB", value_parser = read_size)]
    bytes: u64,
    /// A host where `iperf3 --server` runs; may be given again.
    #[arg(long, value_name = "HOST[:PORT]")]
    iperf: Vec<Server>,
    /// How many seconds each of iperf3's three measurements takes.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=60))]
    iperf_seconds: u32,
    /// Print one JSON object, with every walk.
    #[arg(long)]
    json: bool,
}

/// Measures and reports.
///
/// # Errors
///
/// `out` cannot be written.
pub fn run(arguments: &ComparePathsArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let sides = match arguments.compared.sides(false) {
        Ok(sides) => sides,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let options = sides.options.clone();
    let mut ways = match ways(sides, &arguments.compared.platform, &arguments.urls) {
        Ok(ways) => ways,
        Err(fault) => return Ok(fail(fault, Exit::Refused)),
    };
    let mut progress = Progress::on_stderr();
    let outcomes = walk(&mut ways, &options, arguments, &mut progress);
    let trials = try_iperf(&arguments.iperf, arguments.iperf_seconds, &mut progress);
    drop(progress);
    let lacks_iperf = trials.is_none();
    if lacks_iperf {
        say(format_args!("note: {}", iperf::HOW_TO_INSTALL));
    }
    let report = Report::of(arguments.rounds, &ways, &outcomes, trials.unwrap_or_default());
    if arguments.json {
        writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?;
    } else {
        write!(out, "{}", human::describe(&report))?;
    }
    Ok(if report.has_failures() || lacks_iperf { Exit::Refused } else { Exit::Good })
}

/// The ways to both registries and to the other URLs.
fn ways(sides: Sides, platform: &Platform, urls: &[Uri]) -> Result<Vec<Way>, Fault> {
    let goals = if let Some(registries) = sides.registries {
        layers(registries, platform)?
    } else {
        let [front, upstream] = &sides.urls;
        [Goal::Ping(ping(front)?), Goal::Ping(ping(upstream)?)]
    };
    let registries = Side::BOTH.into_iter().zip(goals);
    let registries = registries.map(|(side, goal)| Way { role: Role::Registry(side), goal });
    let others =
        urls.iter().map(|url| Way { role: Role::Other(host(url)), goal: Goal::Url(url.clone()) });
    Ok(registries.chain(others).collect())
}

/// The largest layer of the front's image, at both registries.
fn layers(registries: [Registry; 2], platform: &Platform) -> Result<[Goal; 2], Fault> {
    let [mut front, upstream] = registries;
    let image = front.client().and_then(|visit| image::find(&visit, platform));
    let image = image.map_err(|fault| Fault::new(format_args!("the front: {fault}")))?;
    let layer = image::largest(&image.layers).ok_or_else(|| {
        Fault::new(format_args!("the front: {} has no layers; name another image", front.image()))
    })?;
    let goal = |registry| Goal::Layer(Box::new(registry), layer.clone());
    Ok([goal(front), goal(upstream)])
}

/// Every way in every round, in turns; what came of it, for each way.
fn walk(
    ways: &mut [Way],
    options: &ClientOptions,
    arguments: &ComparePathsArgs,
    progress: &mut Progress<impl Write>,
) -> Vec<Outcomes> {
    let mut outcomes: Vec<Outcomes> = ways.iter().map(|_| Vec::new()).collect();
    for round in 0..arguments.rounds {
        for index in interleave(round, ways.len()) {
            let Some((way, outcomes)) = ways.get_mut(index).zip(outcomes.get_mut(index)) else {
                continue;
            };
            let number = round.saturating_add(1);
            let what = format!("{number}/{} {}", arguments.rounds, way.role);
            let outcome = way.walk(options, arguments.bytes);
            match &outcome {
                Ok(probe) => {
                    progress.say(format_args!("{what}: first byte {}", time(probe.first_byte)));
                }
                Err(fault) => progress.keep(format_args!("{what}: failed: {fault}")),
            }
            outcomes.push((number, outcome));
        }
    }
    outcomes
}

/// What iperf3 says of each server; `None` if it is asked for and not there.
fn try_iperf(
    servers: &[Server],
    seconds: u32,
    progress: &mut Progress<impl Write>,
) -> Option<Vec<Trial>> {
    if !servers.is_empty() && !iperf::is_installed() {
        return None;
    }
    let trials =
        servers.iter().map(|server| Trial::run(server, seconds, |line| progress.say(line)));
    Some(trials.collect())
}

fn content_url(text: &str) -> Result<Uri, String> {
    absolute(text).ok_or_else(|| {
        "write an absolute URL of scheme `http` or `https`, without credentials".to_owned()
    })
}
