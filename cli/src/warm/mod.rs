//! `portolan warm`: pulls images through a front and keeps nothing.
//!
//! [`front`] finds out where the front is and what its images are called, [`report`] says what came
//! of it.

pub(crate) mod front;
mod report;

use std::collections::HashSet;
use std::io::{self, Read, Write};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_command::output::{Exit, Results, fail};
use portolan_command::parallel;
use portolan_command::progress::Progress;
use portolan_command::quantity::size;
use portolan_registry_client::fault::Fault;
use portolan_registry_client::http::ClientOptions;
use portolan_registry_client::image::{self, Image};
use portolan_registry_client::image_name::ImageName;
use portolan_registry_client::login::OneLogin;
use portolan_registry_client::manifest::{Layer, Platform};
use portolan_registry_client::registry::Registry;
use portolan_registry_client::tls::Trust;

use self::front::Place;
use self::report::{Report, Warmed};

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan warm https://registry.example.com team/app:v1 team/base
  portolan warm portolan.yaml - --platform linux/arm64 <images.txt
  PORTOLAN_PASSWORD=… portolan warm https://registry.example.com team/app --username robot -o json

Exit status:
  0  every image was pulled, and every digest is right
  1  an image was not; or the policy is refused
  2  the command was wrong, or a file cannot be read";

/// How often a download is begun: while a registry goes down, one attempt may meet it.
const ATTEMPTS: u32 = 3;

/// Between two of them.
const PAUSE: Duration = Duration::from_secs(1);

/// Arguments of `portolan warm`.
#[derive(Debug, Args)]
pub(crate) struct WarmArgs {
    /// The front: its URL, or a policy, whose first front with a host is meant.
    #[arg(value_name = "URL-OR-POLICY")]
    place: String,
    /// Images as clients of the front name them, with or without its host; `-` reads them from the
    /// standard input, one a line.
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<String>,
    /// Whose image of a list; may be given several times.
    #[arg(long = "platform", value_name = "OS/ARCHITECTURE", default_value = "linux/amd64")]
    platforms: Vec<Platform>,
    /// How many downloads run at once.
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    /// As text or as JSON.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
    /// How many seconds an answer, or the next bytes of one, may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    #[command(flatten)]
    login: OneLogin,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each image.
    Text,
    /// One JSON object.
    Json,
}

/// One platform's image of one name, and the right to read it.
struct Wanted {
    name: ImageName,
    platform: Platform,
}

/// An image that was found, and a client's registry for it.
struct Found {
    registry: Registry,
    image: Image,
}

/// Pulls them all.
///
/// # Errors
///
/// `out` cannot be written, or the standard input not be read.
pub(crate) fn run(arguments: &WarmArgs, out: &mut Results<impl Write>) -> io::Result<Exit> {
    let place = match Place::of(&arguments.place) {
        Ok(place) => place,
        Err(unusable) => return Ok(unusable.complain()),
    };
    let names = names(&arguments.images)?;
    let names = names.iter().map(|name| place.image(name)).collect::<Result<Vec<_>, String>>();
    let login = arguments.login.login(|name| std::env::var(name).ok(), io::stdin().lock());
    let (names, login, trust) = match (names, login, Trust::of_the_system()) {
        (Ok(names), Ok(login), Ok(trust)) => (names, login, trust),
        (Err(message), _, _) | (_, Err(message), _) => return Ok(fail(message, Exit::Unusable)),
        (_, _, Err(fault)) => return Ok(fail(fault, Exit::Unusable)),
    };
    let timeout = Duration::from_secs(arguments.timeout);
    let options = ClientOptions { trust, timeout, uses_proxy: true };
    let wanted = names.iter().flat_map(|name| {
        let of =
            move |platform: &Platform| Wanted { name: name.clone(), platform: platform.clone() };
        arguments.platforms.iter().map(of)
    });
    let wanted: Vec<Wanted> = wanted.collect();
    let registry = |name: &ImageName| {
        Registry::new(place.url.clone(), name.clone(), login.clone(), options.clone())
    };
    let warmed = pull(&wanted, registry, arguments.parallel.into());
    let report = Report::of(place.url(), warmed);
    match arguments.output {
        Output::Text => write!(out, "{}", report.describe())?,
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(&report)?)?,
    }
    Ok(if report.is_complete() { Exit::Good } else { Exit::Refused })
}

/// The images, those of the standard input in the place of `-`; comments begin with `#`.
pub(crate) fn names(written: &[String]) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for name in written {
        if name == "-" {
            let mut text = String::new();
            io::stdin().lock().read_to_string(&mut text)?;
            let lines = text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
            names.extend(lines.map(str::to_owned));
        } else {
            names.push(name.clone());
        }
    }
    Ok(names)
}

/// Finds all images first, then downloads what is in them, each blob of a repository once.
fn pull(
    wanted: &[Wanted],
    registry: impl Fn(&ImageName) -> Registry + Sync,
    most: usize,
) -> Vec<Warmed> {
    let progress = Mutex::new(Progress::on_terminal());
    let tell = |line: String| {
        progress.lock().unwrap_or_else(PoisonError::into_inner).say(line);
    };
    tell(format!("looking for {} images …", wanted.len()));
    let found: Vec<Result<Found, Fault>> = parallel::each(wanted, most, |one| {
        several_times(|| {
            let mut registry = registry(&one.name);
            let image = image::find(&registry.client()?, &one.platform)?;
            Ok(Found { registry, image })
        })
    });
    let downloads = downloads(&found);
    let total: u64 = downloads.iter().map(|(_, layer)| layer.size).sum();
    let done = Mutex::new((0_usize, 0_u64));
    let results: Vec<Result<(), Fault>> = parallel::each(&downloads, most, |(found, layer)| {
        let result = several_times(|| found.registry.clone().client()?.blob(layer).map(|_| ()));
        let (count, bytes) = {
            let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
            done.0 = done.0.saturating_add(1);
            done.1 = done.1.saturating_add(layer.size);
            *done
        };
        tell(format!("{count}/{} blobs, {} of {}", downloads.len(), size(bytes), size(total)));
        result
    });
    let failed: Vec<(&Found, &Layer, &Fault)> = downloads
        .iter()
        .zip(&results)
        .filter_map(|((found, layer), result)| Some((*found, *layer, result.as_ref().err()?)))
        .collect();
    wanted
        .iter()
        .zip(&found)
        .map(|(wanted, found)| {
            let result = match found {
                Err(fault) => Err(fault.to_string()),
                Ok(found) => of_image(found, &failed),
            };
            Warmed::of(wanted.name.to_string(), wanted.platform.to_string(), result)
        })
        .collect()
}

/// The blobs of all images, each with an image that has it.
fn downloads(found: &[Result<Found, Fault>]) -> Vec<(&Found, &Layer)> {
    let mut seen = HashSet::new();
    let all = found.iter().filter_map(|found| found.as_ref().ok());
    let all = all.flat_map(|found| blobs(&found.image).map(move |layer| (found, layer)));
    all.filter(|(found, layer)| {
        seen.insert((found.registry.image().repository().to_owned(), layer.digest.clone()))
    })
    .collect()
}

fn blobs(image: &Image) -> impl Iterator<Item = &Layer> {
    image.config.iter().chain(&image.layers)
}

/// The tag's digest, and how many blobs and bytes there are; or why it is not whole.
fn of_image(
    found: &Found,
    failed: &[(&Found, &Layer, &Fault)],
) -> Result<(String, usize, u64), String> {
    let repository = found.registry.image().repository();
    let mut missing = failed.iter().filter(|(other, layer, _)| {
        other.registry.image().repository() == repository
            && blobs(&found.image).any(|blob| blob.digest == layer.digest)
    });
    if let Some((_, _, fault)) = missing.next() {
        return Err(fault.to_string());
    }
    let bytes = blobs(&found.image).map(|blob| blob.size).sum();
    Ok((found.image.tag.clone(), blobs(&found.image).count(), bytes))
}

fn several_times<T>(mut attempt: impl FnMut() -> Result<T, Fault>) -> Result<T, Fault> {
    let mut result = attempt();
    for _ in 1..ATTEMPTS {
        if result.is_ok() {
            break;
        }
        thread::sleep(PAUSE);
        result = attempt();
    }
    result
}
