//! `portolan geoip update`: fetches the database of a source, and puts it in place like `install`.
//!
//! The walk: [`source`] says what is fetched and how it is proven, [`fetch`] gets it, [`proof`]
//! looks whether it is what was to come, [`unpack`] takes the database out of its archive; what has
//! not Envoy's shape is built, and then [`super::install`] decides.

mod fetch;
mod proof;
mod source;
mod unpack;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_command::date::BuildDate;
use portolan_geography::geoip::build::{BuildOptions, build};
use portolan_geography::geoip::error::GeoipError;
use portolan_geography::geoip::examine::Examined;
use portolan_geography::geoip::install::{Installed, PlaceArguments, put};

use fetch::{Fetched, Fetcher};
use source::UpdateSource;

/// Arguments of `portolan geoip update`.
#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    /// A YAML file that says where the database comes from: `url` and `sha256`, `sha256_url` or
    /// `signature_url`.
    #[arg(value_name = "SOURCE.yaml")]
    source: PathBuf,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Fetches the database and puts it in place.
///
/// # Errors
///
/// What stands in the way, or speaks against the database; the one in use stays as it was then.
pub(super) fn update(arguments: &UpdateArguments) -> Result<Installed, GeoipError> {
    let source = UpdateSource::read(&arguments.source)?;
    let fetcher = Fetcher::new(&source)?;
    let Fetched { url, bytes, month } = fetcher.fetch(BuildDate::now())?;
    let bytes = unpack::unpack(bytes, source.member.as_deref())
        .map_err(|reason| GeoipError::Fetch(format!("{url}: {reason}")))?;
    let scratch = tempfile::tempdir().map_err(|error| GeoipError::File {
        doing: "make a directory in",
        path: std::env::temp_dir(),
        source: error,
    })?;
    let examined = usable(&source, bytes, month, scratch.path())?;
    put(Path::new(&url), &examined, &arguments.place)
}

/// What came as a database that Envoy can use, with what is mended in it.
fn usable(
    source: &UpdateSource,
    bytes: Vec<u8>,
    month: Option<BuildDate>,
    scratch: &Path,
) -> Result<Examined, GeoipError> {
    let is_database = bytes.windows(MARKER.len()).any(|window| window == MARKER);
    let input = scratch.join(if is_database { "fetched.mmdb" } else { "fetched.csv" });
    let failed = |error| GeoipError::File { doing: "write", path: input.clone(), source: error };
    fs::write(&input, &bytes).map_err(failed)?;
    drop(bytes);
    if is_database && source.mend.is_empty() {
        match Examined::read(&input) {
            Err(GeoipError::Flat(_)) => {}
            examined => return examined,
        }
    }
    let output = scratch.join("built.mmdb");
    build(&BuildOptions {
        inputs: std::iter::once(input).chain(source.mend.iter().cloned()).collect(),
        output: output.clone(),
        source: source.source.clone(),
        licence: source.licence.clone(),
        // A table does not say of which day it is; a monthly one is of the month of its URL.
        date: month.filter(|_| !is_database),
        now: BuildDate::now(),
    })?;
    Examined::read(&output)
}

/// What every `MaxMind` DB has behind its data.
const MARKER: &[u8] = b"\xab\xcd\xefMaxMind.com";

#[cfg(test)]
mod tests;
