//! One request, several attempts: what each attempt sends, and what its backend answered.
//!
//! Envoy repeats a request at the next backend of a list by itself; all attempts share one set
//! of headers, so the second starts with what the first left. The downstream phase therefore
//! prepares, once, what every backend is to be sent; the attempt phase picks its backend's part
//! and nothing else. It holds no policy and cannot disagree with the decision.
//!
//! In the other direction the attempt phase notes what each backend answered, since Envoy
//! keeps only the last answer.

mod answers;
mod client_credentials;
mod credentials;
mod prepared;
mod redirect;
mod retry;
mod verdict;

pub use answers::{Answer, Answers, Shown};
pub use client_credentials::{for_operator, tag_of};
pub use credentials::{Credentials, TokenSource, credentials};
pub use prepared::{Prepared, all, only, select};
pub use redirect::{Astray, Bounds, Hop, Redirection, is_delivered, is_for_delivery, is_redirect};
pub use retry::{Refusals, Retry};
pub use verdict::{Case, Trouble, Verdict, is_doubtful, judge};

use crate::config::Document;

/// The plugin configuration of the attempt phase. It holds no policy.
pub const CONFIGURATION: &str = r#"{"phase":"attempt"}"#;

/// The plugin configuration of the attempt phase where redirects lead: there is no backend any more.
pub const HOP_CONFIGURATION: &str = r#"{"phase":"hop"}"#;

/// Whether a plugin configuration asks for the attempt phase. It is compared as JSON, because
/// hosts print it in their own way.
#[must_use]
pub fn is_configuration(json: &[u8]) -> bool {
    is_the_same(json, CONFIGURATION)
}

/// Whether it asks for the attempt phase where redirects lead.
#[must_use]
pub fn is_hop_configuration(json: &[u8]) -> bool {
    is_the_same(json, HOP_CONFIGURATION)
}

fn is_the_same(json: &[u8], wanted: &str) -> bool {
    let read = |json| serde_json::from_slice::<Document>(json).ok();
    let wanted = read(wanted.as_bytes());
    wanted.is_some() && read(json) == wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_configuration_asks_for_the_attempt_phase() {
        assert!(is_configuration(CONFIGURATION.as_bytes()));
        assert!(is_hop_configuration(b"{\"phase\": \"hop\"}"));
        assert!(!is_configuration(HOP_CONFIGURATION.as_bytes()));
        assert!(is_configuration(b" { \"phase\" : \"attempt\" } "));
        for other in [&b""[..], b"{}", b"attempt", b"{\"phase\":\"attempt\",\"version\":1}"] {
            assert!(!is_configuration(other) && !is_hop_configuration(other), "{other:?}");
        }
    }
}
