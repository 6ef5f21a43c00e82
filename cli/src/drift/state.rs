//! How a replica is beside the first that has an image.

use serde::Serialize;

/// How a replica is. Derived order: the last is the worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum State {
    /// It has what the first has.
    Same,
    /// It could not be asked.
    Unknown,
    /// It has no such tag.
    Missing,
    /// It has something else.
    Differs,
}

impl State {
    /// The word for it, as in the JSON.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Unknown => "unknown",
            Self::Missing => "missing",
            Self::Differs => "differs",
        }
    }
}
