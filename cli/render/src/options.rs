//! The options of a machine: everything about the rendered configuration that the policy does not
//! say.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::num::NonZeroU16;

use serde::{Deserialize, Serialize};

use super::collector::Collector;
use super::envoy_version::EnvoyVersion;
use super::limits::Limits;
use super::rate_limit_service::RateLimitUrl;

/// Everything that the rendered configuration depends on besides the policy.
#[derive(Clone, Debug)]
pub struct Options {
    /// In which form Envoy gets it.
    pub(crate) target: Target,
    /// The Envoy that will load it.
    pub(crate) envoy: EnvoyVersion,
    /// Where clients connect.
    pub(crate) listen: SocketAddr,
    /// Where clients that come by `http` are led to `https`; nowhere if there is none.
    pub(crate) http_redirect: Option<SocketAddr>,
    /// The UDP port at which clients reach HTTP/3; there is none if none is said.
    pub(crate) http3: Option<NonZeroU16>,
    /// Where the operator connects; a loopback address.
    pub(crate) admin: SocketAddr,
    /// Where metrics are scraped; nowhere if there is none.
    pub(crate) metrics: Option<SocketAddr>,
    /// Who is sent spans of requests; nobody if there is none.
    pub(crate) tracing: Option<Collector>,
    /// Of how many requests without a trace of their own there are spans, in percent.
    pub(crate) tracing_sample: u8,
    /// Who counts for several Envoys; each counts for itself alone if there is none.
    pub(crate) rate_limit_service: Option<RateLimitUrl>,
    /// The filter; without it everything goes to the first backend.
    pub(crate) filter: Option<FilterFile>,
    /// The path of the geographic database, if the policy locates clients by one.
    pub(crate) geoip_database: Option<String>,
    /// The path of the CA certificates for backends whose policy names none.
    pub(crate) system_certificates: String,
    /// The directory of the small files that say where each secret is.
    pub(crate) sds_directory: String,
    /// The directory of the files that Envoy reads again, as Envoy sees it.
    pub(crate) directory: String,
    /// What Envoy as a whole takes from clients.
    pub(crate) limits: Limits,
    /// Where the access log goes.
    pub(crate) access_log: AccessLog,
    /// Whether each worker has a socket of its own, so that a second Envoy can listen at the same
    /// address.
    pub(crate) reuse_port: bool,
    /// The fingerprint of the policy, as the filter reads it.
    pub(crate) policy: String,
}

/// In which form Envoy gets its configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Target {
    /// One file with everything in it. Another policy is another Envoy.
    #[default]
    Bootstrap,
    /// A directory of files, which Envoy reads again when they are replaced: `portolan apply`
    /// changes the policy of an Envoy that runs.
    Files,
    /// Objects for Kubernetes by which Istio configures a gateway of its own.
    Istio,
    /// Objects for Kubernetes by which Envoy Gateway configures a gateway of its own.
    EnvoyGateway,
    /// The objects of a Kubernetes cluster that serves the policy, for `kubectl apply`: those of
    /// the Helm chart.
    Kubernetes,
    /// For each node of the policy's caches a directory of files that make an Apache Traffic Server
    /// 9.2 that node.
    CacheNode,
    /// What a rate limit service (`envoyproxy/ratelimit`) reads to count the policy's
    /// `clients.limits` for several Envoys.
    RateLimitService,
}

impl Target {
    /// Whether an Envoy may have to serve two policies at once, while one replaces the other.
    pub(crate) const fn is_changed_while_envoy_runs(self) -> bool {
        matches!(self, Self::Files | Self::Istio | Self::EnvoyGateway | Self::Kubernetes)
    }

    /// Whether Envoy is told by a discovery service, and not by files of this machine.
    pub(crate) const fn is_told_by_a_service(self) -> bool {
        matches!(self, Self::Istio)
    }
}

/// The filter, as a file that Envoy loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FilterFile {
    /// What it is to Envoy.
    pub(crate) kind: FilterKind,
    /// Where Envoy finds it.
    pub(crate) path: String,
}

impl FilterFile {
    /// The filter at the listener that fills caches. In `WebAssembly` it is a file of its own
    /// beside the other one, `NAME-fill.wasm`: Envoy calls what a module exports for every part of
    /// every answer, and only this one exports what the content of a fill is checked with.
    pub(crate) fn of_fills(&self) -> Self {
        let path = match (self.kind, self.path.strip_suffix(".wasm")) {
            (FilterKind::Module, _) => self.path.clone(),
            (FilterKind::Wasm, Some(name)) => format!("{name}-fill.wasm"),
            (FilterKind::Wasm, None) => format!("{}-fill", self.path),
        };
        Self { kind: self.kind, path }
    }
}

/// What the filter is to Envoy. Both are the same code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FilterKind {
    /// A `WebAssembly` module, in a sandbox. It runs in every tested Envoy.
    #[default]
    Wasm,
    /// A native module, as fast as Envoy itself and as trusted. It runs in the official builds of
    /// one version.
    Module,
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AccessLog {
    /// The standard output, for containers.
    StandardOutput,
    /// A file, by its path.
    File(String),
}

impl AccessLog {
    /// `-` is the standard output, as everywhere.
    #[expect(clippy::unnecessary_wraps, reason = "the shape that clap wants of a parser")]
    pub(super) fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "-" => Self::StandardOutput,
            path => Self::File(path.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_of_fills_stands_beside_the_other_one() {
        let rows = [
            (FilterKind::Wasm, "/usr/share/portolan.wasm", "/usr/share/portolan-fill.wasm"),
            (FilterKind::Wasm, "portolan", "portolan-fill"),
            (FilterKind::Module, "/usr/lib/libportolan.so", "/usr/lib/libportolan.so"),
        ];
        for (kind, path, expected) in rows {
            let file = FilterFile { kind, path: path.to_owned() };
            assert_eq!(file.of_fills(), FilterFile { kind, path: expected.to_owned() });
        }
    }
}
