//! The outcome of a request, as a label of metrics.

use crate::reply::Reply;

/// How a request ended. Each request ends in one of these ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The first backend of its chain answered, or the owner.
    Nearest,
    /// A later backend of its chain answered.
    Fallback,
    /// The client was sent to a backend or a blob store.
    Redirected,
    /// The front answered itself: a ping, its health, a token, a file for clients, a page.
    Front,
    /// Every backend that had to be asked lacks it: 404 or 410.
    Missing,
    /// It was refused: every other status of 400 to 499, and all that the policy refuses.
    Refused,
    /// Whoever could have served it has had too many requests: 429.
    Limited,
    /// It failed: a status of 500 and above.
    Failed,
    /// The client left before the end.
    Gone,
}

/// The errors that the proxy answers with in its own words: how the request ended, and the code in
/// the body (OCI distribution spec, "Error codes"). `token_refused` is an answer of a token service
/// that is passed on; `credential_refused` is a `DENIED` that is none of the client's fault: a
/// credential of the proxy's was refused.
pub const REFUSALS: [(Outcome, &str); 18] = [
    (Outcome::Refused, "UNAUTHORIZED"),
    (Outcome::Refused, "DENIED"),
    (Outcome::Refused, "NAME_UNKNOWN"),
    (Outcome::Refused, "NAME_INVALID"),
    (Outcome::Refused, "TAG_INVALID"),
    (Outcome::Refused, "DIGEST_INVALID"),
    (Outcome::Refused, "SIZE_INVALID"),
    (Outcome::Refused, "MANIFEST_UNKNOWN"),
    (Outcome::Refused, "BLOB_UPLOAD_UNKNOWN"),
    (Outcome::Refused, "UNSUPPORTED"),
    (Outcome::Refused, "token_refused"),
    (Outcome::Refused, "credential_refused"),
    (Outcome::Missing, "MANIFEST_UNKNOWN"),
    (Outcome::Missing, "NAME_UNKNOWN"),
    (Outcome::Limited, "TOOMANYREQUESTS"),
    (Outcome::Limited, "token_refused"),
    (Outcome::Failed, "UNAVAILABLE"),
    (Outcome::Failed, "UNKNOWN"),
];

impl Outcome {
    /// Every outcome.
    pub const ALL: [Self; 9] = [
        Self::Nearest,
        Self::Fallback,
        Self::Redirected,
        Self::Front,
        Self::Missing,
        Self::Refused,
        Self::Limited,
        Self::Failed,
        Self::Gone,
    ];

    /// The word for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Fallback => "fallback",
            Self::Redirected => "redirected",
            Self::Front => "front",
            Self::Missing => "missing",
            Self::Refused => "refused",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Gone => "gone",
        }
    }

    /// What an answer of the proxy's own means. `asked` says whether a backend was asked: a 404 is
    /// then that of all backends, and else a refusal of the policy.
    #[must_use]
    pub fn of_reply(reply: &Reply, asked: bool) -> Self {
        match reply.status {
            _ if reply.code == "health" => Self::Front,
            300..=399 if reply.code == "redirect" => Self::Redirected,
            0..=399 => Self::Front,
            404 | 410 if asked => Self::Missing,
            429 => Self::Limited,
            400..=499 => Self::Refused,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, code: &'static str) -> Reply {
        Reply { status, code, headers: Vec::new(), body: String::new().into() }
    }

    #[test]
    fn own_answers() {
        #[rustfmt::skip]
        let rows = [
            (200, "ok", false, Outcome::Front, "a ping"),
            (200, "token", false, Outcome::Front, "a token"),
            (503, "health", false, Outcome::Front, "the front says how its backends are"),
            (307, "redirect", false, Outcome::Redirected, "to a backend or a blob store"),
            (307, "page", false, Outcome::Front, "a page of the front"),
            (404, "NAME_UNKNOWN", false, Outcome::Refused, "no rule serves it"),
            (404, "NAME_UNKNOWN", true, Outcome::Missing, "no backend shows it"),
            (404, "MANIFEST_UNKNOWN", true, Outcome::Missing, "no backend has it"),
            (401, "UNAUTHORIZED", false, Outcome::Refused, "log in"),
            (403, "DENIED", true, Outcome::Refused, "a registry refuses the proxy"),
            (405, "UNSUPPORTED", false, Outcome::Refused, "pull-only"),
            (429, "TOOMANYREQUESTS", true, Outcome::Limited, "of all backends"),
            (502, "UNAVAILABLE", true, Outcome::Failed, "not delivered"),
            (503, "UNAVAILABLE", true, Outcome::Failed, "not all could be asked"),
        ];
        for (status, code, asked, expected, reason) in rows {
            let found = Outcome::of_reply(&reply(status, code), asked);
            assert_eq!(found, expected, "{status} {code}: {reason}");
        }
    }

    #[test]
    fn every_outcome_has_its_own_word() {
        let words = Outcome::ALL.map(Outcome::as_str);
        for (place, word) in words.iter().enumerate() {
            assert_eq!(words.iter().position(|other| other == word), Some(place), "{word}");
        }
    }
}
