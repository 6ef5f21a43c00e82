//! `portolan networks`: the address ranges that a cloud or a delivery network publishes, as
//! networks of a policy.
//!
//! The command reads a file that somebody has downloaded; it fetches nothing. The same file always
//! makes the same document, so that a refresh of the ranges is a diff that can be reviewed.

mod aggregate;
mod asn;
mod aws;
mod azure;
mod document;
mod edges;
mod entry;
mod gcp;
mod oracle;
mod places;
mod provider;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use ipnet::IpNet;
use portolan_command::date::BuildDate;

pub(crate) use aggregate::aggregate;
pub use asn::{AsnArgs, run as run_asn};
use document::Stamp;
use entry::{Entry, Problems, Weight};
pub(crate) use places::country;
pub(crate) use provider::Provider;

/// Arguments of `portolan networks import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// Whose file it is.
    #[arg(value_name = "PROVIDER")]
    provider: Provider,
    /// The file, as the provider publishes it.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Keep what runs there in the labels, behind the region: `aws:eu-west-1:s3`. `aws:eu-west-1*`
    /// means all of them.
    #[arg(long)]
    services: bool,
    /// On which day it was published, where the file does not say.
    #[arg(long, value_name = "YYYY-MM-DD")]
    date: Option<BuildDate>,
}

/// Reads the provider's file and writes a YAML document with its networks to `out`.
///
/// # Errors
///
/// The file cannot be read, is not the provider's, or holds an entry that makes no sense (each is
/// named by its path in the file); or `out` cannot be written. Nothing is written unless the
/// whole file is sound: half a cloud would send the other half to the wrong registry.
pub fn run(arguments: &ImportArgs, out: &mut dyn Write) -> Result<(), String> {
    let file = &arguments.file;
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let day = arguments.date.map(|date| date.to_string());
    let day = day.or_else(|| arguments.provider.day_of_name(file));
    let document = convert(arguments.provider, &text, day, arguments.services)
        .map_err(|error| format!("{}: {error}", file.display()))?;
    out.write_all(document.as_bytes())
        .map_err(|error| format!("cannot write the networks: {error}"))
}

/// The published file as a YAML document.
fn convert(
    provider: Provider,
    text: &str,
    day: Option<String>,
    services: bool,
) -> Result<String, String> {
    let (stamp, entries, networks) = read(provider, text, day, services)?;
    let networks = aggregate(networks);
    Ok(document::write(provider.name(), provider.source(), &stamp, entries, &networks))
}

/// The networks of a published file, each with its label.
///
/// # Errors
///
/// As for [`run`].
pub(crate) fn published(provider: Provider, text: &str) -> Result<BTreeMap<IpNet, String>, String> {
    // Of which day they are does not matter to who compares them.
    let (_, _, networks) = read(provider, text, Some("1970-01-01".to_owned()), false)?;
    Ok(networks)
}

type Read = (Stamp, usize, BTreeMap<IpNet, String>);

fn read(
    provider: Provider,
    text: &str,
    day: Option<String>,
    services: bool,
) -> Result<Read, String> {
    let file = provider.read(text).map_err(|error| {
        format!("this is not JSON ({error}); download {} again", provider.source())
    })?;
    let mut problems = Problems::default();
    let stamp = Stamp::read(provider, &file, day, &mut problems);
    let entries = provider.entries(&file, &mut problems);
    let networks = one_label_each(&entries, services, &mut problems);
    problems.into_result(provider.source())?;
    Ok((stamp, entries.len(), networks))
}

/// What all entries of one prefix say.
struct Known<'e> {
    label: &'e str,
    weight: Weight,
    services: BTreeSet<&'e str>,
}

/// One label for each prefix.
///
/// The services of a cloud share prefixes, so most come several times with one region. The
/// providers never publish a prefix under two regions (so it was in the files of July 2026), but
/// they do announce a block everywhere and parts of it in regions: there the longest prefix
/// decides, in the file as in the policy. Should one prefix be both, its region counts. Two
/// regions contradict each other, and a policy would refuse them too.
fn one_label_each(
    entries: &[Entry],
    services: bool,
    problems: &mut Problems,
) -> BTreeMap<IpNet, String> {
    let mut known: BTreeMap<IpNet, Known<'_>> = BTreeMap::new();
    for entry in entries {
        let Entry { prefix, label, weight, service, .. } = entry;
        let found = known.entry(*prefix).or_insert_with(|| Known {
            label,
            weight: *weight,
            services: BTreeSet::new(),
        });
        if !service.is_empty() {
            found.services.insert(service);
        }
        if *weight > found.weight {
            (found.label, found.weight) = (label, *weight);
        } else if *weight == found.weight && label != found.label {
            let problem = format!("{prefix} is in {} and in {label}", found.label);
            problems.add(&entry.path, &problem);
        }
    }
    let label = |Known { label, services: of, .. }: Known<'_>| {
        if services && !of.is_empty() {
            format!("{label}:{}", of.into_iter().collect::<Vec<_>>().join("."))
        } else {
            label.to_owned()
        }
    };
    known.into_iter().map(|(prefix, known)| (prefix, label(known))).collect()
}

#[cfg(test)]
mod tests;
