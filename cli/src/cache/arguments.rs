//! Arguments of the commands for caches, and the forms of their reports.

use std::io::{self, Read, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use portolan_command::output::{Exit, complain, fail};
use portolan_command::policy_file;
use portolan_core::grammar::Digest;
use serde::Serialize;

use super::nodes::Place;

pub(super) const STATUS_EXAMPLES: &str = "\
Examples:
  portolan cache status portolan.yaml
  portolan cache status http://10.0.0.7:8300 -o json

Exit status:
  0  every node is up
  1  one is not, or does not say how it is; or the policy is refused
  2  the command was wrong, or a file cannot be read";

pub(super) const PURGE_EXAMPLES: &str = "\
Examples:
  portolan cache purge portolan.yaml sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
  portolan cache purge portolan.yaml - <digests.txt

Exit status:
  0  no node has it any more
  1  a node could not be asked, or does not take it from this machine; or the policy is refused
  2  the command was wrong, or a file cannot be read";

pub(super) const VERIFY_EXAMPLES: &str = "\
Examples:
  portolan cache verify portolan.yaml
  portolan cache verify http://10.0.0.7:8300 sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08

Exit status:
  0  all that was read is what its digest names
  1  something was not, or a node could not be asked; or the policy is refused
  2  the command was wrong, or a file cannot be read";

/// Whose nodes, and how it is said.
#[derive(Debug, Args)]
pub(crate) struct Asked {
    /// A policy, whose nodes are all meant; or the URL of one node.
    #[arg(value_name = "POLICY-OR-URL")]
    place: String,
    /// As text or as JSON.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    output: Output,
}

/// Arguments of `portolan cache status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(super) asked: Asked,
    /// How many seconds a node may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: u64,
}

/// Arguments of `portolan cache purge`.
#[derive(Debug, Args)]
pub(crate) struct PurgeArgs {
    #[command(flatten)]
    pub(super) asked: Asked,
    /// Digests of blobs and manifests; `-` reads them from the standard input, one a line.
    #[arg(value_name = "DIGEST", required = true)]
    pub(super) digests: Vec<String>,
    /// How many seconds a node may take for an answer.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(super) timeout: u64,
}

/// Arguments of `portolan cache verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(super) asked: Asked,
    /// Digests; left out, all that a node says it holds. `-` reads them from the standard input,
    /// one a line.
    #[arg(value_name = "DIGEST")]
    pub(super) digests: Vec<String>,
    /// How many contents of a node are read at once.
    #[arg(long, value_name = "COUNT", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(super) parallel: u8,
    /// How many seconds a node may take to say what it holds, and for the next bytes of content.
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) timeout: u64,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// Lines.
    Text,
    /// One JSON object.
    Json,
}

impl Asked {
    /// The nodes that are meant; or, where there are none, how the command ends, which has been
    /// said.
    pub(super) fn places(&self) -> Result<Vec<Place>, Exit> {
        if self.place.contains("://") {
            let place = Place::of_url(&self.place).map_err(|why| fail(why, Exit::Unusable))?;
            return Ok(vec![place]);
        }
        let path = PathBuf::from(&self.place);
        let policy = policy_file::load(&path).map_err(|diagnostics| complain(&diagnostics))?;
        let places = Place::of_policy(&policy.config);
        if places.is_empty() {
            return Err(fail(format_args!("{} has no `caches`", self.place), Exit::Unusable));
        }
        Ok(places)
    }

    /// Prints a report; how the command ends.
    pub(super) fn say(&self, report: &impl Report, out: &mut impl Write) -> io::Result<Exit> {
        match self.output {
            Output::Text => write!(out, "{}", report.describe())?,
            Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(report)?)?,
        }
        Ok(if report.is_good() { Exit::Good } else { Exit::Refused })
    }
}

/// What came of a command.
pub(super) trait Report: Serialize {
    /// For people.
    fn describe(&self) -> String;
    /// Whether all is well.
    fn is_good(&self) -> bool;
}

/// The digests that were written, those of the standard input in the place of `-`.
///
/// # Errors
///
/// One is no digest that a node can hold.
pub(super) fn digests(
    written: &[String],
    input: impl Read,
) -> io::Result<Result<Vec<String>, String>> {
    let mut words: Vec<String> = Vec::new();
    let mut input = Some(input);
    for word in written {
        match (word.as_str(), input.as_mut()) {
            ("-", Some(from)) => {
                let mut text = String::new();
                from.read_to_string(&mut text)?;
                words.extend(text.split_whitespace().map(str::to_owned));
                input = None;
            }
            _ => words.push(word.clone()),
        }
    }
    let is_kept = |word: &String| {
        Digest::parse(word.as_bytes()).is_some_and(|digest| digest.algorithm() == "sha256")
    };
    Ok(match words.iter().find(|word| !is_kept(word)) {
        Some(word) => Err(format!(
            "`{word}` is no digest of content that a cache keeps; write `sha256:` and 64 digits"
        )),
        None => Ok(words),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read() {
        let [one, other] = ["a", "b"].map(|digit| format!("sha256:{}", digit.repeat(64)));
        let input = format!("{one}\n\n  {other}\n");
        #[rustfmt::skip]
        let rows = [
            (vec![one.clone()], Some(vec![one.clone()]), "as it is written"),
            (vec!["-".to_owned()], Some(vec![one.clone(), other.clone()]), "from the standard input"),
            (vec![other.clone(), "-".to_owned()], Some(vec![other.clone(), one, other]), "both"),
            (vec!["sha256:abc".to_owned()], None, "too short"),
            (vec![format!("sha512:{}", "a".repeat(128))], None, "no cache keeps it"),
            (vec!["-".to_owned(), "-".to_owned()], None, "the standard input ends once"),
            (Vec::new(), Some(Vec::new()), "none"),
        ];
        for (written, expected, reason) in rows {
            let found = digests(&written, input.as_bytes()).unwrap();
            assert_eq!(found.ok(), expected, "{reason}");
        }
    }
}
