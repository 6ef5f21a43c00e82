//! One attempt where a redirect leads.
//!
//! There is nothing to send. The answer may be a further redirect; where nothing is delivered, the
//! request goes on to the next backend of its list.

use portolan_core::attempt::{RedirectStep, is_delivered, is_redirect};
use portolan_core::contract::{StateKey, headers};

use crate::asked::meaning_of;
use crate::callback::Callback;
use crate::redirect::{block, follow, prepare_fallback};

/// An attempt at the target of a redirect.
#[derive(Debug, Default)]
pub(crate) struct RedirectTarget {
    /// Whether the backends of the list may be asked after this.
    has_fallback: bool,
}

impl RedirectTarget {
    /// The attempt begins.
    pub(crate) fn request_headers(&mut self, call: &mut Callback<'_>) {
        self.has_fallback = prepare_fallback(call);
    }

    /// The head of the answer is there.
    pub(crate) fn response_headers(&self, call: &mut Callback<'_>) {
        let status = call.exchange.status().unwrap_or_default();
        let is_good = if is_redirect(status) {
            follow_further(call)
        } else {
            is_delivered(meaning_of(status, call))
        };
        if self.has_fallback && !is_good {
            call.set_response_header(headers::GO_ON, b"1");
        }
    }
}

/// Handles a redirect that a redirect target answered with; whether it is followed.
fn follow_further(call: &mut Callback<'_>) -> bool {
    let property = call.state(StateKey::Followed).unwrap_or_default();
    if let Some(redirect) = RedirectStep::parse(&property) {
        follow(&redirect, call)
    } else {
        block(call);
        false
    }
}
