//! The details of an answer that the filter itself gives: `details` in the access log. The metrics
//! and Envoy's local replies recognise the answer by them.

/// With what the details of the filter's answers begin; no details of Envoy's do.
pub const PREFIX: &str = "portolan_";

/// The details of an answer: how the request ended, and the OCI error code or another word for the
/// answer.
#[must_use]
pub fn details(outcome: &str, code: &str) -> String {
    format!("{PREFIX}{outcome}:{code}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_say_how_it_ended_and_with_which_code() {
        assert_eq!(details("refused", "DENIED"), "portolan_refused:DENIED");
    }
}
