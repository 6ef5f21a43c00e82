//! Errors of `render`; each says who can correct it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use portolan_command::output::{Exit, complain, fail};
use portolan_command::policy_file::Diagnostic;
use portolan_core::config::Mistake;

use super::envoy_version::EnvoyVersion;
use super::node_error::NodeError;
use super::targets::files::directory_error::DirectoryError;

/// Why nothing was rendered.
#[derive(Debug)]
pub enum RenderError {
    /// The policy cannot be read or has mistakes.
    Policy(Vec<Diagnostic>),
    /// The names that are given to clusters do not go with the policy.
    Names(Vec<Mistake>),
    /// The directory of `--target files`.
    Directory(DirectoryError),
    /// `--geoip-database` for a policy that does not locate clients by one.
    DatabaseUnused,
    /// The name of the database does not end in `.mmdb`.
    DatabaseName(String),
    /// The policy reads geography from a header that Envoy keeps for itself.
    GeoHeader(String),
    /// The policy has the admin interface asked, and its port is left to the kernel.
    AdminPort,
    /// A front is scraped, and there is no listener for metrics.
    MetricsNowhere(String),
    /// The policy follows redirects, and this Envoy cannot keep them from private addresses.
    PrivateAddresses {
        /// The backend.
        backend: String,
        /// The Envoy.
        envoy: EnvoyVersion,
    },
    /// The policy has caches, and there is nothing that fills them.
    NothingFills,
    /// The nodes of caches.
    Nodes(NodeError),
    /// `--http3` for a policy that it does not go with.
    Http3(&'static str),
    /// `--http-redirect` for a policy whose fronts have no certificate.
    NowhereToLead,
    /// The native module does not run in this Envoy.
    ModuleForEnvoy(EnvoyVersion),
    /// The policy limits clients, and this Envoy cannot.
    ClientLimits(EnvoyVersion),
    /// `--target rate-limit-service` for a policy that limits nobody.
    NothingToCount,
    /// A limit that a rate limit service is to count, over a time that is none of its windows.
    RateLimitWindow {
        /// The list, of `clients.limits`.
        list: &'static str,
        /// Its place there.
        number: usize,
    },
    /// An option about an Envoy that is started with what is rendered, for a gateway that others
    /// start.
    OptionOfAnEnvoy {
        /// The option.
        option: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// An option of another target.
    OptionOfATarget {
        /// The option.
        option: &'static str,
        /// The target that has it.
        target: &'static str,
    },
    /// Options of one Envoy for `--target kubernetes`, whose pods are all alike.
    OptionsOfOneEnvoy,
    /// A file that the policy names is where no volume of a pod can be.
    NoVolume {
        /// The path of the field.
        field: String,
        /// The file.
        file: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// The policy does not fit into a `ConfigMap`.
    PolicyTooLarge {
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        most: usize,
    },
    /// The file cannot be written.
    Output {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// Nothing could be printed.
    Print(io::Error),
}

impl From<NodeError> for RenderError {
    fn from(error: NodeError) -> Self {
        Self::Nodes(error)
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(diagnostics) => {
                let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
                formatter.write_str(&lines.join("\n"))
            }
            Self::Names(mistakes) => {
                let lines: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
                formatter.write_str(&lines.join("\n"))
            }
            Self::Directory(error) => error.fmt(formatter),
            Self::NothingFills => formatter.write_str(
                "the policy has `caches`, and what this target makes has no listener that fills them; leave them out, \
                 or render for the targets `bootstrap` or `files`",
            ),
            Self::Nodes(error) => error.fmt(formatter),
            Self::GeoHeader(name) => write!(
                formatter,
                "the header `{name}` of `clients.geo.headers` is Envoy's own: what starts with \
                 `x-envoy-` is removed from every request; have your proxies set another one"
            ),
            Self::PrivateAddresses { backend, envoy } => write!(
                formatter,
                "Envoy {envoy} cannot keep the redirects of the backend `{backend}` from private \
                 addresses; render for 1.40.0, or write `followed_redirects: {{private_addresses: true}}` if \
                 nothing that the proxy reaches trusts whoever comes from inside"
            ),
            Self::ClientLimits(envoy) => write!(
                formatter,
                "Envoy {envoy} cannot count requests as `clients.limits` wants it; render for 1.40.0, or leave that out"
            ),
            Self::NothingToCount => write!(
                formatter,
                "the policy has no `clients.limits`, so that a rate limit service has nothing to count"
            ),
            Self::RateLimitWindow { list, number } => write!(
                formatter,
                "clients.limits.{list}[{number}].per: a rate limit service counts in windows of `1s`, `1m`, `1h` or \
                 `24h`; write one of these, or leave out `--rate-limit-service`"
            ),
            Self::NoVolume { field, file, why } => write!(
                formatter,
                "{field}: `{file}` cannot come from a volume: {why}; put it into a directory of its own, such as \
                 `/etc/portolan/credentials`"
            ),
            Self::PolicyTooLarge { bytes, most } => write!(
                formatter,
                "the policy has {bytes} bytes with its network files, and a ConfigMap takes {most}; have `geo` \
                 place these networks, or join them"
            ),
            Self::Output { path, source } => {
                write!(formatter, "cannot write {}: {source}", path.display())
            }
            Self::Print(error) => write!(formatter, "cannot print: {error}"),
            Self::DatabaseUnused
            | Self::DatabaseName(_)
            | Self::AdminPort
            | Self::MetricsNowhere(_)
            | Self::Http3(_)
            | Self::NowhereToLead
            | Self::ModuleForEnvoy(_)
            | Self::OptionOfAnEnvoy { .. }
            | Self::OptionOfATarget { .. }
            | Self::OptionsOfOneEnvoy => self.of_an_option(formatter),
        }
    }
}

impl RenderError {
    /// Says it on the standard error; how the command ends.
    #[must_use]
    pub fn complain(&self) -> Exit {
        let exit = match self {
            Self::Policy(diagnostics) => return complain(diagnostics),
            Self::GeoHeader(_) => Exit::Refused,
            _ => Exit::Unusable,
        };
        fail(self, exit)
    }

    /// What is wrong with an option.
    fn of_an_option(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DatabaseUnused => formatter.write_str(
                "--geoip-database is given, but the policy locates no client by a database; write \
                 `clients.geo.database` in the policy or leave the option out",
            ),
            Self::DatabaseName(path) => write!(
                formatter,
                "Envoy takes only a database whose name ends in `.mmdb`, and `{path}` does not; rename it"
            ),
            Self::AdminPort => formatter.write_str(
                "the policy, or --metrics, has the admin interface asked, so its port has to be \
                 known; write one with --admin, such as `127.0.0.1:9901`",
            ),
            Self::MetricsNowhere(front) => write!(
                formatter,
                "the front `{front}` has `metrics`, and Envoy none; write where it serves them to itself with \
                 --metrics, such as `127.0.0.1:9902`"
            ),
            Self::Http3(why) => write!(formatter, "--http3: {why}; leave it out, or change the policy"),
            Self::NowhereToLead => formatter.write_str(
                "--http-redirect leads clients to https, and no front of the policy has `tls`; write certificates, or \
                 leave the option out and let what ends TLS before Envoy redirect",
            ),
            Self::ModuleForEnvoy(envoy) => write!(
                formatter,
                "the native module does not run in Envoy {envoy}; render for 1.40.0, or leave `--filter module` out"
            ),
            Self::OptionOfAnEnvoy { option, instead } => {
                write!(formatter, "{option} is not for a gateway that others start; {instead}")
            }
            Self::OptionOfATarget { option, target } => {
                write!(
                    formatter,
                    "{option} is for `--target {target}`; leave it out or write the target"
                )
            }
            Self::OptionsOfOneEnvoy => formatter.write_str(
                "the pods of `--target kubernetes` take none of the options of one Envoy; the Helm chart \
                 (envoy/kubernetes/chart) has values for them",
            ),
            // Every other one is said above.
            _ => Ok(()),
        }
    }
}

impl std::error::Error for RenderError {}
