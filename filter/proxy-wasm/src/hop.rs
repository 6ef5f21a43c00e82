//! The attempt phase where redirects lead: an HTTP filter of the clusters that reach those hosts.
//!
//! It has nothing to send, and looks only at where it is sent on to.

use portolan_core::attempt::is_redirect;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

use crate::{host, redirects};

/// The HTTP context of one attempt.
pub(crate) struct HopAttempt;

impl Context for HopAttempt {}

impl HttpContext for HopAttempt {
    fn on_http_response_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        if host::status().is_some_and(is_redirect) {
            redirects::settle_further();
        }
        Action::Continue
    }
}
