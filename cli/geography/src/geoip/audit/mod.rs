//! `portolan geoip audit`: which clients are in the wrong region, and the lines that mend it.
//!
//! [`truth`] is what others say of where addresses are, [`misplaced`] compares it with the database
//! by the regions of the policy, [`log`] is what clients did, [`slow`] what that says, [`document`]
//! the answer.

mod document;
mod log;
mod misplaced;
mod slow;
mod truth;

use std::fs::File;
use std::io::{BufReader, Write};
use std::path::PathBuf;

use clap::Args;
use portolan_command::output::say;
use portolan_command::policy_file;
use portolan_core::config::{Config, Geo};

use super::error::GeoipError;
use super::examine::Examined;
use super::verdict::percent;
use crate::networks::Provider;
use log::Log;
use misplaced::{Comparison, Misplaced, compare};
use truth::Truth;

/// Arguments of `portolan geoip audit`.
#[derive(Debug, Args)]
pub struct AuditArguments {
    /// The policy whose regions count.
    #[arg(value_name = "POLICY")]
    policy: PathBuf,
    /// The database in use, if not the one that the policy names.
    #[arg(long, value_name = "FILE.mmdb")]
    database: Option<PathBuf>,
    /// What a cloud publishes of its addresses, as for `networks import`; may be given several
    /// times.
    #[arg(long, value_name = "PROVIDER=FILE", value_parser = published)]
    published: Vec<(Provider, PathBuf)>,
    /// A list with a country for each prefix: a table as for `geoip build`, or a geofeed (RFC
    /// 8805).
    #[arg(long, value_name = "FILE.csv")]
    list: Vec<PathBuf>,
    /// Another database, of countries or of cities.
    #[arg(long, value_name = "FILE.mmdb")]
    against: Vec<PathBuf>,
    /// The access log of an Envoy that `portolan render` has configured: tells the requests of each
    /// network, and finds clients who wait longer for their near registry than for another.
    #[arg(long, value_name = "FILE")]
    access_log: Vec<PathBuf>,
    /// Leave out networks without a request in the access log.
    #[arg(long, requires = "access_log")]
    asked: bool,
}

fn published(text: &str) -> Result<(Provider, PathBuf), String> {
    let (provider, file) =
        text.split_once('=').ok_or("write PROVIDER=FILE, such as aws=ip-ranges.json")?;
    let provider = <Provider as clap::ValueEnum>::from_str(provider, true)?;
    Ok((provider, file.into()))
}

/// Prints what is misplaced as networks for the policy, and to the standard error how much each
/// source says.
///
/// # Errors
///
/// A file cannot be read, or is of no use.
pub(super) fn audit(arguments: &AuditArguments, out: &mut impl Write) -> Result<(), GeoipError> {
    let policy = policy_file::load(&arguments.policy).map_err(GeoipError::Policy)?;
    let config = &policy.config;
    let log = read_log(&arguments.access_log)?;
    let mut found = Vec::new();
    let truths = truths(arguments)?;
    if !truths.is_empty() {
        let database = Examined::read(&database(arguments, config)?)?;
        for truth in truths {
            let compared = compare(config, &database.segments, &truth);
            say(summary(&truth, &compared));
            found.extend(compared.misplaced);
        }
    }
    for one in &mut found {
        one.requests = log.requests_from(&one.prefix);
    }
    let slow = slow::find(config, &log);
    if !arguments.access_log.is_empty() {
        say(told(&log, &slow));
    }
    found.extend(slow);
    found.retain(|one| one.requests > 0 || !arguments.asked);
    out.write_all(document::write(config, &found).as_bytes()).map_err(GeoipError::Print)
}

fn truths(arguments: &AuditArguments) -> Result<Vec<Truth>, GeoipError> {
    let AuditArguments { published, list, against, .. } = arguments;
    let published = published.iter().map(|(provider, path)| Truth::of_provider(*provider, path));
    let lists = list.iter().map(|path| Truth::of_list(path));
    let against = against.iter().map(|path| Truth::of_database(path));
    published.chain(lists).chain(against).collect()
}

fn database(arguments: &AuditArguments, config: &Config) -> Result<PathBuf, GeoipError> {
    match (&arguments.database, config.clients().geo()) {
        (Some(path), _) => Ok(path.clone()),
        (None, Geo::Database(path)) => Ok(path.into()),
        (None, _) => Err(GeoipError::NoPlace),
    }
}

fn read_log(files: &[PathBuf]) -> Result<Log, GeoipError> {
    let mut log = Log::default();
    for path in files {
        let failed = |source| GeoipError::File { doing: "read", path: path.clone(), source };
        let file = File::open(path).map_err(failed)?;
        log.read(BufReader::new(file)).map_err(failed)?;
    }
    Ok(log)
}

fn summary(truth: &Truth, found: &Comparison) -> String {
    let Comparison { misplaced, other_country, other_region } = found;
    format!(
        "{}: {} of its IPv4 addresses are in another country, {} in another region; {} networks are misplaced",
        truth.name,
        percent(*other_country),
        percent(*other_region),
        misplaced.len()
    )
}

fn told(log: &Log, slow: &[Misplaced]) -> String {
    let requests = log.clients.values().fold(0_u64, |sum, count| sum.saturating_add(*count));
    format!(
        "access log: {requests} requests from {} networks, {} of them wait longer for what is near; {} lines are no requests",
        log.networks.len(),
        slow.len(),
        log.others
    )
}
