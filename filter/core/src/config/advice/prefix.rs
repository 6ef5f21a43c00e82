//! Mistakes in the prefix of repository names.

use crate::grammar::is_repository_prefix;

/// Why a text is no prefix of names.
pub(crate) fn why(text: &str) -> Option<String> {
    if let Some(start) = text.strip_suffix("**").or_else(|| text.strip_suffix('*'))
        && is_repository_prefix(start)
    {
        return Some(format!("is a glob; write the prefix `{start}`"));
    }
    let with_slash = format!("{}/", text.trim_matches('/'));
    let reason =
        if text.ends_with('/') { "is no start of a name" } else { "has no `/` at its end" };
    is_repository_prefix(&with_slash).then(|| format!("{reason}; write `{with_slash}`"))
}
