//! What becomes of a request, of one of its attempts, and of an answer to one.

use super::policies::DIGEST;

/// Where a request is, or what its client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It waits for a fact.
    Waits,
    /// It goes to a cluster.
    Forwarded { cluster: String },
    /// The client gets an answer of the proxy's own, with the details that the access log has.
    Replied { status: String, details: String },
    /// The client gets the status that came.
    Unchanged { status: String },
}

pub(super) fn forwarded(cluster: &str) -> End {
    End::Forwarded { cluster: cluster.to_owned() }
}

pub(super) fn replied(status: &str, details: &str) -> End {
    End::Replied { status: status.to_owned(), details: details.to_owned() }
}

pub(super) fn unchanged(status: &str) -> End {
    End::Unchanged { status: status.to_owned() }
}

impl End {
    /// Whether the client gets an answer of the proxy's own with this status.
    pub(super) fn is_reply_of(&self, expected: &str) -> bool {
        matches!(self, Self::Replied { status, .. } if status == expected)
    }
}

/// What becomes of the answer to an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answered {
    /// It is the client's.
    ForClient { status: String },
    /// The next backend is asked: Envoy retries at this cluster; at the same one if the name is
    /// empty.
    Retried { cluster: String },
    /// The proxy follows the redirect, by a cluster for its target.
    Followed { location: String, cluster: String },
}

pub(super) fn for_client(status: &str) -> Answered {
    Answered::ForClient { status: status.to_owned() }
}

pub(super) fn retried_at(cluster: &str) -> Answered {
    Answered::Retried { cluster: cluster.to_owned() }
}

pub(super) fn followed(location: &str, cluster: &str) -> Answered {
    Answered::Followed { location: location.to_owned(), cluster: cluster.to_owned() }
}

/// Where an attempt is, or what its backend gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Attempted {
    /// It waits for its token.
    Waits,
    /// Its backend is not asked; the answer is the proxy's own.
    Replied { status: u16 },
    /// Its backend gets the request.
    Asked(Asked),
}

/// What a backend gets. A digest in the path is written as `DIGEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) path: String,
    /// `Authorization`, as the attempt has set it.
    pub(super) authorization: Option<String>,
    /// The credential that Envoy injects.
    pub(super) credential: Option<String>,
}

/// The backend is asked, without credentials.
pub(super) fn asked_for(path: &str) -> Attempted {
    Attempted::Asked(Asked {
        path: path.replace(DIGEST, "DIGEST"),
        authorization: None,
        credential: None,
    })
}

impl Attempted {
    pub(super) fn with_token(self, token: &str) -> Self {
        let authorization = Some(format!("Bearer {token}"));
        match self {
            Self::Asked(asked) => Self::Asked(Asked { authorization, ..asked }),
            other => other,
        }
    }

    pub(super) fn with_credential(self, name: &str) -> Self {
        let credential = Some(name.to_owned());
        match self {
            Self::Asked(asked) => Self::Asked(Asked { credential, ..asked }),
            other => other,
        }
    }
}
