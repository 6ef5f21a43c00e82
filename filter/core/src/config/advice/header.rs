//! Mistakes in the name of a header.

use crate::config::header_name;
use crate::config::wanted::Wanted;

/// What to write where a header name is expected.
pub(crate) const WANTED: Wanted<'static> =
    Wanted::explained("the name of a header in lower case, such as `cf-ipcountry`", why);

/// Why a text is no name of a geo header.
pub(crate) fn why(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let name = lower.split(':').next().unwrap_or_default().trim().replace('_', "-");
    if name != text && header_name::parse(&name).is_some() {
        return Some(format!("is no name of a header in lower case; write `{name}`"));
    }
    None
}
