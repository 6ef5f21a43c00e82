//! `portolan init`: a first policy, from registries and places.
//!
//! [`policy`] writes it. What it is made of comes from options, from a person ([`ask`]), or from
//! what another program is configured with: [`list`] reads a list of registries, [`k3s`] and
//! [`containerd`] read mirrors ([`mirrors`]).

mod ask;
mod containerd;
mod file;
mod k3s;
mod list;
mod mirrors;
mod policy;

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use portolan_check as check;
use portolan_command::output::{Exit, fail, say};
use portolan_command::policy_file;
use portolan_command::replace::replace;

use self::policy::Same;

/// Arguments of `portolan init`.
#[derive(Debug, Args)]
pub(crate) struct InitArgs {
    /// A registry and its URL; may be given several times. All hold the same content under the same
    /// tags; the first is the nearest for whoever is near to none.
    #[arg(long = "registry", value_name = "NAME=URL", value_parser = pair)]
    registries: Vec<(String, String)>,
    /// Take over what another program is configured with: k3s's `registries.yaml`, containerd's
    /// `hosts.toml` or the directory with one for each registry (`certs.d`), or a list, a line
    /// `NAME URL [COUNTRIES]` for each registry.
    #[arg(long, value_name = "FILE-OR-DIRECTORY", conflicts_with = "registries")]
    from: Option<PathBuf>,
    /// Countries whose clients are nearest to a registry, such as `quay=CN,SG`; may be given
    /// several times.
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
  portolan init                                  on a terminal: asks
  portolan init --registry a=http://127.0.0.1:5001 --registry b=http://127.0.0.1:5002
  portolan init --host registry.example.com --registry ghcr=https://ghcr.io --registry quay=https://quay.io \\
    --repositories 'team/**' --near quay=CN,SG --output portolan.yaml
  portolan init --host mirror.example.com --from /etc/rancher/k3s/registries.yaml
  portolan init --host mirror.example.com --from /etc/containerd/certs.d

Exit status:
  0  the policy is written, and `portolan check --strict` accepts it
  1  what was asked for makes no good policy; the standard error says why, line by line of what it would be
  2  the command was wrong, or a file cannot be read or written";

fn pair(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(name, value)| !name.is_empty() && !value.is_empty());
    let parts = parts.map(|(name, value)| (name.to_owned(), value.to_owned()));
    parts.ok_or_else(|| "write a name, `=` and a value, such as `quay=https://quay.io`".to_owned())
}

/// A policy's text, and what of its source is not in it.
struct Made {
    text: String,
    left_out: Vec<String>,
}

/// Writes a policy that `check --strict` accepts, or says why there is none.
///
/// # Errors
///
/// `out` cannot be written.
pub(crate) fn run(arguments: &InitArgs, out: &mut impl Write) -> io::Result<Exit> {
    let mut output = arguments.output.clone();
    let made = match &arguments.from {
        Some(path) => from(path, arguments),
        None if !arguments.registries.is_empty() => Ok(of_options(arguments)),
        None if io::stdin().is_terminal() && io::stderr().is_terminal() => {
            match ask::ask(&mut io::stdin().lock(), &mut io::stderr())? {
                Ok(asked) => {
                    output.get_or_insert(asked.output);
                    Ok(plain(policy::of_same(&asked.same)))
                }
                Err(message) => Err(message),
            }
        }
        None => {
            Err("name registries with `--registry NAME=URL`, or what to take over with `--from`; \
             on a terminal it asks"
                .to_owned())
        }
    };
    let made = match made {
        Ok(made) => made,
        Err(message) => return Ok(fail(message, Exit::Unusable)),
    };
    for line in &made.left_out {
        say(format_args!("note: {line}"));
    }
    write_good(&made.text, output.as_deref(), out)
}

fn write_good(text: &str, output: Option<&Path>, out: &mut impl Write) -> io::Result<Exit> {
    let found = match policy_file::load_text(text, "<policy>") {
        Ok(policy) => check::doubts(&policy),
        Err(mistakes) => mistakes,
    };
    if !found.is_empty() {
        found.iter().for_each(say);
        return Ok(Exit::Refused);
    }
    let Some(path) = output else {
        write!(out, "{text}")?;
        return Ok(Exit::Good);
    };
    if path.exists() {
        let why = "is there already; take it away, or name another file";
        return Ok(fail(format_args!("{} {why}", path.display()), Exit::Unusable));
    }
    replace(path, text.as_bytes())?;
    Ok(Exit::Good)
}

const fn plain(text: String) -> Made {
    Made { text, left_out: Vec::new() }
}

fn of_options(arguments: &InitArgs) -> Made {
    plain(policy::of_same(&same(arguments, arguments.registries.clone(), arguments.near.clone())))
}

fn same(
    arguments: &InitArgs,
    registries: Vec<(String, String)>,
    near: Vec<(String, String)>,
) -> Same {
    Same {
        registries,
        near,
        hosts: arguments.hosts.clone(),
        repositories: arguments.repositories.clone(),
        owner: arguments.owner.clone(),
        database: arguments.database.clone(),
    }
}

/// A policy from what another program is configured with.
fn from(path: &Path, arguments: &InitArgs) -> Result<Made, String> {
    let extension = path.extension().and_then(|extension| extension.to_str());
    let found = if path.is_dir() {
        containerd::directory(path)?
    } else if extension == Some("toml") {
        containerd::file(path)?
    } else if matches!(extension, Some("yaml" | "yml")) {
        k3s::file(path)?
    } else {
        let (registries, mut near) = list::file(path)?;
        near.extend(arguments.near.iter().cloned());
        return Ok(plain(policy::of_same(&same(arguments, registries, near))));
    };
    if arguments.owner.is_some() {
        return Err("mirrors take no pushes; leave `--owner` out".to_owned());
    }
    let mirrors = mirrors::backends(found.mirrors);
    if mirrors.is_empty() {
        return Err(format!("{} names no registry with a mirror", path.display()));
    }
    let (hosts, near) = (&arguments.hosts, &arguments.near);
    let text = policy::of_mirrors(&mirrors, hosts, near, &arguments.database);
    Ok(Made { text, left_out: found.left_out })
}
