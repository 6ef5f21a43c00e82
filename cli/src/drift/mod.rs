//! `portolan drift`: whether the replicas of a rule mean the same by a tag.
//!
//! Where a policy says `replicas`, a client may get the tag from any of them. [`replicas`] finds
//! out who they are and what they call the image, this file asks them, [`memory`] keeps since when
//! they differ, [`report`] says what their answers come to, in JSON, for Prometheus or for people.

mod memory;
mod replicas;
mod report;
mod state;

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_command::moment::Moment;
use portolan_command::output::{Exit, Results, complain, fail};
use portolan_command::policy_file;
use portolan_command::progress::Progress;
use portolan_core::config::{Backend, Config};
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::login;
use portolan_registry_client::peer::{PeerCertificate, trust};
use portolan_registry_client::registry::Registry;

use self::memory::Memory;
pub(crate) use self::replicas::Replicas;
use self::report::{Answer, Image, Report};
use self::state::State;

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan drift portolan.yaml drycc/base:latest drycc/router:v2
  portolan drift portolan.yaml - -o prometheus <images.txt >/var/lib/node-exporter/drift.prom
  portolan drift portolan.yaml drycc/base:latest --remember /var/lib/portolan/drift.json

Exit status:
  0  every replica has the same
  1  one has something else, or nothing, or cannot be asked; or the policy is refused
  2  the command was wrong, or a file cannot be read";

/// Arguments of `portolan drift`.
#[derive(Debug, Args)]
pub(crate) struct DriftArgs {
    /// The policy.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// Images by their names in the policy's rules, such as `drycc/base:latest`; `-` reads them
    /// from the standard input, one a line.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
    /// The front whose clients are meant; left out, the first that has a rule for the image.
    #[arg(long, value_name = "NAME")]
    front: Option<String>,
    /// A file that keeps, from one call to the next, since when each replica has not had the same;
    /// made if it is not there. Without it nothing is said about that.
    #[arg(long, value_name = "FILE")]
    remember: Option<PathBuf>,

    /// As text, as JSON, or as numbers for Prometheus' node exporter.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
    /// How many seconds a registry may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Tables.
    Text,
    /// One JSON object.
    Json,
    /// Prometheus' text format.
    Prometheus,
}

/// Asks all replicas of all images, one after the other: this is to cost the registries next to
/// nothing.
///
/// # Errors
///
/// `out` cannot be written, or the standard input not be read.
pub(crate) fn run(arguments: &DriftArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let policy = match policy_file::load(&arguments.policy) {
        Ok(policy) => policy,
        Err(diagnostics) => return Ok(complain(&diagnostics)),
    };
    let prepared = names(arguments)?
        .iter()
        .map(|name| Replicas::of(&policy.config, arguments.front.as_deref(), name))
        .collect::<Result<Vec<_>, String>>();
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let memory = arguments.remember.as_deref().map(Memory::read).transpose();
    let memory = match memory {
        Ok(memory) => memory,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let mut progress = Progress::on_terminal();
    let images = (1_usize..).zip(&prepared).map(|(number, replicas)| {
        progress.say(format_args!("{number}/{} {}", prepared.len(), replicas.image));
        ask(&policy.config, replicas, timeout, true)
    });
    let images = images.collect();
    drop(progress);
    let now = Moment::now();
    let mut report = Report::of(now.to_string(), images);
    if let (Some(mut memory), Some(path)) = (memory, &arguments.remember) {
        report.remember(&mut memory, now);
        if let Err(message) = memory.write(path) {
            return Ok(fail(message, Exit::Unusable));
        }
    }
    match arguments.output {
        Output::Text => write!(out, "{}", report.describe())?,
        Output::Json => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        Output::Prometheus => write!(out, "{}", report.metrics())?,
    }
    Ok(if report.status == State::Same { Exit::Good } else { Exit::Refused })
}

/// The images, those of the standard input in the place of `-`.
fn names(arguments: &DriftArgs) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for name in &arguments.images {
        if name == "-" {
            let mut text = String::new();
            io::stdin().lock().read_to_string(&mut text)?;
            let lines = text.lines().map(str::trim);
            names.extend(lines.filter(|line| !line.is_empty()).map(str::to_owned));
        } else {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// What all who may answer for an image's tag have. `uses_proxy` says whether they are asked
/// through the proxy that the environment names.
pub(crate) fn ask(
    config: &Config,
    replicas: &Replicas<'_>,
    timeout: Duration,
    uses_proxy: bool,
) -> Image {
    let said = |backend: &Backend, image: &ImageName| {
        let trust = trust(backend.tls(), &PeerCertificate::default())?;
        digest(config, backend, image, ClientOptions { trust, timeout, uses_proxy })
    };
    let answers = replicas.backends.iter().map(|(backend, image)| Answer {
        backend: backend.name().to_owned(),
        name: image.to_string(),
        said: said(backend, image).map_err(|fault| fault.to_string()),
    });
    Image::of(replicas.image.to_string(), replicas.rule, answers.collect())
}

/// The digest that a backend has under a tag; `None` if it has no such tag.
fn digest(
    config: &Config,
    backend: &Backend,
    image: &ImageName,
    options: ClientOptions,
) -> Result<Option<String>, Fault> {
    let login = login::of_backend(config, backend)?;
    let mut registry = Registry::new(backend.url().clone(), image.clone(), login, options);
    registry.client()?.tag_digest()
}
