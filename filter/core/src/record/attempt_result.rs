//! The result of an attempt, as a label of metrics.

/// How one attempt at one backend ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// A status of 200 to 299, or 304.
    Ok,
    /// Another status of 300 to 399.
    Redirected,
    /// 404 or 410.
    Missing,
    /// 401, 402, 403 or 451.
    Refused,
    /// 429.
    Limited,
    /// Another status of 400 to 499: the request itself is wrong, or the backend takes it so.
    Rejected,
    /// A status of 500 and above.
    Failed,
    /// There was no connection to be had: no request was sent.
    Unreachable,
    /// The connection or the stream ended before the answer did.
    Reset,
    /// The answer did not begin, or did not go on, in time.
    Timeout,
    /// The backend's `limits` were reached: no request was sent.
    Overflow,
    /// The client left before there was an answer.
    Gone,
}

impl AttemptResult {
    /// Every result.
    pub const ALL: [Self; 12] = [
        Self::Ok,
        Self::Redirected,
        Self::Missing,
        Self::Refused,
        Self::Limited,
        Self::Rejected,
        Self::Failed,
        Self::Unreachable,
        Self::Reset,
        Self::Timeout,
        Self::Overflow,
        Self::Gone,
    ];

    /// The word for metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Redirected => "redirected",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unreachable => "unreachable",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Overflow => "overflow",
            Self::Gone => "gone",
        }
    }
}
