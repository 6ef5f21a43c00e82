//! How Envoy's configuration tells one instance of the filter what it is for.

use serde_json::{Value, json};

/// What an instance of the filter does. All are one module; the plugin configuration makes the
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It decides about requests, once for each. Its configuration is the policy.
    Decide,
    /// It runs for each attempt at the backends of a list, whose keys are there in the order of the list;
    /// at one backend where no key is there. It holds no policy.
    Attempt(Vec<String>),
    /// It runs for each attempt at the target of a redirect that is followed. It holds no policy.
    RedirectTarget,
    /// It reads the forms that clients send to the token endpoint. It holds no policy.
    TokenForm,
}

const PHASE: &str = "phase";
const LIST: &str = "list";
const ATTEMPT: &str = "attempt";
const REDIRECT_TARGET: &str = "hop";
const TOKEN_FORM: &str = "token";

impl Role {
    /// The role of attempts at the backends of a list; for a single backend no name is needed.
    #[must_use]
    pub fn attempt(list: &[&str]) -> Self {
        let named = if list.len() > 1 { list } else { &[] };
        Self::Attempt(named.iter().map(ToString::to_string).collect())
    }

    /// The plugin configuration of an instance that holds no policy; `None` for the one that decides.
    #[must_use]
    pub fn configuration(&self) -> Option<String> {
        let fields = match self {
            Self::Decide => return None,
            Self::Attempt(list) if list.is_empty() => json!({PHASE: ATTEMPT}),
            Self::Attempt(list) => json!({PHASE: ATTEMPT, LIST: list}),
            Self::RedirectTarget => json!({PHASE: REDIRECT_TARGET}),
            Self::TokenForm => json!({PHASE: TOKEN_FORM}),
        };
        Some(fields.to_string())
    }

    /// Reads a plugin configuration. It is read as JSON, because hosts print it in their own way; what is
    /// none of the others is a policy, or is refused as one.
    #[must_use]
    pub fn of(configuration: &[u8]) -> Self {
        Self::without_policy(configuration).unwrap_or(Self::Decide)
    }

    fn without_policy(configuration: &[u8]) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_slice(configuration).ok()? else {
            return None;
        };
        let phase = fields.remove(PHASE)?;
        let list = fields.remove(LIST);
        if !fields.is_empty() {
            return None;
        }
        match (phase.as_str()?, list) {
            (REDIRECT_TARGET, None) => Some(Self::RedirectTarget),
            (TOKEN_FORM, None) => Some(Self::TokenForm),
            (ATTEMPT, None) => Some(Self::Attempt(Vec::new())),
            (ATTEMPT, Some(list)) => serde_json::from_value(list).ok().map(Self::Attempt),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_reads_its_own_configuration() {
        let roles = [
            Role::attempt(&["a", "b"]),
            Role::attempt(&["a"]),
            Role::RedirectTarget,
            Role::TokenForm,
        ];
        for role in roles {
            let configuration = role.configuration().unwrap();
            assert_eq!(Role::of(configuration.as_bytes()), role, "{configuration}");
        }
        assert_eq!(Role::Decide.configuration(), None);
        assert_eq!(Role::attempt(&["a"]), Role::Attempt(Vec::new()), "one backend needs no name");
    }

    #[test]
    fn hosts_print_json_in_their_own_way() {
        let rows = [
            (" { \"phase\" : \"attempt\" } ", Role::Attempt(Vec::new())),
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
            r#"{"phase":"attempt","list":"a"}"#,
            r#"{"phase":"hop","list":["a"]}"#,
            r#"{"phase":"token","list":["a"]}"#,
            r#"{"phase":1}"#,
        ] {
            assert_eq!(Role::of(other.as_bytes()), Role::Decide, "{other:?}");
        }
    }
}
