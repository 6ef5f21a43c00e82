//! A value, shortened for messages.

use crate::config::user_info;

/// At most the first 60 characters of a value, with `…` where it goes on, so that a message stays
/// one line; and nothing that could be a password in a URL.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown = user_info::hidden(text);
    let start = shown.chars().take(LONGEST).flat_map(char::escape_debug);
    let end = shown.chars().nth(LONGEST).map(|_| '…');
    start.chain(end).collect()
}
