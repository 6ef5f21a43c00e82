//! How the filling of a cache ended, as the word by which fills are counted.

/// How one `GET` of a node that has not the content ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FillResult {
    /// The whole content was sent, and it was what its digest names.
    Ok,
    /// A part of the content was sent, or a status without any: a node passes it on and keeps none
    /// of it.
    Part,
    /// It was other content than the digest names: the answer was cut.
    Wrong,
    /// The registry's answer ended before its end.
    Cut,
    /// The node left before the end.
    Gone,
    /// The registry redirects, and the redirect is not followed: a node keeps none.
    Redirected,
    /// No registry of the chain has it.
    Missing,
    /// It was refused: every other status of 400 to 499, and what the policy does not serve.
    Refused,
    /// The registries have had too many requests.
    Limited,
    /// It failed: a status of 500 and above.
    Failed,
}

impl FillResult {
    /// Every result.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Part,
        Self::Wrong,
        Self::Cut,
        Self::Gone,
        Self::Redirected,
        Self::Missing,
        Self::Refused,
        Self::Limited,
        Self::Failed,
    ];

    /// The word for metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Part => "part",
            Self::Wrong => "wrong",
            Self::Cut => "cut",
            Self::Gone => "gone",
            Self::Redirected => "redirected",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
        }
    }
}
