//! `portolan geoip install`: puts a database in place, if it may take the place of the one in use.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_command::date::BuildDate;
use portolan_command::policy_file;
use portolan_command::replace::replace;
use portolan_core::config::{Config, Geo};

use super::answers::placed;
use super::build::check_name;
use super::compare::{Change, compare};
use super::error::GeoipError;
use super::examine::Examined;
use super::location::Location;
use super::verdict::{Limits, percent, reasons};

/// Arguments of `portolan geoip install`.
#[derive(Debug, Args)]
pub struct InstallArguments {
    /// The new database, in the shape that Envoy reads; it stays where it is.
    #[arg(value_name = "FILE.mmdb")]
    file: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Where a database goes, and how much may change there.
#[derive(Debug, Args)]
pub struct PlaceArguments {
    /// The policy that names the database in use; what moves is then counted by its regions.
    #[arg(long, value_name = "POLICY", required_unless_present = "output")]
    pub policy: Option<PathBuf>,
    /// The database in use, if not the one that the policy names.
    #[arg(long, value_name = "FILE.mmdb")]
    pub output: Option<PathBuf>,
    /// Let data through that is older than that in use.
    #[arg(long)]
    older: bool,
    /// The most addresses, in percent, whose place may change.
    #[arg(long, value_name = "PERCENT", default_value = "10", value_parser = share)]
    most_changed: f64,
    /// The least public IPv4 addresses, in percent, that have to be located, and no more than 5
    /// below the database in use; 0 for a database of your own that is meant to be small.
    #[arg(long, value_name = "PERCENT", default_value = "80", value_parser = share)]
    least_coverage: f64,
    /// Say what would become of it, and leave everything as it is.
    #[arg(long)]
    dry_run: bool,
}

fn share(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (0.0..=100.0).contains(number));
    number.map(|number| number / 100.0).ok_or_else(|| "is not a number from 0 to 100".to_owned())
}

/// What became of a database.
#[derive(Debug)]
pub struct Installed {
    output: PathBuf,
    date: BuildDate,
    countries: usize,
    coverage: f64,
    /// How much changed, if there was one before.
    change: Option<Change>,
    /// What stood there before and was of no use.
    useless: Option<String>,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Moved,
    /// The same bytes are there already.
    Same,
    /// It was only to be told.
    Told,
}

/// Checks the file and moves it into place.
///
/// # Errors
///
/// Every reason against it; the database in use stays as it was then.
pub(super) fn install(arguments: &InstallArguments) -> Result<Installed, GeoipError> {
    let examined = Examined::read(&arguments.file)?;
    put(&arguments.file, &examined, &arguments.place)
}

/// The same for a database that lies in memory; `name` is what it is called in messages.
///
/// # Errors
///
/// As for [`install`].
pub fn put(
    name: &Path,
    new: &Examined,
    arguments: &PlaceArguments,
) -> Result<Installed, GeoipError> {
    let policy = arguments.policy.as_deref().map(policy_file::load).transpose();
    let config = policy.map_err(GeoipError::Policy)?.map(|policy| policy.config);
    let output = output(arguments, config.as_ref())?;
    check_name(&output)?;
    let (current, useless) = match Examined::read(&output) {
        Ok(current) => (Some(current), None),
        Err(GeoipError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            (None, None)
        }
        Err(error) => (None, Some(error.to_string())),
    };
    let named = |place| name_of(config.as_ref(), place);
    let change = current.as_ref().map(|current| compare(&current.segments, &new.segments, named));
    let limits = Limits {
        coverage: arguments.least_coverage,
        coverage_loss: if arguments.least_coverage > 0.0 { 0.05 } else { 1.0 },
        change: arguments.most_changed,
        older: arguments.older,
    };
    let against = reasons(new, current.as_ref().zip(change.as_ref()), &limits, BuildDate::now());
    if !against.is_empty() {
        return Err(GeoipError::Refused { path: name.to_owned(), reasons: against });
    }
    let is_same = current.is_some_and(|current| current.bytes == new.bytes);
    let outcome = match (is_same, arguments.dry_run) {
        (true, _) => Outcome::Same,
        (false, true) => Outcome::Told,
        (false, false) => {
            let failed = |source| GeoipError::File { doing: "write", path: output.clone(), source };
            replace(&output, &new.bytes).map_err(failed)?;
            Outcome::Moved
        }
    };
    let Examined { date, countries, coverage, .. } = *new;
    Ok(Installed { output, date, countries, coverage, change, useless, outcome })
}

/// Where the database in use is.
pub(super) fn output(
    arguments: &PlaceArguments,
    config: Option<&Config>,
) -> Result<PathBuf, GeoipError> {
    if let Some(output) = &arguments.output {
        return Ok(output.clone());
    }
    match config.map(|config| config.clients().geo()) {
        Some(Geo::Database(path)) => Ok(path.into()),
        _ => Err(GeoipError::NoPlace),
    }
}

/// What a place is called: the region of the policy that clients there are in, or the country.
fn name_of(config: Option<&Config>, place: Option<Location>) -> String {
    match (config, place) {
        (Some(config), place) => {
            config.regions().name(placed(config, None, place).region).to_owned()
        }
        (None, Some(place)) => place.country().to_owned(),
        (None, None) => "nowhere".to_owned(),
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { output, date, countries, coverage, change, useless, outcome } = self;
        if let Some(useless) = useless {
            writeln!(out, "what is there is of no use: {useless}")?;
        }
        let what = match outcome {
            Outcome::Moved => "is in place",
            Outcome::Same => "is there already",
            Outcome::Told => "would be in place",
        };
        write!(
            out,
            "{}: data of {date} {what}: {countries} countries, {} of the public IPv4 addresses",
            output.display(),
            percent(*coverage)
        )?;
        match change {
            Some(Change { ipv4, ipv6, .. }) => {
                write!(out, ", {} of IPv4 and {} of IPv6 moved", percent(*ipv4), percent(*ipv6))
            }
            None => Ok(()),
        }
    }
}
