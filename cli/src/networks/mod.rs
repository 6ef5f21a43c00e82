//! `portolan networks`: the address ranges that a cloud publishes, as networks of a policy.
//!
//! The command reads a file that somebody has downloaded; it fetches nothing. The same file always
//! makes the same document, so that a refresh of the ranges is a diff that can be reviewed.

mod aggregate;
mod aws;
mod document;
mod entry;
mod gcp;

use entry::{Entry, Problems};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// A cloud whose published address ranges can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Provider {
    /// Amazon Web Services: `ip-ranges.json`, labels `aws:<region>`.
    Aws,
    /// Google Cloud: `cloud.json`, labels `gcp:<scope>`.
    Gcp,
}

impl Provider {
    /// Where the provider publishes the file.
    const fn source(self) -> &'static str {
        match self {
            Self::Aws => "https://ip-ranges.amazonaws.com/ip-ranges.json",
            Self::Gcp => "https://www.gstatic.com/ipranges/cloud.json",
        }
    }

    /// The field that says when the file was published.
    const fn date_field(self) -> &'static str {
        match self {
            Self::Aws => "createDate",
            Self::Gcp => "creationTime",
        }
    }

    /// The label of the addresses that the provider announces in every region at once: `GLOBAL`
    /// of AWS, `global` of Google. It says least, and gives way to the name of a region.
    const fn everywhere(self) -> &'static str {
        match self {
            Self::Aws => "aws:global",
            Self::Gcp => "gcp:global",
        }
    }

    fn entries(self, file: &Value, problems: &mut Problems) -> Vec<Entry> {
        match self {
            Self::Aws => aws::entries(file, problems),
            Self::Gcp => gcp::entries(file, problems),
        }
    }
}

/// Reads the provider's file and writes a YAML document with its networks to `out`.
///
/// # Errors
///
/// The file cannot be read, is not the provider's, or holds an entry that makes no sense (each is
/// named by its path in the file); or `out` cannot be written. Nothing is written unless the
/// whole file is sound: half a cloud would send the other half to the wrong registry.
pub(crate) fn run(provider: Provider, file: &Path, out: &mut dyn Write) -> Result<(), String> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let document =
        convert(provider, &text).map_err(|error| format!("{}: {error}", file.display()))?;
    out.write_all(document.as_bytes())
        .map_err(|error| format!("cannot write the networks: {error}"))
}

/// The published JSON as a YAML document.
fn convert(provider: Provider, text: &str) -> Result<String, String> {
    let file: Value = serde_json::from_str(text).map_err(|error| {
        format!("this is not JSON ({error}); download {} again", provider.source())
    })?;
    let mut problems = Problems::default();
    let stamp = document::Stamp::read(provider, &file, &mut problems);
    let entries = provider.entries(&file, &mut problems);
    let networks = one_label_each(&entries, provider.everywhere(), &mut problems);
    problems.into_result(provider.source())?;
    let networks = aggregate::aggregate(networks);
    Ok(document::write(provider, &stamp, entries.len(), &networks))
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
    everywhere: &str,
    problems: &mut Problems,
) -> BTreeMap<ipnet::IpNet, String> {
    let mut networks: BTreeMap<_, String> = BTreeMap::new();
    for entry in entries {
        let label = networks.entry(entry.prefix).or_insert_with(|| entry.label.clone());
        if label == everywhere {
            label.clone_from(&entry.label);
        } else if entry.label != *label && entry.label != everywhere {
            problems.add(
                &entry.path,
                &format!("{} is in {label} and in {}", entry.prefix, entry.label),
            );
        }
    }
    networks
}

#[cfg(test)]
mod tests;
