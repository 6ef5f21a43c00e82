//! Whether an attempt is at a later backend of the chain than the first, and why.

use super::answers::{Answer, Answers};
use crate::contract::{clusters, name_of};

/// Why the first backend of a chain is not the one that is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Envoy knew it to be down, and nobody asked it.
    Skipped,
    /// It was asked, and has not begun to answer yet.
    Late,
    /// It was asked, and this is what it answered.
    Answered(Answer),
}

/// With what the property begins that says why; nothing begins so where the first backend is asked.
pub const LATER: &str = "+";

impl Why {
    /// Every word of [`Self::as_str`].
    pub const WORDS: [&'static str; 8] =
        ["skipped", "late", "missing", "refused", "limited", "failed", "silent", "astray"];

    /// The word for logs and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Late => "late",
            Self::Answered(Answer::Missed) => "missing",
            Self::Answered(Answer::Refused) => "refused",
            Self::Answered(Answer::Limited(_)) => "limited",
            Self::Answered(Answer::Failed(_) | Answer::Again) => "failed",
            Self::Answered(Answer::Silent) => "silent",
            Self::Answered(Answer::RedirectDenied) => "astray",
        }
    }
}

/// The name of the first backend of the chain, where this attempt is at another one; `None` where
/// it is at the first. A cache is none of them. `before` is what others have answered.
#[must_use]
pub fn passed_over<'a>(
    list: &'a [String],
    backend: &str,
    before: &Answers,
) -> Option<(&'a str, Why)> {
    if clusters::is_cache(backend) {
        return None;
    }
    let mut registries = list.iter().filter(|key| !clusters::is_cache(key));
    let first = registries.next().map(|key| name_of(key)).filter(|first| *first != backend)?;
    Some((first, before.of(first).map_or(Why::Skipped, Why::Answered)))
}

/// Those backends before this one in the list that nobody asked: Envoy knew them to be down.
pub fn skipped<'a>(
    list: &'a [String],
    backend: &str,
    before: &Answers,
) -> impl Iterator<Item = &'a str> {
    let earlier = list.iter().map(|key| name_of(key)).take_while(move |name| *name != backend);
    earlier.filter(|name| before.of(name).is_none())
}

#[cfg(test)]
mod tests {
    use super::super::wait::Wait;
    use super::*;

    #[test]
    fn a_later_backend_says_why_the_first_is_not_asked() {
        let (failed, limited) = (Answer::Failed(Wait::UNKNOWN), Answer::Limited(Wait::UNKNOWN));
        #[rustfmt::skip]
        let rows = [
            ("a b", "a", None, None, "the first"),
            ("a b", "a", Some(failed), None, "the first once more"),
            ("a b", "b", None, Some("skipped"), "known to be down"),
            ("a b", "b", Some(Answer::Missed), Some("missing"), ""),
            ("a b", "b", Some(Answer::Refused), Some("refused"), ""),
            ("a b", "b", Some(limited), Some("limited"), ""),
            ("a b", "b", Some(failed), Some("failed"), ""),
            ("a b", "b", Some(Answer::Again), Some("failed"), "for now"),
            ("a b", "a", Some(Answer::Again), None, "the first, with another token"),
            ("a b", "b", Some(Answer::Silent), Some("silent"), ""),
            ("a b c", "c", Some(Answer::RedirectDenied), Some("astray"), ""),
            ("cache@eu a b", "cache@eu", None, None, "a cache is no backend that passes another one over"),
            ("cache@eu a b", "a", None, None, "nor is it passed over"),
            ("cache@eu a b", "b", Some(Answer::Missed), Some("missing"), "the first registry"),
            ("", "a", None, None, "one backend has no list"),
        ];
        for (list, backend, answer, expected, reason) in rows {
            let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            let mut before = Answers::default();
            if let Some(answer) = answer {
                before.note("a", answer);
            }
            let found = passed_over(&list, backend, &before);
            let expected = expected.map(|why| ("a", why));
            assert_eq!(found.map(|(first, why)| (first, why.as_str())), expected, "{reason}");
            assert!(found.is_none_or(|(_, why)| Why::WORDS.contains(&why.as_str())));
        }
    }

    #[test]
    fn unasked_backends_before_this_one_were_skipped() {
        let rows = [
            ("a b c", "a", "", ""),
            ("a b c", "b", "", "a"),
            ("a b c", "c", "", "a b"),
            ("a b c", "c", "b", "a"),
            ("a b c", "c", "a b", ""),
            ("", "a", "", ""),
        ];
        for (list, backend, answered, expected) in rows {
            let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            let mut before = Answers::default();
            for name in answered.split_whitespace() {
                before.note(name, Answer::Missed);
            }
            let found: Vec<&str> = skipped(&list, backend, &before).collect();
            assert_eq!(found.join(" "), expected, "{list:?} {backend}, {answered}");
        }
    }
}
