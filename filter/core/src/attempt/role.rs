//! How Envoy's configuration tells one instance of the filter that it is the attempt phase.

use serde_json::{Value, json};

/// What an instance of the attempt phase runs for. It holds no policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// The attempts at the backends of a list, which are named in the order of the list; at one backend
    /// where no name is there.
    Attempt(Vec<String>),
    /// The attempts where a redirect leads: there is no backend any more.
    Hop,
}

const PHASE: &str = "phase";
const LIST: &str = "list";
const ATTEMPT: &str = "attempt";

/// The plugin configuration of the attempts where redirects lead.
pub const HOP_CONFIGURATION: &str = r#"{"phase":"hop"}"#;

/// The plugin configuration of the attempts at the backends of a list; for a single backend no name is
/// needed.
#[must_use]
pub fn configuration(list: &[&str]) -> String {
    let mut fields = json!({PHASE: ATTEMPT});
    if let (Some(fields), true) = (fields.as_object_mut(), list.len() > 1) {
        fields.insert(LIST.to_owned(), list.into());
    }
    fields.to_string()
}

impl Role {
    /// Reads a plugin configuration; `None` for one that is not of the attempt phase. It is read as
    /// JSON, because hosts print it in their own way.
    #[must_use]
    pub fn read(json: &[u8]) -> Option<Self> {
        let Value::Object(mut fields) = serde_json::from_slice(json).ok()? else { return None };
        let phase = fields.remove(PHASE)?;
        let list = fields.remove(LIST);
        if !fields.is_empty() {
            return None;
        }
        match (phase.as_str()?, list) {
            ("hop", None) => Some(Self::Hop),
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
    fn only_its_own_configuration_asks_for_the_attempt_phase() {
        let read = |text: &str| Role::read(text.as_bytes());
        let list = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(read(&configuration(&["a", "b"])), Some(Role::Attempt(list)));
        assert_eq!(read(&configuration(&["a"])), Some(Role::Attempt(Vec::new())));
        assert_eq!(read(HOP_CONFIGURATION), Some(Role::Hop));
        assert_eq!(read("{\"phase\": \"hop\"}"), Some(Role::Hop));
        assert_eq!(read(" { \"phase\" : \"attempt\" } "), Some(Role::Attempt(Vec::new())));
        for other in [
            "",
            "{}",
            "attempt",
            "[]",
            r#"{"phase":"attempt","version":1}"#,
            r#"{"phase":"attempt","list":"a"}"#,
            r#"{"phase":"hop","list":["a"]}"#,
            r#"{"phase":1}"#,
        ] {
            assert_eq!(read(other), None, "{other:?}");
        }
    }
}
