//! The report of `check` on one policy, in each of its formats.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};
use std::path::Path;

use portolan_command::colour::{self, Colour};
use portolan_command::output::{Exit, exit_of, say};
use portolan_command::policy_file::{Diagnostic, Severity};
use portolan_core::config::Config;
use portolan_core::config::user_info::hidden_in_words;
use serde::Serialize;

/// What was found in one policy.
pub(super) struct Report {
    /// What the file is called.
    pub(super) file: String,
    /// How the command would end for this policy alone.
    pub(super) exit: Exit,
    /// How much is in it, if the core has accepted it.
    pub(super) summary: Option<Summary>,
    /// By what it is known where it is served, if the core has accepted it.
    pub(super) fingerprint: Option<String>,
    /// Everything that was found.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// That of a policy that the core has not accepted.
    pub(super) fn refused(path: &Path, diagnostics: Vec<Diagnostic>) -> Self {
        let is_input = path == Path::new("-");
        Self {
            file: if is_input { "<stdin>".to_owned() } else { path.display().to_string() },
            exit: exit_of(&diagnostics),
            summary: None,
            fingerprint: None,
            diagnostics,
        }
    }

    /// Leaves out what does not decide.
    pub(super) fn keep_reasons(&mut self, is_strict: bool) {
        let least = if is_strict { Severity::Warning } else { Severity::Mistake };
        self.diagnostics.retain(|found| found.severity >= least);
    }

    /// As lines: what was found to the standard error, that all is well to `out`.
    pub(super) fn print(&self, is_quiet: bool, out: &mut impl Write) -> io::Result<()> {
        let is_coloured = colour::on_stderr();
        for diagnostic in &self.diagnostics {
            say(painted(diagnostic, is_coloured));
        }
        match &self.summary {
            Some(summary) if self.exit == Exit::Good && !is_quiet => {
                writeln!(out, "{}: ok ({summary})", self.file)
            }
            _ => Ok(()),
        }
    }

    /// As commands of a workflow (GitHub, "Workflow commands", "Setting an error message").
    pub(super) fn annotate(&self, out: &mut impl Write) -> io::Result<()> {
        for found in &self.diagnostics {
            let level = match found.severity {
                Severity::Note => "notice",
                Severity::Warning => "warning",
                Severity::Mistake | Severity::Unreadable => "error",
            };
            write!(out, "::{level} file={}", property(found.place.file()))?;
            if let Some(at) = found.place.position() {
                write!(out, ",line={},col={}", at.line, at.column)?;
            }
            let path =
                if found.path.is_empty() { String::new() } else { format!("{}: ", found.path) };
            let message = format!("{path}{}", found.message);
            writeln!(out, "::{}", escaped(&hidden_in_words(&message)))?;
        }
        Ok(())
    }
}

/// A line with its place in the colour of how bad it is.
fn painted(found: &Diagnostic, is_coloured: bool) -> String {
    let colour = match found.severity {
        Severity::Note => Colour::None,
        Severity::Warning => Colour::Yellow,
        Severity::Mistake | Severity::Unreadable => Colour::Red,
    };
    let (line, place) = (found.to_string(), hidden_in_words(&found.place.to_string()).into_owned());
    match line.strip_prefix(&place) {
        Some(rest) => format!("{}{rest}", colour.paint(&place, is_coloured)),
        None => line,
    }
}

/// A message of a workflow command: `%`, and what ends a line, stand as escapes.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a workflow command, where colons and commas mean something too.
fn property(text: &str) -> String {
    escaped(&hidden_in_words(text)).replace(':', "%3A").replace(',', "%2C")
}

/// How much of everything a policy has: `1 front, 2 rules, 3 backends, 4 regions`.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Summary {
    rules: usize,
    backends: usize,
    regions: usize,
    fronts: usize,
}

impl Summary {
    /// That of a policy.
    pub(super) fn of(config: &Config) -> Self {
        Self {
            rules: config.rules().all().len(),
            backends: config.backends().len(),
            regions: config.regions().count(),
            fronts: config.fronts().all().len(),
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = [
            (self.rules, "rule"),
            (self.backends, "backend"),
            (self.regions, "region"),
            (self.fronts, "front"),
        ];
        for (index, (count, noun)) in counts.into_iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            let plural = if count == 1 { "" } else { "s" };
            write!(formatter, "{comma}{count} {noun}{plural}")?;
        }
        Ok(())
    }
}

/// The document of `--format json`; docs/command-line.md describes it.
#[derive(Serialize)]
struct Document<'r> {
    kind: &'static str,
    version: u8,
    policies: Vec<PolicyReport<'r>>,
}

#[derive(Serialize)]
struct PolicyReport<'r> {
    file: Cow<'r, str>,
    /// `ok`, `refused` or `unreadable`.
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Summary>,
    diagnostics: Vec<Found<'r>>,
}

#[derive(Serialize)]
struct Found<'r> {
    /// `note`, `warning` or `error`.
    severity: &'static str,
    file: Cow<'r, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// Where in the policy, such as `rules[0].owner`; empty where it is about the file.
    path: Cow<'r, str>,
    message: Cow<'r, str>,
}

/// All reports as one document.
pub(super) fn print_json(reports: &[Report], out: &mut impl Write) -> io::Result<()> {
    let policies = reports.iter().map(PolicyReport::of).collect();
    let document = Document { kind: "portolan.check", version: 1, policies };
    writeln!(out, "{}", serde_json::to_string_pretty(&document)?)
}

impl<'r> PolicyReport<'r> {
    fn of(report: &'r Report) -> Self {
        Self {
            file: hidden_in_words(&report.file),
            status: match report.exit {
                Exit::Good => "ok",
                Exit::Refused => "refused",
                Exit::Unusable => "unreadable",
            },
            summary: report.summary,
            diagnostics: report.diagnostics.iter().map(Found::of).collect(),
        }
    }
}

impl<'r> Found<'r> {
    fn of(found: &'r Diagnostic) -> Self {
        let at = found.place.position();
        Self {
            severity: match found.severity {
                Severity::Note => "note",
                Severity::Warning => "warning",
                Severity::Mistake | Severity::Unreadable => "error",
            },
            file: hidden_in_words(found.place.file()),
            line: at.map(|at| at.line),
            column: at.map(|at| at.column),
            path: hidden_in_words(&found.path),
            message: hidden_in_words(&found.message),
        }
    }
}
