//! How the proxy's own questions ended, as the words by which they are counted.

use crate::probe::Finding;
use crate::token::{Complaint, Denial, Outcome, TokenFault};

/// Why there was no answer of the service that was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// It did not answer in time.
    Late,
    /// There was no connection, or it ended before the answer did.
    Unreachable,
}

/// How the fetch of one token ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchResult {
    /// There is a token.
    Ok,
    /// The token service refuses the credential of the proxy: it is wrong, or has ended.
    CredentialRefused,
    /// The token service gives no token for what was asked.
    Refused,
    /// The backend names a token service at another host, or the token service redirects to one.
    Astray,
    /// The token service answers that there were too many requests.
    Limited,
    /// The token service, or the backend that was asked where it is, is out of order.
    Failed,
    /// An answer that no token can be read from.
    Unreadable,
    /// No answer in time.
    Timeout,
    /// No connection, or it ended.
    Unreachable,
}

impl FetchResult {
    /// Every result.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::CredentialRefused,
        Self::Refused,
        Self::Astray,
        Self::Limited,
        Self::Failed,
        Self::Unreadable,
        Self::Timeout,
        Self::Unreachable,
    ];

    /// What came of a fetch. `silence` is why its last question had no answer, if so.
    #[must_use]
    pub const fn of(
        outcome: &Outcome,
        complaint: Option<Complaint>,
        silence: Option<Silence>,
    ) -> Self {
        match (outcome, silence) {
            (Outcome::Token { .. }, _) => Self::Ok,
            (_, Some(Silence::Late)) => Self::Timeout,
            (_, Some(Silence::Unreachable)) => Self::Unreachable,
            (Outcome::Denied(Denial::Credential), None) => Self::CredentialRefused,
            (Outcome::Denied(Denial::Access), None) => match complaint {
                Some(Complaint::RealmElsewhere | Complaint::RedirectElsewhere) => Self::Astray,
                Some(Complaint::Credential(_)) | None => Self::Refused,
            },
            (Outcome::Unavailable { why }, None) => match why {
                TokenFault::Limited(_) => Self::Limited,
                TokenFault::Status(_) => Self::Failed,
                TokenFault::TooLong
                | TokenFault::NotJson
                | TokenFault::NoToken
                | TokenFault::TokenUnusable => Self::Unreadable,
            },
        }
    }

    /// The word for metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::CredentialRefused => "credential_refused",
            Self::Refused => "refused",
            Self::Astray => "astray",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Unreadable => "unreadable",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

/// How one question to a blob store ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeResult {
    /// It has the blob.
    Present,
    /// It does not.
    Absent,
    /// It answers, and does not say: 403, a redirect, or what it does not understand.
    Unclear,
    /// It answers that there were too many requests.
    Limited,
    /// It answers that it is out of order.
    Failed,
    /// No answer in time.
    Timeout,
    /// No connection, or it ended.
    Unreachable,
}

impl ProbeResult {
    /// Every result.
    pub const ALL: [Self; 7] = [
        Self::Present,
        Self::Absent,
        Self::Unclear,
        Self::Limited,
        Self::Failed,
        Self::Timeout,
        Self::Unreachable,
    ];

    /// What came of a question with this status. `silence` is why there was no answer of the
    /// store's, if so.
    #[must_use]
    pub const fn of(status: Option<u16>, silence: Option<Silence>) -> Self {
        match (silence, Finding::of(status)) {
            (Some(Silence::Late), _) => Self::Timeout,
            (Some(Silence::Unreachable), _) => Self::Unreachable,
            (None, Finding::Present) => Self::Present,
            (None, Finding::Absent) => Self::Absent,
            (None, Finding::Unclear) => Self::Unclear,
            (None, Finding::Trouble) => match status {
                Some(429) => Self::Limited,
                Some(_) | None => Self::Failed,
            },
        }
    }

    /// The word for metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Absent => "absent",
            Self::Unclear => "unclear",
            Self::Limited => "limited",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Unreachable => "unreachable",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::token::Secret;

    #[test]
    fn every_fetch_ends_in_one_way() {
        let token = || Outcome::Token {
            value: Secret::new("t".to_owned()),
            expires_in: Duration::from_secs(1),
        };
        let denied = Outcome::Denied;
        let faulty = |why| Outcome::Unavailable { why };
        let (late, unreachable) = (Some(Silence::Late), Some(Silence::Unreachable));
        let wrong = |status| Some(Complaint::Credential(status));
        #[rustfmt::skip]
        let rows = [
            (token(), None, None, "ok"),
            (token(), wrong(401), None, "ok"),
            (denied(Denial::Credential), wrong(401), None, "credential_refused"),
            (denied(Denial::Access), None, None, "refused"),
            (denied(Denial::Access), wrong(403), None, "refused"),
            (denied(Denial::Access), Some(Complaint::RealmElsewhere), None, "astray"),
            (denied(Denial::Access), Some(Complaint::RedirectElsewhere), None, "astray"),
            (faulty(TokenFault::Limited(None)), None, None, "limited"),
            (faulty(TokenFault::Status(500)), None, None, "failed"),
            (faulty(TokenFault::Status(503)), None, None, "failed"),
            (faulty(TokenFault::Status(504)), None, None, "failed"),
            (faulty(TokenFault::Status(503)), None, unreachable, "unreachable"),
            (faulty(TokenFault::Status(504)), None, late, "timeout"),
            (faulty(TokenFault::Status(503)), wrong(401), late, "timeout"),
            (faulty(TokenFault::TooLong), None, None, "unreadable"),
            (faulty(TokenFault::NotJson), None, None, "unreadable"),
            (faulty(TokenFault::NoToken), None, None, "unreadable"),
            (faulty(TokenFault::TokenUnusable), None, None, "unreadable"),
        ];
        for (outcome, complaint, silence, expected) in rows {
            let found = FetchResult::of(&outcome, complaint, silence);
            assert_eq!(found.as_str(), expected, "{outcome:?} {complaint:?} {silence:?}");
            assert!(FetchResult::ALL.contains(&found));
        }
    }

    #[test]
    fn every_question_to_a_store_ends_in_one_way() {
        let (late, unreachable) = (Some(Silence::Late), Some(Silence::Unreachable));
        #[rustfmt::skip]
        let rows = [
            (Some(200), None, "present"), (Some(404), None, "absent"), (Some(410), None, "absent"),
            (Some(403), None, "unclear"), (Some(307), None, "unclear"), (Some(429), None, "limited"),
            (Some(500), None, "failed"), (Some(503), None, "failed"), (Some(504), None, "failed"),
            (Some(503), unreachable, "unreachable"), (Some(504), late, "timeout"),
            (None, unreachable, "unreachable"),
        ];
        for (status, silence, expected) in rows {
            let found = ProbeResult::of(status, silence);
            assert_eq!(found.as_str(), expected, "{status:?} {silence:?}");
            assert!(ProbeResult::ALL.contains(&found));
        }
    }
}
