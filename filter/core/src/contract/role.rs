//! The roles of the filter, and the configuration by which Envoy gives an instance its role.

use serde_json::{Value, json};

/// What an instance of the filter does. All are one module; the plugin configuration makes the
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It decides about requests, once for each. Its configuration is the policy.
    Decide,
    /// It runs for each attempt at a backend, whichever list that is in. It holds no policy: what
    /// it needs to know is noted in the request.
    Attempt,
    /// It runs for each attempt at the target of a redirect that is followed. It holds no policy.
    RedirectTarget,
    /// It reads the forms that clients send to the token endpoint. It holds no policy.
    TokenForm,
}

const PHASE: &str = "phase";
const ATTEMPT: &str = "attempt";
const REDIRECT_TARGET: &str = "hop";
const TOKEN_FORM: &str = "token";

impl Role {
    /// The plugin configuration of an instance that holds no policy; `None` for the one that
    /// decides.
    #[must_use]
    pub fn configuration(&self) -> Option<String> {
        let fields = match self {
            Self::Decide => return None,
            Self::Attempt => json!({PHASE: ATTEMPT}),
            Self::RedirectTarget => json!({PHASE: REDIRECT_TARGET}),
            Self::TokenForm => json!({PHASE: TOKEN_FORM}),
        };
        Some(fields.to_string())
    }

    /// Reads a plugin configuration. It is read as JSON, because hosts print it in their own way;
    /// what is none of the others is a policy, or is refused as one.
    #[must_use]
    pub fn of(configuration: &[u8]) -> Self {
        Self::without_policy(configuration).unwrap_or(Self::Decide)
    }

    fn without_policy(configuration: &[u8]) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_slice(configuration).ok()? else {
            return None;
        };
        let phase = fields.remove(PHASE)?;
        if !fields.is_empty() {
            return None;
        }
        match phase.as_str()? {
            ATTEMPT => Some(Self::Attempt),
            REDIRECT_TARGET => Some(Self::RedirectTarget),
            TOKEN_FORM => Some(Self::TokenForm),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_reads_its_own_configuration() {
        for role in [Role::Attempt, Role::RedirectTarget, Role::TokenForm] {
            let configuration = role.configuration().unwrap();
            assert_eq!(Role::of(configuration.as_bytes()), role, "{configuration}");
        }
        assert_eq!(Role::Decide.configuration(), None);
    }

    #[test]
    fn hosts_print_json_in_their_own_way() {
        let rows = [
            (" { \"phase\" : \"attempt\" } ", Role::Attempt),
            ("{\"phase\": \"hop\"}", Role::RedirectTarget),
            (" { \"phase\" : \"token\" } ", Role::TokenForm),
        ];
        for (text, expected) in rows {
            assert_eq!(Role::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_is_a_policy() {
        for other in [
            "",
            "{}",
            "attempt",
            "token",
            "[]",
            r#"{"version":1}"#,
            r#"{"phase":"attempt","version":1}"#,
            r#"{"phase":"attempt","list":["a"]}"#,
            r#"{"phase":"other"}"#,
            r#"{"phase":1}"#,
        ] {
            assert_eq!(Role::of(other.as_bytes()), Role::Decide, "{other:?}");
        }
    }
}
