//! `portolan init`: a first policy, from registries and places.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;

use crate::check;
use crate::output::{Exit, say};
use crate::policy_file;
use crate::replace::replace;

/// Arguments of `portolan init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// A registry and its URL; may be given several times. All hold the same content under the same tags; the first is the
    /// nearest for whoever is near to none.
    #[arg(long = "registry", required = true, value_name = "NAME=URL", value_parser = pair)]
    registries: Vec<(String, String)>,
    /// Countries whose clients are nearest to a registry, such as `quay=CN,SG`; may be given several times.
    #[arg(long, value_name = "NAME=COUNTRIES", value_parser = pair)]
    near: Vec<(String, String)>,
    /// A host that clients use; may be given several times.
    #[arg(long = "host", value_name = "HOST", default_values = ["localhost:8080", "127.0.0.1:8080"])]
    hosts: Vec<String>,
    /// Which repositories; may be given several times.
    #[arg(long, value_name = "GLOB", default_values = ["**"])]
    repositories: Vec<String>,
    /// The registry that takes pushes; without it the policy is pull-only.
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Where Envoy finds the geographic database, which `--near` needs.
    #[arg(long, value_name = "FILE", default_value = "/etc/portolan/geoip.mmdb")]
    database: String,
    /// Write to this file, which must not be there yet; to the standard output if left out.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// The examples of `portolan init --help`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan init --registry a=http://127.0.0.1:5001 --registry b=http://127.0.0.1:5002
  portolan init --host registry.example.com --registry ghcr=https://ghcr.io --registry quay=https://quay.io \\
    --repositories 'team/**' --near quay=CN,SG --output portolan.yaml

Exit status:
  0  the policy is written, and `portolan check --strict` accepts it
  1  what was asked for makes no good policy; the standard error says why, line by line of what it would be
  2  the command was wrong, or the file cannot be written";

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let parts = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write a name, `=` and a value, such as `quay=https://quay.io`".to_owned())
}

/// Writes a policy that `check --strict` accepts, or says why there is none.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &InitArgs, out: &mut impl Write) -> io::Result<Exit> {
    let text = policy(arguments);
    let found = match policy_file::load_text(&text, "<policy>") {
        Ok(policy) => check::doubts(&policy),
        Err(mistakes) => mistakes,
    };
    if !found.is_empty() {
        found.iter().for_each(say);
        return Ok(Exit::Refused);
    }
    let Some(path) = &arguments.output else {
        write!(out, "{text}")?;
        return Ok(Exit::Good);
    };
    if path.exists() {
        say(format_args!(
            "error: {} is there already; take it away, or name another file",
            path.display()
        ));
        return Ok(Exit::Unusable);
    }
    replace(path, text.as_bytes())?;
    Ok(Exit::Good)
}

/// The policy, as a person would write it.
fn policy(arguments: &InitArgs) -> String {
    let names: Vec<&str> = arguments.registries.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = String::from("version: 1\n\nfronts:\n  main:\n");
    let hosts = list(arguments.hosts.iter().map(String::as_str));
    // Writing to a string cannot fail.
    let _ = write!(text, "    hosts: {hosts}\n    default: true\n\nbackends:\n");
    for (name, url) in &arguments.registries {
        let _ = writeln!(text, "  {}: {{url: {}}}", quoted(name), quoted(url));
    }
    text.push_str("\nregions:\n");
    for (name, countries) in &arguments.near {
        let _ = writeln!(
            text,
            "  {}: {{countries: {}}}",
            quoted(&region(name)),
            list(countries.split(','))
        );
    }
    text.push_str("  default: {}\n");
    if !arguments.near.is_empty() {
        let _ = write!(text, "\nclients:\n  geo: {{database: {}}}\n", quoted(&arguments.database));
    }
    let globs = list(arguments.repositories.iter().map(String::as_str));
    let _ = write!(text, "\nrules:\n  - name: all\n    repositories: {globs}\n    chains:\n");
    for (name, _) in &arguments.near {
        let others = names.iter().copied().filter(|other| other != name);
        let chain = list(std::iter::once(name.as_str()).chain(others));
        let _ = writeln!(text, "      {}: {chain}", quoted(&region(name)));
    }
    let _ = writeln!(text, "      default: {}", list(names.iter().copied()));
    if names.len() > 1 {
        text.push_str(
            "    # All of them have the same tags, so that pulls by tag fail over, too.\n",
        );
        let _ = writeln!(text, "    replicas: {}", list(names.iter().copied()));
    }
    if let Some(owner) = &arguments.owner {
        let _ = writeln!(text, "    owner: {}", quoted(owner));
    }
    text
}

/// The region whose clients are nearest to a registry.
fn region(registry: &str) -> String {
    format!("near-{registry}")
}

/// `[a, "b:c"]`.
fn list<'t>(items: impl Iterator<Item = &'t str>) -> String {
    let items: Vec<String> = items.map(|item| quoted(item.trim())).collect();
    format!("[{}]", items.join(", "))
}

/// Words that are no text to YAML, or to older versions of it.
const MISREAD: [&str; 9] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];

/// A text as YAML has it, in quotes unless it is plain in every place.
fn quoted(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && !MISREAD.contains(&text.to_ascii_lowercase().as_str());
    if is_plain { text.to_owned() } else { format!("{text:?}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_where_yaml_would_misread_them() {
        #[rustfmt::skip]
        let rows = [
            ("quay", "quay"), ("r.example.com", "r.example.com"), ("NO", "\"NO\""),
            ("localhost:8080", "\"localhost:8080\""), ("**", "\"**\""), ("true", "\"true\""), ("1", "\"1\""),
            ("a\"b", "\"a\\\"b\""), ("", "\"\""),
        ];
        for (text, expected) in rows {
            assert_eq!(quoted(text), expected);
        }
    }
}
