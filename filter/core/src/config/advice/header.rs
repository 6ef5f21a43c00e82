//! What is wrong with the name of a header.

use crate::config::header_name;

/// Why a text is no name of a geo header.
pub(crate) fn why(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let name = lower.split(':').next().unwrap_or_default().trim().replace('_', "-");
    if name != text && header_name::parse(&name).is_some() {
        return Some(format!("is no name of a header in lower case; write `{name}`"));
    }
    None
}
