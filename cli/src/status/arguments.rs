//! Arguments of `portolan status`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use portolan_registry_client::url::absolute;
use ureq::http::Uri;

pub(crate) const EXAMPLES: &str = "\
Examples:
  portolan status
  portolan status 10.0.0.1:9902 10.0.0.2:9902 --policy portolan.yaml
  portolan status /etc/portolan/envoy --once
  portolan status 10.0.0.1:9902 --once -o json
  portolan status 10.0.0.1:9902 --wait ready --timeout 120

Exit status:
  0  all is well; with --wait: what was waited for is so
  1  there is a problem, or no Envoy answers; with --wait: it was not so in time
  2  the command was wrong, or a file cannot be read";

/// Arguments of `portolan status`.
#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    /// The metrics listener of an Envoy (`portolan render --metrics`), or its admin interface;
    /// several for several Envoys. Or the directory of `portolan render --target files` of an Envoy
    /// of this machine, as a path with a `/`: then it is said as well since when its policy is in
    /// force, and which was before. Left out, ports 9902 and 9901 of this machine are tried.
    #[arg(value_name = "ADDRESS:PORT|DIRECTORY", value_parser = subject)]
    subjects: Vec<Subject>,
    /// The policy: it names fronts, regions and backends that nobody has asked for yet.
    #[arg(long, value_name = "FILE")]
    pub(super) policy: Option<PathBuf>,
    /// Say it once, and end.
    #[arg(long)]
    pub(super) once: bool,
    /// As text, or as JSON: one object a line.
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Output::Text)]
    pub(super) output: Output,
    /// Say nothing before it is so, and end then.
    #[arg(long, value_name = "WHAT", value_enum, conflicts_with = "once")]
    pub(super) wait: Option<Wait>,
    /// How many seconds to wait at most.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    timeout: u64,
    /// How many seconds lie between two looks. Envoy renews its times every 5 seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=3600))]
    interval: u64,
    /// A backend is slow if half of its answers take more than so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    pub(super) slow: f64,
}

/// How to say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// Tables.
    Text,
    /// JSON.
    Json,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Wait {
    /// Every Envoy serves, and no backend is down.
    Ready,
}

/// What a person names to be looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    /// An Envoy.
    Envoy(Target),
    /// A directory of files, and the Envoy that has them.
    Directory(PathBuf),
}

/// Where an Envoy is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// As it was given.
    pub(super) name: String,
    /// Without a path.
    pub(super) url: Uri,
}

/// The ports of the metrics listener and of the admin interface that the documentation uses.
const USUAL: [&str; 2] = ["127.0.0.1:9902", "127.0.0.1:9901"];

impl StatusArgs {
    /// The Envoys that were named.
    pub(super) fn envoys(&self) -> impl Iterator<Item = &Target> {
        self.subjects.iter().filter_map(|subject| match subject {
            Subject::Envoy(target) => Some(target),
            Subject::Directory(_) => None,
        })
    }

    /// The directories that were named.
    pub(super) fn directories(&self) -> impl Iterator<Item = &PathBuf> {
        self.subjects.iter().filter_map(|subject| match subject {
            Subject::Directory(path) => Some(path),
            Subject::Envoy(_) => None,
        })
    }

    /// How long to wait at most.
    pub(super) const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout)
    }

    /// How long to wait between two looks.
    pub(super) const fn pause(&self) -> Duration {
        Duration::from_secs(self.interval)
    }
}

/// Where the example of the documentation would be.
pub(super) fn usual() -> Vec<Target> {
    USUAL.iter().filter_map(|address| target(address).ok()).collect()
}

impl Target {
    /// The Envoy of this machine that listens at this address, on the loopback interface if on all.
    pub(super) fn at(address: SocketAddr) -> Option<Self> {
        let ip = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        target(&SocketAddr::new(ip, address.port()).to_string()).ok()
    }
}

fn has_scheme(text: &str) -> bool {
    text.starts_with("http://") || text.starts_with("https://")
}

fn subject(text: &str) -> Result<Subject, String> {
    let is_path = !has_scheme(text) && (text.contains('/') || text == ".");
    // `HOST:PORT/PATH` is an address with a path too many.
    let is_path = is_path && !text.split('/').next().is_some_and(|first| first.contains(':'));
    if is_path { Ok(Subject::Directory(text.into())) } else { target(text).map(Subject::Envoy) }
}

fn target(text: &str) -> Result<Target, String> {
    let url = if has_scheme(text) { text.to_owned() } else { format!("http://{text}") };
    let url = absolute(&url).filter(|url| matches!(url.path(), "/" | "") && url.query().is_none());
    let url = url.ok_or_else(|| {
        "write an address and a port, such as `127.0.0.1:9902`, or a URL without a path".to_owned()
    })?;
    Ok(Target { name: text.to_owned(), url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let rows = [
            ("127.0.0.1:9902", Some("http://127.0.0.1:9902/"), "an address"),
            ("envoy.example:9902", Some("http://envoy.example:9902/"), "a name"),
            ("[::1]:9902", Some("http://[::1]:9902/"), "IPv6"),
            ("https://envoy.example/", Some("https://envoy.example/"), "a URL"),
            ("127.0.0.1:9902/metrics", None, "the path is known"),
            ("http://u:p@envoy.example", None, "a password"),
            ("", None, "nothing"),
            ("a b", None, "no address"),
        ];
        for (text, wanted, reason) in rows {
            let found = target(text).ok().map(|target| target.url.to_string());
            assert_eq!(found.as_deref(), wanted, "{text}: {reason}");
        }
        assert_eq!(usual().len(), 2);
    }

    #[test]
    fn directories() {
        let rows = [
            ("/etc/portolan/envoy", true, "a path"),
            ("./envoy", true, "a path from here"),
            ("envoy/", true, "a path from here"),
            (".", true, "here"),
            ("127.0.0.1:9902", false, "an address"),
            ("http://envoy.example/", false, "a URL"),
        ];
        for (text, is_directory, reason) in rows {
            let found = matches!(subject(text), Ok(Subject::Directory(_)));
            assert_eq!(found, is_directory, "{text}: {reason}");
        }
        assert!(subject("127.0.0.1:9902/metrics").is_err(), "the path is known");
    }

    #[test]
    fn a_wildcard_address_is_asked_at_the_loopback_address() {
        let rows = [
            ("0.0.0.0:9902", "127.0.0.1:9902"),
            ("[::]:9902", "[::1]:9902"),
            ("10.0.0.1:9902", "10.0.0.1:9902"),
        ];
        for (address, name) in rows {
            let found = Target::at(address.parse().unwrap()).map(|target| target.name);
            assert_eq!(found.as_deref(), Some(name));
        }
    }
}
