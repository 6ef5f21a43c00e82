//! User names and passwords in URLs (RFC 3986, section 3.2.1). A policy has none, and whoever writes one
//! there must not find it in a log.

use std::borrow::Cow;

/// Whether a URL, or what was meant to be one, has a user name or a password before its host.
pub(crate) fn stands_in(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().is_some_and(|authority| authority.contains('@'))
}

/// A value with whatever could be a user name and a password of a URL left out.
///
/// A password may have any character in it, so everything up to the last `@` goes; without a scheme it
/// takes a colon to look like one: `a@owner` is the name of a cluster.
#[must_use]
pub fn hidden(value: &str) -> Cow<'_, str> {
    let Some((before, host)) = value.rsplit_once('@') else { return Cow::Borrowed(value) };
    let scheme = before.find("://").and_then(|at| value.get(..at.saturating_add(3)));
    match scheme {
        None if !before.contains(':') => Cow::Borrowed(value),
        scheme => Cow::Owned(format!("{}…@{host}", scheme.unwrap_or_default())),
    }
}

/// A sentence, each of its words as [`hidden`] has it.
#[must_use]
pub fn hidden_in_words(sentence: &str) -> Cow<'_, str> {
    if !sentence.contains('@') {
        return Cow::Borrowed(sentence);
    }
    let ends_word = |letter: char| letter.is_whitespace() || matches!(letter, '`' | '"' | '\'');
    Cow::Owned(sentence.split_inclusive(ends_word).map(hidden).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_before_the_host_is_hidden() {
        #[rustfmt::skip]
        let rows = [
            ("https://bob:secret@ghcr.io/x", true, "https://…@ghcr.io/x", "both"),
            ("https://token@ghcr.io", true, "https://…@ghcr.io", "a token as a name"),
            ("ftp://bob:secret@ghcr.io", true, "ftp://…@ghcr.io", "another scheme"),
            ("bob:secret@127.0.0.1:5000", true, "…@127.0.0.1:5000", "no scheme"),
            ("https://bob:p@ss@ghcr.io", true, "https://…@ghcr.io", "a password with an @"),
            ("https://bob:pa/ss@ghcr.io", false, "https://…@ghcr.io", "a password with a slash"),
            ("https://bob:pa ss@ghcr.io", true, "https://…@ghcr.io", "a password with a space"),
            ("https://s.example/a@b/{digest}", false, "https://…@b/{digest}", "a path: nobody knows"),
            ("https://ghcr.io", false, "https://ghcr.io", "none"),
            ("a@owner", true, "a@owner", "a cluster"),
            ("team/app", false, "team/app", "no URL"),
            ("", false, "", "nothing"),
        ];
        for (value, stands, expected, reason) in rows {
            assert_eq!(stands_in(value), stands, "{reason}");
            assert_eq!(hidden(value), expected, "{reason}");
        }
    }

    #[test]
    fn words_of_a_sentence() {
        let rows = [
            (
                "there is no backend `https://b:s@h`; say c@d",
                "there is no backend `https://…@h`; say c@d",
            ),
            ("a[\"https://b:s@h\"]: x", "a[\"https://…@h\"]: x"),
            ("nothing here", "nothing here"),
        ];
        for (sentence, expected) in rows {
            assert_eq!(hidden_in_words(sentence), expected);
        }
    }
}
