//! `portolan geoip`: the command line of this room.

use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::build::{BuildOptions, build};
use super::date::BuildDate;
use super::error::GeoipError;
use super::lookup::lookup;

/// Build and read the database that tells Envoy in which country an address is.
#[derive(Debug, Subcommand)]
pub(crate) enum GeoipCommand {
    /// Turn public country databases and your own tables into one that Envoy can read.
    ///
    /// An input is an .mmdb file (flat `country_code` or nested `country.iso_code`) or a CSV
    /// file of `start,end,country[,subdivision]` or `prefix,country[,subdivision]` lines. A later
    /// input overrides an earlier one; within an input the longest prefix holds.
    Build(BuildArguments),
    /// Say where a database puts addresses: `US`, `US-CA` or `unlocated`, one line for each.
    Lookup(LookupArguments),
}

/// Arguments of `portolan geoip build`.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The database to write. A running Envoy takes it over at once.
    #[arg(long, value_name = "FILE.mmdb")]
    output: PathBuf,
    /// Whose data it is, as its licence wants it said; kept in the database.
    #[arg(long, value_name = "TEXT")]
    source: Option<String>,
    /// The licence of the data; kept in the database.
    #[arg(long, value_name = "TEXT")]
    licence: Option<String>,
    /// Of which day the data is [default: the latest date of the .mmdb inputs].
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<BuildDate>,
    /// The inputs, the most authoritative last.
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
}

/// Arguments of `portolan geoip lookup`.
#[derive(Debug, Args)]
pub(crate) struct LookupArguments {
    /// The database, as Envoy is given it.
    #[arg(value_name = "DATABASE")]
    database: PathBuf,
    /// IPv4 and IPv6 addresses.
    #[arg(required = true, value_name = "ADDRESS")]
    addresses: Vec<IpAddr>,
}

impl GeoipCommand {
    /// Does what was asked: answers go to the standard output, a build's summary to the
    /// standard error.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, in words for the person who typed the command.
    pub(crate) fn run(self) -> Result<(), GeoipError> {
        match self {
            Self::Build(arguments) => {
                let summary = build(&arguments.into())?;
                writeln!(io::stderr(), "{summary}").map_err(GeoipError::Print)
            }
            Self::Lookup(LookupArguments { database, addresses }) => {
                answer(&database, &addresses, &mut io::stdout().lock())
            }
        }
    }
}

impl From<BuildArguments> for BuildOptions {
    fn from(arguments: BuildArguments) -> Self {
        let BuildArguments { output, source, licence, date, inputs } = arguments;
        Self { inputs, output, source, licence, date, now: BuildDate::now() }
    }
}

fn answer(database: &Path, addresses: &[IpAddr], out: &mut impl Write) -> Result<(), GeoipError> {
    for address in addresses {
        let place = match lookup(database, *address)? {
            Some(location) => location.to_string(),
            None => "unlocated".to_owned(),
        };
        writeln!(out, "{address} {place}").map_err(GeoipError::Print)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Shell {
        #[command(subcommand)]
        command: GeoipCommand,
    }

    fn typed(line: &str) -> Result<GeoipCommand, String> {
        let words = ["geoip"].into_iter().chain(line.split_whitespace());
        let shell = Shell::try_parse_from(words).map_err(|error| error.to_string())?;
        Ok(shell.command)
    }

    #[test]
    fn a_build_and_a_lookup_as_they_are_typed() {
        let directory = tempfile::tempdir().unwrap();
        let (table, database) = (directory.path().join("own.csv"), directory.path().join("g.mmdb"));
        std::fs::write(&table, "192.0.2.0/24,US,CA\n").unwrap();
        let line = format!(
            "build --output {} --source us --licence CC0 --date 2026-06-01 {}",
            database.display(),
            table.display()
        );
        typed(&line).unwrap().run().unwrap();

        let mut said = Vec::new();
        let addresses = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        answer(&database, &addresses, &mut said).unwrap();
        assert_eq!(String::from_utf8(said).unwrap(), "192.0.2.1 US-CA\n2001:db8::1 unlocated\n");
        typed(&format!("lookup {} 192.0.2.1", database.display())).unwrap().run().unwrap();
    }

    #[test]
    fn wrong_lines_are_refused() {
        let cases = [
            ("build own.csv", "--output"),
            ("build --output g.mmdb", "<INPUT>"),
            ("build --output g.mmdb --date today own.csv", "like 2026-06-01"),
            ("lookup g.mmdb", "<ADDRESS>"),
            ("lookup g.mmdb example.com", "invalid value 'example.com'"),
        ];
        for (line, message) in cases {
            let shown = typed(line).expect_err(line);
            assert!(shown.contains(message), "{line}: {shown}");
        }
    }
}
