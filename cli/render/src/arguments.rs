//! The arguments of `portolan render`.

use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use clap::Args;
use ipnet::IpNet;
use portolan_core::config::Geo;
use serde::{Deserialize, Serialize};

use super::collector::Collector;
use super::envoy_version::EnvoyVersion;
use super::error::RenderError;
use super::fill_url::FillUrl;
use super::limits::Limits;
use super::options::{AccessLog, FilterFile, FilterKind, Options, Target};
use super::rate_limit_service::RateLimitUrl;
use super::targets::envoy_gateway::arguments::EnvoyGatewayArgs;
use super::targets::files::file_names::SECRETS;
use super::targets::istio::arguments::IstioArgs;
use super::tracing;

/// Render a policy as the configuration of an Envoy that serves it.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The policy, a YAML or JSON file.
    #[arg(env = "PORTOLAN_POLICY")]
    pub(super) policy: PathBuf,
    /// The directory of the files, for `--target files` and `--target cache-node`.
    #[arg(required_if_eq_any([("target", "files"), ("target", "cache-node")]))]
    pub(super) directory: Option<PathBuf>,
    /// In which form Envoy gets its configuration.
    #[arg(long, default_value = "bootstrap")]
    pub(super) target: Target,
    #[command(flatten)]
    pub(super) site: SiteArgs,
    #[command(flatten)]
    pub(super) istio: IstioArgs,
    #[command(flatten)]
    pub(super) envoy_gateway: EnvoyGatewayArgs,
    /// From where `portolan cache` may ask nodes what they hold and have them forget it, besides
    /// each node's own machine; for `--target cache-node`.
    #[arg(long, value_name = "PREFIX", value_delimiter = ',')]
    pub(super) cache_operators: Vec<IpNet>,
    /// Where nodes ask to be filled, such as `http://portolan-fill:8081`, if not at the address of
    /// `--cache-fill`: the URL of what leads there; for `--target cache-node`.
    #[arg(long, value_name = "URL")]
    pub(super) fill_url: Option<FillUrl>,
    /// Write the small files of the secrets to this directory. None of them holds a secret.
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "directory")]
    pub(super) sds_output: Option<PathBuf>,
    /// Print only the filter's own configuration, as JSON for an Envoy configured by hand.
    #[arg(long, conflicts_with_all = ["without_wasm", "geoip_database", "sds_output", "directory"])]
    pub(super) filter_configuration: bool,
    /// Write to this file in one step, not to the standard output. The configuration of an Envoy is
    /// JSON in a file `NAME.json`, which Envoy reads in a small part of the time.
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    pub output: Option<PathBuf>,
}

/// What is the machine's and not the policy's. `--target files` remembers it for `portolan apply`.
#[derive(Clone, Debug, Args, Serialize, Deserialize)]
pub struct SiteArgs {
    /// The version of Envoy that will load the configuration.
    #[arg(long, value_name = "VERSION", default_value = EnvoyVersion::DEFAULT, value_parser = EnvoyVersion::parse)]
    envoy: EnvoyVersion,
    /// The address that clients connect to.
    #[arg(long, value_name = "[ADDRESS]:PORT", default_value = "0.0.0.0:8080", value_parser = any_address)]
    listen: SocketAddr,
    /// The address of a listener without TLS that leads clients to https, such as `:80`; none if
    /// left out.
    #[arg(long, value_name = "[ADDRESS]:PORT", value_parser = any_address)]
    #[serde(default)]
    http_redirect: Option<SocketAddr>,
    /// Take HTTP/3 as well, at the same port of UDP, and tell clients so. A number is the port at
    /// which clients reach it, where that is another.
    #[arg(long, value_name = "PORT", num_args = 0..=1, require_equals = true, default_missing_value = "0")]
    #[serde(default)]
    http3: Option<u16>,
    /// The address of Envoy's admin interface; a loopback address.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:9901", value_parser = admin_address)]
    admin: SocketAddr,
    /// The address of a listener of its own for metrics, `GET /metrics`; none if left out.
    #[arg(long, value_name = "[ADDRESS]:PORT", value_parser = any_address)]
    metrics: Option<SocketAddr>,
    /// The address of a listener of its own at which the nodes of the policy's `caches` are filled.
    /// It answers nobody but them and this machine.
    #[arg(long, value_name = "[ADDRESS]:PORT", default_value_t = usual_fill(), value_parser = any_address)]
    #[serde(default = "usual_fill")]
    cache_fill: SocketAddr,
    /// The collector that spans of requests and attempts are sent to, OTLP over HTTP, such as
    /// `http://127.0.0.1:4318`; there are none if left out.
    #[arg(long, value_name = "URL")]
    tracing: Option<Collector>,
    /// Of how many requests there are spans, in percent, if their client sends no `traceparent`.
    #[arg(long, value_name = "PERCENT", default_value_t = tracing::EVERY, value_parser = clap::value_parser!(u8).range(0..=100), requires = "tracing")]
    #[serde(default)]
    tracing_sample: u8,
    /// The rate limit service that counts `clients.limits` for several Envoys, gRPC, such as
    /// `http://127.0.0.1:8081`; each Envoy counts for itself alone if left out.
    #[arg(long, value_name = "URL")]
    #[serde(default)]
    rate_limit_service: Option<RateLimitUrl>,
    /// Where Envoy finds the filter: a path. For `--target istio` and `envoy-gateway` also a URL,
    /// such as `oci://HOST/portolan-wasm:TAG`.
    #[arg(long, value_name = "PATH", default_value = WASM)]
    wasm: String,
    /// What the filter is to Envoy. The native module costs less, has no sandbox, and runs in the
    /// official builds of Envoy 1.40.0 alone.
    #[arg(long, value_name = "KIND", default_value = "wasm")]
    #[serde(default)]
    filter: FilterKind,
    /// Where Envoy finds the filter with `--filter module`: a path.
    #[arg(long, value_name = "PATH", default_value = MODULE)]
    #[serde(default = "usual_module")]
    module: String,
    /// Where Envoy finds the geographic database, if not where the policy says.
    #[arg(long, value_name = "PATH")]
    geoip_database: Option<String>,
    /// Where Envoy finds the CA certificates of its system, for backends without a `tls.ca_file`.
    /// The default is that of Debian, Alpine and Envoy's own images.
    #[arg(long, value_name = "PATH", default_value = "/etc/ssl/certs/ca-certificates.crt")]
    system_certificates: String,
    /// Where Envoy finds the small files that say where credentials, client certificates and
    /// private CA certificates are.
    #[arg(long, value_name = "DIRECTORY", default_value = "/etc/portolan/sds")]
    sds_directory: String,
    /// Where Envoy finds the directory of `--target files`, if it sees it elsewhere.
    #[arg(long, value_name = "DIRECTORY")]
    directory_in_envoy: Option<String>,
    #[command(flatten)]
    #[serde(flatten)]
    limits: Limits,
    /// The file of the access log, or `-` for the standard output.
    #[arg(long, value_name = "PATH", default_value = "-", value_parser = AccessLog::parse)]
    access_log: AccessLog,
    /// Leave the filter out: everything goes to the policy's first backend. For measuring what
    /// the filter costs; it serves no policy.
    #[arg(long)]
    without_wasm: bool,
    /// Leave the address to this Envoy alone: no second one can listen there. Its workers then
    /// share one socket.
    #[arg(long)]
    exclusive_port: bool,
}

/// Where the filter is, unless told.
const WASM: &str = "/etc/portolan/portolan.wasm";
/// Where the native module is, unless told.
const MODULE: &str = "/etc/portolan/libportolan.so";

/// Where nodes of caches are filled, unless told.
fn usual_fill() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8081))
}

fn usual_module() -> String {
    MODULE.to_owned()
}

impl SiteArgs {
    /// The same for an Envoy that runs on this machine. A filter that is neither named nor at its
    /// usual place is taken from `places`, the first directory that has it.
    #[must_use]
    pub fn here(mut self, places: &[PathBuf]) -> Self {
        for (path, usual) in [(&mut self.wasm, WASM), (&mut self.module, MODULE)] {
            let usual = Path::new(usual);
            let name = usual.file_name().unwrap_or_default();
            let is_missing = Path::new(path) == usual && !usual.exists();
            let found = places.iter().map(|place| place.join(name)).find(|path| path.exists());
            if let (true, Some(found)) = (is_missing, found) {
                *path = found.to_string_lossy().into_owned();
            }
        }
        self
    }

    /// The filter that is meant; none if it is left out.
    fn filter_file(&self) -> Option<FilterFile> {
        let path = match self.filter {
            FilterKind::Wasm => &self.wasm,
            FilterKind::Module => &self.module,
        };
        (!self.without_wasm).then(|| FilterFile { kind: self.filter, path: path.clone() })
    }

    /// The same for files in this directory, the secrets' among them.
    ///
    /// # Errors
    ///
    /// The directory has no absolute path, or the port of the admin interface is not known: it is
    /// asked when the policy changes.
    pub(crate) fn in_directory(mut self, directory: &Path) -> Result<Self, RenderError> {
        if self.admin.port() == 0 {
            return Err(RenderError::AdminPort);
        }
        let seen = match self.directory_in_envoy.take() {
            Some(seen) => seen,
            None => std::path::absolute(directory)
                .map_err(|source| RenderError::Output { path: directory.to_owned(), source })?
                .to_string_lossy()
                .into_owned(),
        };
        self.sds_directory = format!("{seen}/{SECRETS}");
        self.directory_in_envoy = Some(seen);
        Ok(self)
    }

    /// Whether every option has its default.
    pub(super) fn is_as_if_nothing_was_typed(&self) -> bool {
        #[derive(clap::Parser)]
        struct Nothing {
            #[command(flatten)]
            site: SiteArgs,
        }
        let nothing = <Nothing as clap::Parser>::try_parse_from(["render"]);
        let text = |site: &Self| serde_json::to_string(site).unwrap_or_default();
        nothing.is_ok_and(|nothing| text(&nothing.site) == text(self))
    }

    /// The directory of the files, as Envoy sees it.
    #[must_use]
    pub fn directory_in_envoy(&self) -> &str {
        self.directory_in_envoy.as_deref().unwrap_or_default()
    }

    /// Where metrics are scraped, if they are.
    #[must_use]
    pub const fn metrics(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// Where nodes of caches are filled.
    pub(crate) const fn cache_fill(&self) -> SocketAddr {
        self.cache_fill
    }

    /// Where the filter is.
    #[must_use]
    pub fn wasm(&self) -> &str {
        &self.wasm
    }

    /// The same with the filter elsewhere.
    pub(crate) fn with_wasm(self, wasm: &str) -> Self {
        Self { wasm: wasm.to_owned(), ..self }
    }

    /// Refuses what is Envoy's alone where a gateway is configured whose Envoy others start.
    ///
    /// # Errors
    ///
    /// The option, and what there is instead.
    pub(crate) fn check_for_a_gateway(&self) -> Result<(), RenderError> {
        let refused = [
            (self.metrics.is_some(), "--metrics", "scrape the gateway's own port for metrics"),
            (
                self.http_redirect.is_some(),
                "--http-redirect",
                "write the redirect into the objects of the mesh or the gateway",
            ),
            (self.http3.is_some(), "--http3", "its listener is made by others"),
            (
                self.tracing.is_some(),
                "--tracing",
                "switch it on with the objects of the mesh or the gateway",
            ),
            (
                self.rate_limit_service.is_some(),
                "--rate-limit-service",
                "name it in the objects of the mesh or the gateway",
            ),
            (
                self.filter == FilterKind::Module,
                "--filter module",
                "its Envoy is another build; leave it out",
            ),
            (self.without_wasm, "--without-wasm", "measure with the target `bootstrap`"),
            (self.exclusive_port, "--exclusive-port", "its listener is made by others"),
            (
                self.limits.max_connections != Limits::USUAL.max_connections,
                "--max-connections",
                "limit connections in the bootstrap of the gateway's pods",
            ),
            (
                self.limits.max_heap != Limits::USUAL.max_heap,
                "--max-heap",
                "limit the heap in the bootstrap of the gateway's pods",
            ),
        ];
        match refused.into_iter().find(|(is_typed, ..)| *is_typed) {
            Some((_, option, instead)) => Err(RenderError::OptionOfAnEnvoy { option, instead }),
            None => Ok(()),
        }
    }

    /// Where clients connect.
    #[must_use]
    pub const fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Whether no other process can listen there.
    #[must_use]
    pub const fn has_exclusive_port(&self) -> bool {
        self.exclusive_port
    }

    /// The address of the admin interface.
    #[must_use]
    pub const fn admin(&self) -> SocketAddr {
        self.admin
    }

    /// The options, for a policy that knows so (`geo`) where clients are.
    ///
    /// # Errors
    ///
    /// Options that contradict each other, or `geo`.
    pub(super) fn options(
        &self,
        geo: &Geo,
        target: Target,
        policy: String,
    ) -> Result<Options, RenderError> {
        if self.filter == FilterKind::Module && !self.envoy.runs_the_module() {
            return Err(RenderError::ModuleForEnvoy(self.envoy));
        }
        Ok(Options {
            target,
            envoy: self.envoy,
            listen: self.listen,
            http_redirect: self.http_redirect,
            http3: self.http3.and_then(|port| {
                NonZeroU16::new(port).or_else(|| NonZeroU16::new(self.listen.port()))
            }),
            admin: self.admin,
            metrics: self.metrics,
            tracing: self.tracing.clone(),
            tracing_sample: self.tracing_sample,
            rate_limit_service: self.rate_limit_service.clone(),
            filter: self.filter_file(),
            geoip_database: database(self.geoip_database.as_deref(), geo)?,
            system_certificates: self.system_certificates.clone(),
            sds_directory: self.sds_directory.clone(),
            directory: self.directory_in_envoy.clone().unwrap_or_default(),
            limits: self.limits,
            access_log: self.access_log.clone(),
            reuse_port: !self.exclusive_port,
            policy,
        })
    }
}

/// Reads `address:port`; `:8080` is that port of every IPv4 address, as other servers have it.
fn any_address(text: &str) -> Result<SocketAddr, String> {
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| {
        "write an address and a port, such as `0.0.0.0:8080` or `[::]:8080`, or a port alone: `:8080`".to_owned()
    })
}

/// The database that Envoy opens: the option's, else the policy's.
fn database(option: Option<&str>, geo: &Geo) -> Result<Option<String>, RenderError> {
    let path = match (geo, option) {
        (Geo::Database(path), None) => path.as_str(),
        (Geo::Database(_), Some(path)) => path,
        (_, Some(_)) => return Err(RenderError::DatabaseUnused),
        (_, None) => return Ok(None),
    };
    if Path::new(path).extension().is_none_or(|extension| extension != "mmdb") {
        return Err(RenderError::DatabaseName(path.to_owned()));
    }
    Ok(Some(path.to_owned()))
}

/// The admin interface has no authentication. Whoever reaches it can stop Envoy and read the
/// configuration.
///
/// # Errors
///
/// Why the text is no address that it may have.
pub fn admin_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| {
        "is not an address and a port; write one such as `127.0.0.1:9901`".to_owned()
    })?;
    if address.ip().is_loopback() {
        return Ok(address);
    }
    Err("is not a loopback address; Envoy's admin interface obeys whoever reaches it, so write \
         one such as `127.0.0.1:9901`"
        .to_owned())
}

#[cfg(test)]
mod tests;
