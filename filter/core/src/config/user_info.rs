//! User names, passwords and tokens in URLs: before the host (RFC 3986, section 3.2.1) and in the
//! query. A policy has none, and whoever writes one there must not find it in a log.

use std::borrow::Cow;

/// Whether a URL, or what was meant to be one, has a user name or a password before its host.
pub(crate) fn stands_in(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#', '\\']).next().is_some_and(|authority| authority.contains('@'))
}

/// A value with whatever could be a user name, a password or a token of a URL left out.
///
/// A password may have any character in it, so everything up to the last `@` goes; without a scheme
/// it takes a colon to look like one: `a@owner` is the name of a cluster. The query of a URL goes
/// as a whole, because signatures and tokens stand there.
#[must_use]
pub fn hidden(value: &str) -> Cow<'_, str> {
    match split(value) {
        Some((rest, _)) => Cow::Owned(format!("{}?…", without_user_info(rest))),
        None => without_user_info(value),
    }
}

/// The query of a URL without a user name or a password, if there is something in it to hide.
pub(crate) fn query(url: &str) -> Option<&str> {
    split(url).filter(|(rest, _)| without_user_info(rest) == *rest).map(|(_, query)| query)
}

/// A URL with a scheme, and its query, if that is not empty.
fn split(value: &str) -> Option<(&str, &str)> {
    let (rest, query) = value.split_once('?')?;
    let is_shown = query.is_empty() || query == "…";
    (rest.contains("://") && !is_shown).then_some((rest, query))
}

fn without_user_info(value: &str) -> Cow<'_, str> {
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
    if !sentence.contains(['@', '?']) {
        return Cow::Borrowed(sentence);
    }
    let ends_word = |letter: char| letter.is_whitespace() || matches!(letter, '`' | '"' | '\'');
    let words = sentence.split_inclusive(ends_word).map(|word| {
        let bare = word.trim_end_matches(ends_word);
        hidden(bare).into_owned() + word.get(bare.len()..).unwrap_or_default()
    });
    Cow::Owned(words.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_hidden() {
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
            ("https://ghcr.io/?token=secret", false, "https://ghcr.io/?…", "a token in the query"),
            ("https://bob:secret@ghcr.io?sig=secret", true, "https://…@ghcr.io?…", "both places"),
            ("https://ghcr.io?token=se@cret", false, "https://ghcr.io?…", "a query with an @"),
            ("https://ghcr.io?", false, "https://ghcr.io?", "an empty query"),
            ("did you mean it?", false, "did you mean it?", "no URL, and a question"),
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
            ("`https://h/x?sig=s` has a query (`?…`)", "`https://h/x?…` has a query (`?…`)"),
        ];
        for (sentence, expected) in rows {
            assert_eq!(hidden_in_words(sentence), expected);
        }
    }
}
