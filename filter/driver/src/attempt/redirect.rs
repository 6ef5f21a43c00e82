//! Handles a redirect that a backend answers with.

use portolan_core::attempt::{BackendRequest, RedirectStep, Redirection};
use portolan_core::contract::StateKey;

use crate::callback::Callback;
use crate::exchange::CONTENT_DIGEST;
use crate::redirect::{block, follow};

/// What became of a redirect of a backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handled {
    /// It is the client's.
    Passed,
    /// The proxy goes there.
    Followed,
    /// It leads to where the proxy may not go.
    Denied,
}

/// Decides what becomes of a redirect of a backend. `is_further_pass` says that the request was
/// sent on before.
pub(super) fn handle(
    own: &BackendRequest<'_>,
    is_further_pass: bool,
    call: &mut Callback<'_>,
) -> Handled {
    match &own.redirection {
        Redirection::Unwatched => Handled::Passed,
        Redirection::Passed { .. } => {
            block(call);
            // A client would leave with what is left of its request after a redirect that was
            // followed.
            if is_further_pass { Handled::Denied } else { Handled::Passed }
        }
        Redirection::Followed { key, origin, bounds } => {
            let digest = call.exchange.response_header(CONTENT_DIGEST);
            let origin = origin.clone();
            let redirect =
                RedirectStep { key, origin, target: own.target.into(), bounds: *bounds, steps: 0 };
            let is_followed = follow(&redirect, call);
            if let Some(digest) = digest.filter(|_| is_followed) {
                call.set_state(StateKey::Digest, digest);
            }
            if is_followed { Handled::Followed } else { Handled::Denied }
        }
    }
}
