//! Every metric that Portolan counts: its name, its labels, and which values a label can have.
//!
//! The renderer makes Envoy's configuration of this list, and `docs/metrics.md` is checked against
//! it. Each value of a label comes from the policy or from a fixed set: no client and no upstream
//! can make a new one.

use super::attempt_result::AttemptResult;
use super::cache_result::CacheResult;
use super::call_result::{FetchResult, ProbeResult};
use super::fill_result::FillResult;
use super::kind::Kind;
use super::outcome::{Outcome, REFUSALS};
use crate::attempt::Why;

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The name without the prefix `portolan_`; it ends in the unit.
    pub name: &'static str,
    /// What is kept of its values.
    pub shape: Shape,
    /// The labels, in the order in which they are written.
    pub labels: &'static [Label],
}

/// What is kept of the values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Their sum.
    Counter,
    /// How many are at most as large as each of these bounds, and their sum; milliseconds.
    Histogram(&'static [u32]),
    /// The last one.
    Gauge,
}

/// A label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A front.
    Front,
    /// A region of clients.
    Region,
    /// What a request is.
    Class,
    /// How a request ended.
    Outcome,
    /// A backend.
    Backend,
    /// Whether it was the backend, or where its redirect led.
    Way,
    /// How an attempt ended.
    Result,
    /// How the fetch of a token ended.
    FetchResult,
    /// A blob store.
    Store,
    /// How a question to a blob store ended.
    ProbeResult,
    /// The first backend of a chain.
    From,
    /// The backend that answered in its place.
    To,
    /// Why the first backend did not answer.
    Why,
    /// The error code in the body of the answer.
    Code,
    /// The backend or blob store that a client was sent to.
    Target,
    /// A cache.
    Cache,
    /// A node of a cache.
    Node,
    /// What became of a request at the cache.
    Use,
    /// How the filling of a cache ended.
    Filled,
    /// The hash of the policy.
    Hash,
    /// The version of Portolan that rendered the configuration.
    Version,
}

/// What stands where a label has no value. Prometheus takes an empty label for one that is not
/// there.
pub const NO_VALUE: &str = "";

/// The values that a label can have, besides [`NO_VALUE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Names of the policy.
    Names,
    /// One for each rendered configuration.
    Constant,
    /// These.
    Fixed(Vec<&'static str>),
}

/// A request that was carried to the backend.
pub const CARRIED: &str = "carried";
/// A request that was sent on to where the backend's redirect led.
pub const FOLLOWED: &str = "followed";

impl Label {
    /// The name in Prometheus' text format.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Front => "front",
            Self::Region => "region",
            Self::Class => "class",
            Self::Outcome => "outcome",
            Self::Backend => "backend",
            Self::Way => "way",
            Self::Result | Self::FetchResult | Self::ProbeResult => "result",
            Self::Store => "store",
            Self::From => "from",
            Self::To => "to",
            Self::Why => "why",
            Self::Code => "code",
            Self::Target => "target",
            Self::Cache => "cache",
            Self::Node => "node",
            Self::Use => "use",
            Self::Filled => "filled",
            Self::Hash => "hash",
            Self::Version => "version",
        }
    }

    /// The values that it can have.
    #[must_use]
    pub fn values(self) -> Values {
        match self {
            Self::Front
            | Self::Region
            | Self::Backend
            | Self::Store
            | Self::From
            | Self::To
            | Self::Target
            | Self::Cache
            | Self::Node => Values::Names,
            Self::Hash | Self::Version => Values::Constant,
            Self::Class => Values::Fixed(Kind::ALL.map(Kind::as_str).to_vec()),
            Self::Outcome => Values::Fixed(Outcome::ALL.map(Outcome::as_str).to_vec()),
            Self::Way => Values::Fixed(vec![CARRIED, FOLLOWED]),
            Self::Result => Values::Fixed(AttemptResult::ALL.map(AttemptResult::as_str).to_vec()),
            Self::FetchResult => Values::Fixed(FetchResult::ALL.map(FetchResult::as_str).to_vec()),
            Self::ProbeResult => Values::Fixed(ProbeResult::ALL.map(ProbeResult::as_str).to_vec()),
            Self::Why => Values::Fixed(Why::WORDS.to_vec()),
            Self::Use => Values::Fixed(CacheResult::ALL.map(CacheResult::as_str).to_vec()),
            Self::Filled => Values::Fixed(FillResult::ALL.map(FillResult::as_str).to_vec()),
            Self::Code => {
                let mut codes: Vec<&'static str> = REFUSALS.iter().map(|(_, code)| *code).collect();
                codes.sort_unstable();
                codes.dedup();
                Values::Fixed(codes)
            }
        }
    }
}

const fn counter(name: &'static str, labels: &'static [Label]) -> Metric {
    Metric { name, shape: Shape::Counter, labels }
}

/// One for each request of a client, also for those that no filter saw.
pub const REQUESTS: Metric =
    counter("requests_total", &[Label::Front, Label::Region, Label::Class, Label::Outcome]);

/// One for each attempt at a backend.
pub const ATTEMPTS: Metric =
    counter("attempts_total", &[Label::Backend, Label::Way, Label::Result]);

/// One for each request that a later backend of its chain served.
pub const FALLBACKS: Metric =
    counter("fallbacks_total", &[Label::Why, Label::Region, Label::From, Label::To]);

/// One for each error of the filter's.
pub const REFUSALS_TOTAL: Metric = counter("refusals_total", &[Label::Code, Label::Front]);

/// One for each client that was sent to a backend or a blob store.
pub const REDIRECTS: Metric = counter("redirects_total", &[Label::Target, Label::Region]);

/// The bytes of the bodies that clients were sent.
pub const SENT_BYTES: Metric =
    counter("sent_bytes_total", &[Label::Region, Label::Backend, Label::Way]);

/// From the request's first byte to that of the answer.
pub const FIRST_BYTE: Metric = Metric {
    name: "first_byte_milliseconds",
    shape: Shape::Histogram(&[5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000]),
    labels: &[Label::Region, Label::Backend],
};

/// From the request's first byte to the answer's last.
pub const REQUEST_TIME: Metric = Metric {
    name: "request_milliseconds",
    shape: Shape::Histogram(&[
        10, 50, 100, 500, 1000, 5000, 10_000, 30_000, 60_000, 300_000, 1_800_000,
    ]),
    labels: &[Label::Region, Label::Class],
};

/// Which policy is served.
pub const POLICY: Metric =
    Metric { name: "policy_info", shape: Shape::Gauge, labels: &[Label::Hash, Label::Version] };

/// How many more requests a backend takes before it limits them, by its own last word.
pub const UPSTREAM_REMAINING: Metric =
    Metric { name: "upstream_remaining_requests", shape: Shape::Gauge, labels: &[Label::Backend] };

/// Of how many that is the rest.
pub const UPSTREAM_ALLOWED: Metric =
    Metric { name: "upstream_allowed_requests", shape: Shape::Gauge, labels: &[Label::Backend] };

/// One for each token that was fetched for a backend, or could not be.
pub const TOKEN_FETCHES: Metric =
    counter("token_fetches_total", &[Label::Backend, Label::FetchResult]);

/// When the token ends that was fetched last for a backend, in seconds since 1970.
pub const TOKEN_EXPIRES: Metric = Metric {
    name: "token_expires_timestamp_seconds",
    shape: Shape::Gauge,
    labels: &[Label::Backend],
};

/// One for each question to a blob store whether it has a blob.
pub const BLOB_PROBES: Metric = counter("blob_probes_total", &[Label::Store, Label::ProbeResult]);

/// What the filter counts itself, because Envoy has no record of it: what it asks other services.
pub const OF_LOOKUPS: [Metric; 3] = [TOKEN_FETCHES, TOKEN_EXPIRES, BLOB_PROBES];

/// One for each request that a cache may answer.
pub const CACHE_REQUESTS: Metric =
    counter("cache_requests_total", &[Label::Cache, Label::Node, Label::Region, Label::Use]);

/// The bytes of the bodies that clients were sent for these.
pub const CACHE_SENT_BYTES: Metric =
    counter("cache_sent_bytes_total", &[Label::Cache, Label::Node, Label::Region, Label::Use]);

/// One for each time that a node fetched content.
pub const CACHE_FILLS: Metric = counter(
    "cache_fills_total",
    &[Label::Cache, Label::Node, Label::Region, Label::Backend, Label::Filled],
);

/// The bytes of the bodies that nodes were sent.
pub const CACHE_FILL_BYTES: Metric =
    counter("cache_fill_bytes_total", &[Label::Cache, Label::Node, Label::Region, Label::Backend]);

/// Every metric.
pub const METRICS: [Metric; 18] = [
    REQUESTS,
    ATTEMPTS,
    FALLBACKS,
    REFUSALS_TOTAL,
    REDIRECTS,
    SENT_BYTES,
    FIRST_BYTE,
    REQUEST_TIME,
    POLICY,
    UPSTREAM_REMAINING,
    UPSTREAM_ALLOWED,
    TOKEN_FETCHES,
    TOKEN_EXPIRES,
    BLOB_PROBES,
    CACHE_REQUESTS,
    CACHE_SENT_BYTES,
    CACHE_FILLS,
    CACHE_FILL_BYTES,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn histograms_have_at_most_twelve_buckets() {
        for metric in METRICS {
            if let Shape::Histogram(bounds) = metric.shape {
                assert!(bounds.len() < 12, "{}: the last bucket has no bound", metric.name);
                assert!(bounds.is_sorted(), "{}", metric.name);
                assert!(metric.name.ends_with("_milliseconds"), "{}", metric.name);
            }
        }
    }

    #[test]
    fn names_say_their_unit() {
        for metric in METRICS {
            let ends = ["_total", "_milliseconds", "_info", "_requests", "_timestamp_seconds"];
            assert!(ends.iter().any(|end| metric.name.ends_with(end)), "{}", metric.name);
        }
    }
}
