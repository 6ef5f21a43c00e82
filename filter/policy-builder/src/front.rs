//! The fields of a front.

use serde_json::{Map, Value, json};

use crate::object::{object, strings};

/// A front that is being made.
#[derive(Clone, Debug, Default)]
pub struct Front {
    fields: Map<String, Value>,
}

object!(Front);

impl Front {
    /// A front that clients reach at these hosts.
    #[must_use]
    pub fn at<const N: usize>(hosts: [&str; N]) -> Self {
        Self::default().with("hosts", strings(hosts))
    }

    /// Its clients show passwords, which the verifier at `http://v` checks.
    #[must_use]
    pub fn passwords(self) -> Self {
        self.passwords_of("http://v")
    }

    /// Its clients show passwords, which the verifier at this URL checks.
    #[must_use]
    pub fn passwords_of(self, verifier: &str) -> Self {
        self.with("auth", json!({"basic": {"verifier": verifier}}))
    }

    /// Its clients log in to a backend.
    #[must_use]
    pub fn logins_of(self, backend: &str) -> Self {
        self.with("auth", json!({"upstream": {"login": backend}}))
    }
}
