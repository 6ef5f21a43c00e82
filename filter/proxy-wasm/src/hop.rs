//! The attempt phase where redirects lead: an HTTP filter of the clusters that reach those hosts.
//!
//! It has nothing to send. It looks at where it is sent on to, and has the request go on to the next
//! backend of its list where nothing is delivered.

use portolan_core::attempt::{is_delivered, is_redirect};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::{attempt, host, redirects};

/// The HTTP context of one attempt.
#[derive(Default)]
pub(crate) struct HopAttempt {
    /// Whether the backends of the list may be asked after this.
    has_fallback: bool,
}

impl Context for HopAttempt {}

impl HttpContext for HopAttempt {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        self.has_fallback = redirects::prepare_fallback();
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        let status = host::status().unwrap_or_default();
        let is_good =
            if is_redirect(status) { redirects::settle_further() } else { is_delivered(status) };
        if self.has_fallback && !is_good {
            attempt::mark();
        }
        Action::Continue
    }
}
