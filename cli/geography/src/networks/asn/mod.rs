//! `portolan networks asn`: the networks of some autonomous systems, as networks of a policy.
//!
//! A policy then has them as labels (`asn:64496`) in regions and in `clients.refused`, so a request
//! costs no lookup besides that of its network. Only the systems that are asked for are written: a
//! database has a hundred thousand.

mod database;
mod row;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use portolan_command::date::BuildDate;

use super::aggregate::aggregate;
use super::document::{self, Stamp};
use row::{Row, number};

/// Arguments of `portolan networks asn`.
#[derive(Debug, Args)]
pub struct AsnArgs {
    /// A database of autonomous systems: an `.mmdb` file, or a table (CSV, TSV) of prefixes or
    /// ranges.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The numbers of the systems that are wanted: `64496` or `AS64496`.
    #[arg(value_name = "ASN", required = true, value_parser = number)]
    asns: Vec<u32>,
    /// Of which day the file is; an `.mmdb` file says it itself.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<BuildDate>,
}

/// Reads the database and writes a YAML document with the networks of those systems to `out`.
///
/// # Errors
///
/// The file cannot be read, or a line or record of it; a system has no network in it; nobody says
/// of which day it is; or `out` cannot be written. Nothing is written then.
pub fn run(arguments: &AsnArgs, out: &mut dyn Write) -> Result<(), String> {
    let file = &arguments.file;
    let bytes =
        std::fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let document = convert(file, bytes, &arguments.asns, arguments.date)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    out.write_all(document.as_bytes())
        .map_err(|error| format!("cannot write the networks: {error}"))
}

fn convert(
    path: &Path,
    bytes: Vec<u8>,
    asns: &[u32],
    date: Option<BuildDate>,
) -> Result<String, String> {
    let (rows, own_date) = if database::is_one(path, &bytes) {
        database::read(bytes)?
    } else {
        (table::read(&bytes)?, None)
    };
    let day = date.or(own_date).ok_or("does not say of which day it is; add --date YYYY-MM-DD")?;
    let asns: BTreeSet<u32> = asns.iter().copied().collect();
    let (count, networks) = of_systems(rows, &asns)?;
    let source = path.file_name().unwrap_or_default().to_string_lossy();
    let stamp = Stamp::of_day(day.to_string());
    Ok(document::write("asn", &source, &stamp, count, &aggregate(networks)))
}

/// How many rows are about these systems, and the networks of those.
fn of_systems(
    mut rows: Vec<Row>,
    asns: &BTreeSet<u32>,
) -> Result<(usize, BTreeMap<IpNet, String>), String> {
    rows.sort_by_key(|row| row.first);
    if let Some([row, next]) = rows.array_windows().find(|[row, next]| row.overlaps(next)) {
        return Err(format!(
            "{row} and {next} overlap; give a file in which each address is in one system"
        ));
    }
    rows.retain(|row| asns.contains(&row.asn));
    let found: BTreeSet<u32> = rows.iter().map(|row| row.asn).collect();
    let missing: Vec<String> = asns.difference(&found).map(|asn| format!("AS{asn}")).collect();
    if !missing.is_empty() {
        return Err(format!("has no network of {}; is the number right?", missing.join(", ")));
    }
    let of_row =
        |row: &Row| row.networks().into_iter().map(|network| (network, row.label())).collect();
    let networks: Vec<Vec<(IpNet, String)>> = rows.iter().map(of_row).collect();
    Ok((rows.len(), networks.into_iter().flatten().collect()))
}

#[cfg(test)]
mod tests;
