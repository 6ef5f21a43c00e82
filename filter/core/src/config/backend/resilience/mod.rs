//! The fields of a backend that decide failover: timeouts, health checks, ejection, limits.

pub(crate) mod wire;

use std::time::Duration;

/// The knobs of one backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resilience {
    /// How long one attempt waits for the head of an answer before the next backend is asked.
    pub attempt_timeouts: AttemptTimeouts,
    /// How long a connection may take to come up where another backend could be asked, TLS
    /// included.
    pub connect_timeout: Duration,
    /// When the next backend is asked too while this one has not begun to answer, and whether this
    /// one is such a next backend; `None` where the policy does not say
    /// ([`Backend::hedge_after`][super::Backend::hedge_after]).
    pub hedge_after: Option<HedgeAfter>,
    /// How long an answer that has begun may stand still until it is ended.
    pub idle_timeout: Duration,
    /// How long a write may take.
    pub write_timeouts: WriteTimeouts,
    /// How the backend is asked whether it is well.
    pub health_check: HealthCheck,
    /// When requests that fail take it out, and for how long.
    pub ejection: Ejection,
    /// How much may be in flight.
    pub limits: Limits,
    /// Whether 401 and 403 to a request without credentials mean that the content is missing:
    /// GHCR and Quay hide private repositories so.
    pub hides_missing: bool,
}

/// Timeouts of an attempt, until the head of the answer; bodies take as long as they take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptTimeouts {
    /// For manifests, tags and referrers.
    pub manifests: Duration,
    /// For blobs, and for `HEAD` of anything.
    pub blobs: Duration,
    /// Where there is nobody else to ask.
    pub alone: AloneTimeouts,
}

/// Timeouts of an attempt where no other backend could be asked: those that the policy says itself.
/// `None` is [`ALONE`]: who has nobody else to ask has reason to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AloneTimeouts {
    /// For manifests, tags and referrers.
    pub manifests: Option<Duration>,
    /// For blobs, and for `HEAD` of anything.
    pub blobs: Option<Duration>,
}

/// How long a request that only one backend can answer waits for the head of the answer, if the
/// policy does not say.
pub const ALONE: Duration = Duration::from_mins(1);

/// When a read is sent to the second backend of a list too, while the first has not begun to
/// answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeAfter {
    /// After what the first backend usually takes, twice, within the driver's bounds. It is what
    /// holds where nothing is written.
    Usual,
    /// After this time.
    Fixed(Duration),
    /// Never: the backend takes no part in it, neither as the first nor as the second.
    Never,
}

impl HedgeAfter {
    /// The word for [`Self::Usual`].
    pub const USUAL: &'static str = "usual";
    /// The word for [`Self::Never`].
    pub const NEVER: &'static str = "off";
    /// The shortest time that a policy may say: with less every read would be sent twice.
    pub const SHORTEST: Duration = Duration::from_millis(100);
}

/// Timeouts of a write, from the end of its body to the end of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteTimeouts {
    /// For `PUT` and `PATCH`: the registry may be moving gigabytes in its store.
    pub content: Duration,
    /// For `POST` and `DELETE`.
    pub session: Duration,
}

/// An active health check: `GET /v2/`, where any answer below 500 means well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Between two checks.
    pub interval: Duration,
    /// For one check.
    pub timeout: Duration,
}

/// A backend that does not answer requests takes none for a while, even while its health checks
/// pass. No status of an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// So many refused connections, resets and timeouts in a row.
    pub failures: u32,
    /// How long.
    pub time: Duration,
}

/// The most that is in flight to a backend; what is more is answered with 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// TCP connections.
    pub connections: u32,
    /// Requests, in HTTP/2 several on one connection.
    pub requests: u32,
    /// Requests that wait for a connection.
    pub pending: u32,
}

impl Default for Resilience {
    fn default() -> Self {
        Self {
            attempt_timeouts: AttemptTimeouts {
                manifests: Duration::from_secs(3),
                blobs: Duration::from_secs(10),
                alone: AloneTimeouts::default(),
            },
            // So long a read waits for a registry whose packets are dropped; three round trips to
            // the other side of the world, TLS included, take less.
            connect_timeout: Duration::from_secs(1),
            hedge_after: None,
            // A client on a slow network takes a part of a buffer at a time, and Envoy's timer runs
            // meanwhile.
            idle_timeout: Duration::from_mins(2),
            write_timeouts: WriteTimeouts {
                content: Duration::from_mins(5),
                session: Duration::from_secs(10),
            },
            health_check: HealthCheck {
                interval: Duration::from_secs(2),
                timeout: Duration::from_secs(2),
            },
            ejection: Ejection { failures: 3, time: Duration::from_secs(8) },
            limits: Limits { connections: 1024, requests: 4096, pending: 1024 },
            hides_missing: false,
        }
    }
}
