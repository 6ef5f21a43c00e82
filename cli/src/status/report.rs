//! What is printed: the names of the fields are those of the JSON, which docs/status.md describes.
//! They stay as long as [`VERSION`] does.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::instance::ServerState;

/// The version of the JSON.
pub(super) const VERSION: u32 = 1;

/// How everything is, at one moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    /// [`VERSION`].
    pub(super) version: u32,
    /// When, as in RFC 3339.
    pub(super) at: String,
    /// How long numbers were watched for what is "a second" here; 0 if they were read only once.
    pub(super) window_seconds: f64,
    /// All in one word.
    pub(super) status: Overall,
    /// The Envoys that were asked.
    pub(super) instances: Vec<Instance>,
    /// The directories of files that were named.
    pub(super) directories: Vec<Directory>,
    /// The fronts.
    pub(super) fronts: Vec<Front>,
    /// The regions of clients.
    pub(super) regions: Vec<Region>,
    /// The backends.
    pub(super) backends: Vec<Backend>,
    /// What is not as it should be.
    pub(super) problems: Vec<Problem>,
}

/// All in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Overall {
    /// There is no problem.
    Ok,
    /// There is one.
    Degraded,
    /// No backend is up.
    Down,
    /// No Envoy answers.
    Unknown,
}

/// One Envoy.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Instance {
    /// Its address, as it was given.
    pub(super) address: String,
    /// What it does.
    pub(super) state: ServerState,
    /// The hash of the policy that it serves.
    pub(super) policy: Option<String>,
    /// How long ago it was started.
    pub(super) uptime_seconds: Option<f64>,
    /// Days until the first of its certificates ends.
    pub(super) certificate_days: Option<f64>,
    /// Why it does not answer.
    pub(super) error: Option<String>,
}

/// One directory of `portolan render --target files`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Directory {
    /// Where it is, as it was given.
    pub(super) path: String,
    /// The fingerprint of the policy that was put in force last.
    pub(super) policy: String,
    /// When that was, as in RFC 3339.
    pub(super) since: String,
    /// Whether a change was stopped in its midst since.
    pub(super) unfinished: bool,
    /// The policies that were in force before, the latest first.
    pub(super) before: Vec<Before>,
}

/// A policy that was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Before {
    pub(super) policy: String,
    /// Since when it was so.
    pub(super) since: String,
}

/// One front.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Front {
    pub(super) name: String,
    pub(super) requests_per_second: f64,
    /// What became of them, by outcome.
    pub(super) outcomes_per_second: BTreeMap<String, f64>,
}

/// The clients of one region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Region {
    pub(super) name: String,
    pub(super) requests_per_second: f64,
    /// The backends that are first in a chain for them, if the policy was given.
    pub(super) nearest: BTreeSet<String>,
    /// Who answered them.
    pub(super) served_by: Vec<Share>,
    /// The share of requests that failed, between 0 and 1.
    pub(super) failed: Option<f64>,
    /// Where another backend than the nearest answered.
    pub(super) fallbacks: Vec<Fallback>,
}

/// A part of the requests of a region.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Share {
    pub(super) backend: String,
    /// Between 0 and 1.
    pub(super) share: f64,
}

/// Requests that another backend answered.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Fallback {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) why: String,
    pub(super) per_second: f64,
}

/// One backend.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Backend {
    pub(super) name: String,
    pub(super) state: BackendState,
    /// Since when it is well or not well; `None` if it was so when the command began to watch.
    pub(super) since: Option<String>,
    /// The share of attempts that it answered, between 0 and 1.
    pub(super) success: Option<f64>,
    pub(super) attempts_per_second: f64,
    /// What became of attempts, by result.
    pub(super) results_per_second: BTreeMap<String, f64>,
    /// The time to the first byte that half of the requests did not exceed.
    pub(super) p50_seconds: Option<f64>,
    /// That 95 of 100 did not exceed.
    pub(super) p95_seconds: Option<f64>,
    /// Requests that it should have answered and others did.
    pub(super) fallbacks_per_second: f64,
    /// What it says is left of its rate limit.
    pub(super) limit_remaining: Option<f64>,
    /// Whether requests had the proxy's credential for it; `None` if none should have.
    pub(super) credential: Option<CredentialState>,
}

/// What became of the proxy's credential for a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum CredentialState {
    /// Requests have it.
    Sent,
    /// Requests go out without it.
    Missing,
}

impl CredentialState {
    /// The word for it, as in the JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Missing => "missing",
        }
    }
}

/// How a backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum BackendState {
    /// It passes its health checks, and answers.
    Up,
    /// It answers, and late.
    Slow,
    /// It passes its health checks, and attempts at it fail.
    Failing,
    /// Some Envoys hold it for up and others for down.
    PartlyDown,
    /// No Envoy asks it: health checks fail, or too many requests got no answer.
    Down,
    /// Nobody says.
    Unknown,
}

impl BackendState {
    /// Whether there is nothing to complain about.
    pub(super) const fn is_well(self) -> bool {
        matches!(self, Self::Up | Self::Unknown)
    }

    /// The word for it, as in the JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Slow => "slow",
            Self::Failing => "failing",
            Self::PartlyDown => "partly-down",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Problem {
    pub(super) kind: ProblemKind,
    /// The backend that it is about.
    pub(super) backend: Option<String>,
    /// The Envoy that it is about.
    pub(super) instance: Option<String>,
    /// The regions whose clients notice it.
    pub(super) regions: BTreeSet<String>,
    /// Since when; `None` if it was there when the command began to watch.
    pub(super) since: Option<String>,
    /// In a sentence.
    pub(super) text: String,
    /// The page of the documentation that helps.
    pub(super) page: &'static str,
}

/// What kind of problem it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ProblemKind {
    InstanceUnreachable,
    InstanceNotReady,
    PoliciesDiffer,
    PolicyRefused,
    PolicyStale,
    BackendDown,
    BackendFailing,
    BackendSlow,
    BackendRefuses,
    BackendLimits,
    TokenServiceFails,
    RegionFails,
    RegionServedFromAfar,
    LimitNearlyUsed,
    CertificateEnds,
    CertificateRefused,
    CredentialMissing,
}
