//! The fields of a backend.

use serde_json::{Map, Value, json};

use crate::object::object;

/// A backend that is being made.
#[derive(Clone, Debug, Default)]
pub struct Backend {
    fields: Map<String, Value>,
}

object!(Backend);

impl Backend {
    /// A backend with this URL.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self::default().with("url", url)
    }

    /// It calls repositories by another prefix than the front does. May be said more than once.
    #[must_use]
    pub fn names(mut self, front: &str, backend: &str) -> Self {
        let names = self.fields.entry("names").or_insert_with(|| json!([]));
        if let Some(names) = names.as_array_mut() {
            names.push(json!({"front": front, "backend": backend}));
        }
        self
    }

    /// It wants tokens, and names the token service by itself.
    #[must_use]
    pub fn tokens(self) -> Self {
        self.with("auth", "token")
    }

    /// It wants tokens of this token service.
    #[must_use]
    pub fn tokens_of(self, realm: &str, service: &str) -> Self {
        self.with("auth", json!({"token": {"realm": realm, "service": service}}))
    }

    /// It wants a password, and the proxy shows it this credential.
    #[must_use]
    pub fn basic(self, credential: &str) -> Self {
        self.with("auth", "basic").credential(credential)
    }

    /// The proxy shows it this credential.
    #[must_use]
    pub fn credential(self, name: &str) -> Self {
        self.with("credential", name)
    }

    /// The proxy follows its redirects, in every region, to these hosts.
    #[must_use]
    pub fn followed_to<const N: usize>(self, hosts: [&str; N]) -> Self {
        self.with("redirect_handling", "follow")
            .with("followed_redirects", json!({"hosts": hosts.to_vec()}))
    }
}
