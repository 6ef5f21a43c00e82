//! The token of the proxy's own that an attempt sends.

use portolan_core::attempt::{BackendRequest, Credentials, TokenSource, all};

use crate::callback::Callback;
use crate::lookups::Found;

/// A token of the proxy's in one attempt.
#[derive(Debug)]
pub(super) struct SentToken {
    /// What it is kept under.
    pub(super) key: String,
    /// What was found; nothing as long as it is waited for.
    pub(super) found: Option<Found>,
}

/// Looks for the token that a backend is sent, or has the stream wait for it. Those of the other
/// backends of the list are fetched meanwhile, so that they are there should this attempt fail.
pub(super) fn look_for(
    own: &BackendRequest<'_>,
    source: &TokenSource<'_>,
    prepared: &[u8],
    is_alone: bool,
    call: &mut Callback<'_>,
) -> SentToken {
    let stream = call.stream;
    let (key, found) = call.look_up(|lookups, now| {
        // To read what the others are sent costs, and an only backend has no others.
        let others = (!is_alone).then(|| all(prepared)).into_iter().flatten();
        for other in others.filter(|other| other.backend != own.backend) {
            if let Credentials::Token(source) = &other.credentials {
                lookups.prefetch(other.backend, source, now);
            }
        }
        lookups.token(own.backend, source, (stream, is_alone), now)
    });
    SentToken { key, found }
}
