//! The type that a field has, in the words of messages.

use std::fmt;

use crate::config::advice;
use crate::config::excerpt::excerpt;
use crate::config::user_info;

/// What belongs somewhere, and why a text is not it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'w> {
    words: &'w str,
    why: fn(&str) -> Option<String>,
}

impl<'w> Wanted<'w> {
    /// Something of which more can be said than that a text is not it.
    ///
    /// `why` is asked about texts that were refused. It goes on behind the text, as in "`ghcr.io`
    /// has no scheme; write `https://ghcr.io`".
    pub(crate) const fn explained(words: &'w str, why: fn(&str) -> Option<String>) -> Self {
        Self { words, why }
    }

    /// What to say of a text that is not it.
    pub(crate) fn refusal(&self, text: &str) -> String {
        let shown = excerpt(text);
        if text.is_empty() {
            return format!("is an empty text; write {}", self.words);
        }
        match advice::text::why(text).or_else(|| self.reason(text)) {
            Some(reason) => format!("`{shown}` {reason}"),
            None => format!("`{shown}` is not valid; write {}", self.words),
        }
    }

    /// What more there is to say of a text; nothing of one with what could be a password in it,
    /// which a reason would take apart and quote, and nothing that quotes the query of a URL.
    pub(crate) fn reason(&self, text: &str) -> Option<String> {
        let query = user_info::query(text);
        let is_harmless = query.is_some() || user_info::hidden(text) == text;
        let reason = is_harmless.then(|| (self.why)(text)).flatten()?;
        query.is_none_or(|query| !reason.contains(query)).then_some(reason)
    }
}

impl<'w> From<&'w str> for Wanted<'w> {
    fn from(words: &'w str) -> Self {
        Self { words, why: |_| None }
    }
}

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.words)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_texts_are_quoted_safely_and_cut() {
        let wanted = Wanted::from("a port");
        let text = format!("a\u{7}{}", "b".repeat(100));
        assert!(excerpt(&text).ends_with(&format!("{}…", "b".repeat(58))), "{}", excerpt(&text));
        assert_eq!(wanted.refusal("x"), "`x` is not valid; write a port");
        assert_eq!(wanted.refusal(""), "is an empty text; write a port");
        let wanted =
            Wanted::explained("a port", |text| Some(format!("has {} letters", text.len())));
        assert_eq!(wanted.refusal("xyz"), "`xyz` has 3 letters");
    }
}
