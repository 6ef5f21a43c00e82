//! `portolan geoip`: the command line of this room.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use portolan_command::date::BuildDate;
use portolan_command::output::say;
use portolan_command::policy_file;
use portolan_command::progress::while_saying;

use super::answers::Answers;
use super::audit::{AuditArguments, audit};
use super::build::{BuildOptions, build};
use super::error::GeoipError;
use super::install::{InstallArguments, install};
use super::lookup::Lookup;

/// What can be done about a database without a network; `portolan geoip update` stands third among
/// them.
#[derive(Debug, Subcommand)]
pub enum GeoipCommand {
    /// Turn public country databases and your own tables into one that Envoy can read.
    ///
    /// An input is an .mmdb file (flat `country_code` or nested `country.iso_code`) or a CSV
    /// file of `start,end,country[,subdivision]` or `prefix,country[,subdivision]` lines. A later
    /// input overrides an earlier one; within an input the longest prefix holds.
    #[command(display_order = 0)]
    Build(BuildArguments),
    /// Put a database in place, unless it is damaged, of another kind, older, or puts too many
    /// clients elsewhere.
    ///
    /// Envoy takes any file of the format, and counts clients that it does not find as no error. So
    /// a new database is looked at here first: every node and record of it, what it covers,
    /// addresses whose country is known, and how many clients it moves. Then it takes the place of
    /// the one in use in one step.
    #[command(display_order = 1)]
    Install(InstallArguments),
    /// Find clients who are in the wrong region, and print the networks that mend it, as a file for
    /// `network_files`.
    ///
    /// The database is compared with what clouds publish of their addresses, with lists and with
    /// other databases, and the access log with what the policy calls near.
    #[command(display_order = 3)]
    Audit(AuditArguments),
    /// Say where a database puts addresses: `US`, `US-CA` or `unlocated`, one line for each; with a
    /// policy also the region, and what of the policy places the client there.
    #[command(display_order = 4)]
    Lookup(LookupArguments),
}

/// Arguments of `portolan geoip build`.
#[derive(Debug, Args)]
pub struct BuildArguments {
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
pub struct LookupArguments {
    /// The database, as Envoy is given it.
    #[arg(value_name = "DATABASE")]
    database: PathBuf,
    /// IPv4 and IPv6 addresses.
    #[arg(required_unless_present = "file", value_name = "ADDRESS")]
    addresses: Vec<String>,
    /// A file of more addresses, one a line, with `#` comments; `-` is the standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Say also in which region this policy would put each client, and by which of its lines.
    #[arg(long, value_name = "POLICY")]
    policy: Option<PathBuf>,
    /// Print a JSON object for each address: `address`, `country`, `subdivision`, with a policy
    /// also `region`, `why` and `label`; or `address` and `error`.
    #[arg(long)]
    json: bool,
}

impl GeoipCommand {
    /// Does what was asked: answers go to the standard output, a build's summary to the
    /// standard error.
    ///
    /// # Errors
    ///
    /// Whatever stands in the way, in words for the person who typed the command.
    pub fn run(self) -> Result<(), GeoipError> {
        match self {
            Self::Build(arguments) => {
                let summary = while_saying("building the database", || build(&arguments.into()))?;
                writeln!(io::stderr(), "{summary}").map_err(GeoipError::Print)
            }
            Self::Install(arguments) => {
                let installed = while_saying("installing the database", || install(&arguments))?;
                writeln!(io::stderr(), "{installed}").map_err(GeoipError::Print)
            }
            Self::Audit(arguments) => audit(&arguments, &mut io::stdout().lock()),
            Self::Lookup(arguments) => answer(&arguments, &mut io::stdout().lock()),
        }
    }
}

impl From<BuildArguments> for BuildOptions {
    fn from(arguments: BuildArguments) -> Self {
        let BuildArguments { output, source, licence, date, inputs } = arguments;
        Self { inputs, output, source, licence, date, now: BuildDate::now() }
    }
}

/// Answers what can be answered, and says of the rest why not.
fn answer(arguments: &LookupArguments, out: &mut impl Write) -> Result<(), GeoipError> {
    let LookupArguments { database, addresses, file, policy, json } = arguments;
    let policy =
        policy.as_deref().map(policy_file::load).transpose().map_err(GeoipError::Policy)?;
    let mut answers = Answers {
        database: Lookup::open(database)?,
        policy: policy.as_ref().map(|policy| &policy.config),
        json: *json,
        out: BufWriter::new(out),
        asked: 0,
        refused: Vec::new(),
    };
    for address in addresses {
        answers.one(address, "")?;
    }
    if let Some(path) = file {
        if path.as_os_str() == "-" {
            answers.lines(io::stdin().lock(), "the standard input")?;
        } else {
            let opened = File::open(path);
            let opened = opened.map_err(|source| GeoipError::File {
                doing: "read",
                path: path.clone(),
                source,
            })?;
            answers.lines(BufReader::new(opened), &path.display().to_string())?;
        }
    }
    answers.out.flush().map_err(GeoipError::Print)?;
    answers.refused.iter().for_each(say);
    match answers.refused.len() {
        0 => Ok(()),
        refused => Err(GeoipError::Unanswered { refused, asked: answers.asked }),
    }
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

        let policy = directory.path().join("p.yaml");
        std::fs::write(&policy, POLICY).unwrap();
        let list = directory.path().join("list");
        std::fs::write(&list, "# clients\n192.0.2.1 # one\n\nexample.com\n10.1.2.3\n").unwrap();
        let (database, policy, list) = (database.display(), policy.display(), list.display());
        let bad = "error: 1 of 3 addresses have no answer";
        #[rustfmt::skip]
        let rows = [
            (format!("{database} 192.0.2.1 2001:db8::1"), "192.0.2.1 US-CA\n2001:db8::1 unlocated\n", "", "as Envoy would"),
            (format!("{database} --file {list}"), "192.0.2.1 US-CA\n10.1.2.3 unlocated\n", bad, "one that is none takes none away"),
            (
                format!("{database} --policy {policy} 192.0.2.1 10.1.2.3 9.9.9.9"),
                "192.0.2.1 US-CA west by subdivision US-CA\n10.1.2.3 unlocated west by network 10.1.0.0/16\n9.9.9.9 unlocated default by default\n",
                "", "the region, and what leads to it",
            ),
            (
                format!("{database} --json --policy {policy} 10.1.2.3 x"),
                "{\"address\":\"10.1.2.3\",\"country\":null,\"subdivision\":null,\"region\":\"west\",\"why\":\"network 10.1.0.0/16\",\"label\":\"office\"}\n{\"address\":\"x\",\"error\":\"is not an IPv4 or IPv6 address\"}\n",
                "error: 1 of 2 addresses have no answer", "lines of JSON",
            ),
            (format!("{database} --json 192.0.2.1"), "{\"address\":\"192.0.2.1\",\"country\":\"US\",\"subdivision\":\"CA\"}\n", "", "without a policy"),
        ];
        for (line, expected, error, reason) in rows {
            let Ok(GeoipCommand::Lookup(arguments)) = typed(&format!("lookup {line}")) else {
                panic!("{line}")
            };
            let mut said = Vec::new();
            let ended = answer(&arguments, &mut said).map_err(|error| format!("error: {error}"));
            assert_eq!(ended.err().unwrap_or_default(), error, "{reason}");
            let said = String::from_utf8(said).unwrap();
            let is_same =
                said.lines().zip(expected.lines()).all(
                    |(said, expected)| match serde_json::from_str::<serde_json::Value>(expected) {
                        Ok(expected) => {
                            serde_json::from_str::<serde_json::Value>(said).unwrap() == expected
                        }
                        Err(_) => said == expected,
                    },
                );
            assert!(
                is_same && said.lines().count() == expected.lines().count(),
                "{reason}: {said}"
            );
        }
    }

    const POLICY: &str = "version: 1\nfronts: {m: {hosts: [r.example]}}\nbackends: {a: {url: \"https://a.example\"}}\n\
        regions: {west: {subdivisions: [US-CA], labels: [office]}, default: {}}\nnetworks: {office: [10.1.0.0/16]}\n\
        clients: {geo: {database: /g.mmdb}}\nrules: [{name: r, repositories: [x], chains: {default: [a]}}]\n";

    #[test]
    fn wrong_lines_are_refused() {
        let cases = [
            ("build own.csv", "--output"),
            ("build --output g.mmdb", "<INPUT>"),
            ("build --output g.mmdb --date today own.csv", "like 2026-06-01"),
            ("lookup g.mmdb", "<ADDRESS>"),
        ];
        for (line, message) in cases {
            let shown = typed(line).expect_err(line);
            assert!(shown.contains(message), "{line}: {shown}");
        }
    }
}
