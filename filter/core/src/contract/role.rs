//! The roles of the filter, and the configuration by which Envoy gives an instance its role.

use serde_json::{Value, json};

/// What an instance of the filter does. All are one module; the plugin configuration makes the
/// difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// It decides about requests, once for each. Its configuration is the policy.
    Decide,
    /// It runs for each attempt at the backends of a list, whose keys are there in the order of the
    /// list; at one backend where no key is there. It holds no policy.
    Attempt {
        /// The keys.
        list: Vec<String>,
        /// Whether a request may have two attempts at a time.
        may_overlap: bool,
    },
    /// It runs for each attempt at the target of a redirect that is followed. It holds no policy.
    RedirectTarget,
    /// It reads the forms that clients send to the token endpoint. It holds no policy.
    TokenForm,
}

const PHASE: &str = "phase";
const LIST: &str = "list";
const OVERLAP: &str = "overlap";
const ATTEMPT: &str = "attempt";
const REDIRECT_TARGET: &str = "hop";
const TOKEN_FORM: &str = "token";

impl Role {
    /// The role of attempts at the backends of a list; for a single backend no name is needed.
    #[must_use]
    pub fn attempt(list: &[&str]) -> Self {
        let named = if list.len() > 1 { list } else { &[] };
        Self::Attempt { list: named.iter().map(ToString::to_string).collect(), may_overlap: false }
    }

    /// The role of attempts of which a request may have two at a time.
    #[must_use]
    pub fn overlapping_attempt(list: &[&str]) -> Self {
        let list = list.iter().map(ToString::to_string).collect();
        Self::Attempt { list, may_overlap: true }
    }

    /// The plugin configuration of an instance that holds no policy; `None` for the one that
    /// decides.
    #[must_use]
    pub fn configuration(&self) -> Option<String> {
        let fields = match self {
            Self::Decide => return None,
            Self::Attempt { list, .. } if list.is_empty() => json!({PHASE: ATTEMPT}),
            Self::Attempt { list, may_overlap: false } => json!({PHASE: ATTEMPT, LIST: list}),
            Self::Attempt { list, may_overlap: true } => {
                json!({PHASE: ATTEMPT, LIST: list, OVERLAP: true})
            }
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
        let list = fields.remove(LIST);
        let overlap = fields.remove(OVERLAP);
        if !fields.is_empty() {
            return None;
        }
        match (phase.as_str()?, list, overlap) {
            (REDIRECT_TARGET, None, None) => Some(Self::RedirectTarget),
            (TOKEN_FORM, None, None) => Some(Self::TokenForm),
            (ATTEMPT, None, None) => Some(Self::Attempt { list: Vec::new(), may_overlap: false }),
            (ATTEMPT, Some(list), overlap) => {
                let may_overlap = overlap.map_or(Some(false), |value| value.as_bool())?;
                let list = serde_json::from_value(list).ok()?;
                Some(Self::Attempt { list, may_overlap })
            }
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
            Role::overlapping_attempt(&["a", "b"]),
            Role::RedirectTarget,
            Role::TokenForm,
        ];
        for role in roles {
            let configuration = role.configuration().unwrap();
            assert_eq!(Role::of(configuration.as_bytes()), role, "{configuration}");
        }
        assert_eq!(Role::Decide.configuration(), None);
        assert_eq!(Role::attempt(&["a"]), Role::attempt(&[]), "one backend needs no name");
    }

    #[test]
    fn hosts_print_json_in_their_own_way() {
        let rows = [
            (" { \"phase\" : \"attempt\" } ", Role::attempt(&[])),
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
            r#"{"phase":"attempt","list":["a"],"overlap":1}"#,
            r#"{"phase":"attempt","overlap":true}"#,
            r#"{"phase":"hop","list":["a"]}"#,
            r#"{"phase":"token","list":["a"]}"#,
            r#"{"phase":1}"#,
        ] {
            assert_eq!(Role::of(other.as_bytes()), Role::Decide, "{other:?}");
        }
    }
}
