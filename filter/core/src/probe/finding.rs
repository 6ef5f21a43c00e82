//! The result of a probe: a blob store's answer to `HEAD`.

/// Whether a store has a blob, as far as a request may rely on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It has it.
    Present,
    /// It does not.
    Absent,
    /// It could not be asked, or did not say.
    Unknown,
}

/// What came of one question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The blob is there.
    Present,
    /// It is not.
    Absent,
    /// The store is well and does not say: it refuses, redirects, or does not understand.
    Unclear,
    /// The store is in trouble or cannot be reached.
    Trouble,
}

impl Finding {
    /// Reads a status; `None` where there was none.
    ///
    /// Only 404 and 410 mean absent. Envoy makes an answer of its own of a store that cannot be
    /// reached (503) or is too late (504), and a bucket that may not be listed answers 403 for what
    /// it lacks: neither is an answer about the blob.
    #[must_use]
    pub const fn of(status: Option<u16>) -> Self {
        match status {
            Some(200..=299) => Self::Present,
            Some(404 | 410) => Self::Absent,
            Some(429 | 500..) | None => Self::Trouble,
            Some(_) => Self::Unclear,
        }
    }

    /// What follows for those who waited.
    #[must_use]
    pub const fn presence(self) -> Presence {
        match self {
            Self::Present => Presence::Present,
            Self::Absent => Presence::Absent,
            Self::Unclear | Self::Trouble => Presence::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        use Finding::{Absent, Present, Trouble, Unclear};
        #[rustfmt::skip]
        let rows = [
            (Some(200), Present, "there"),
            (Some(206), Present, "there"),
            (Some(404), Absent, "not there"),
            (Some(410), Absent, "not there any more"),
            (Some(403), Unclear, "a bucket that may not be listed"),
            (Some(401), Unclear, "a bucket that is not public"),
            (Some(400), Unclear, "a digest that it does not understand"),
            (Some(307), Unclear, "perhaps elsewhere"),
            (Some(405), Unclear, "no HEAD here"),
            (Some(429), Trouble, "too many questions"),
            (Some(500), Trouble, "an error"),
            (Some(503), Trouble, "Envoy's own: not reached"),
            (Some(504), Trouble, "Envoy's own: too late"),
            (None, Trouble, "no answer"),
        ];
        for (status, expected, reason) in rows {
            let found = Finding::of(status);
            assert_eq!(found, expected, "{status:?}: {reason}");
            let known = matches!(found.presence(), Presence::Present | Presence::Absent);
            assert_eq!(known, matches!(expected, Present | Absent), "{status:?}");
        }
    }
}
