//! What the answers of all backends of a list mean together.
//!
//! Envoy passes on the last answer. If that is a 404 while the registry that has the content is
//! down, a client takes an outage for "no such image", and some clients remember it.

use super::answers::{Answer, Answers};

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The last answer.
    Pass,
    /// An answer of ours instead.
    Replace(Trouble),
}

/// What is wrong with a list of backends as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Every backend has had too many requests; the longest wait that one of them asked for,
    /// in seconds.
    Limited(Option<u32>),
    /// Not every backend could be asked, and those that could do not have the content.
    Unavailable,
}

/// Whether a status may not be the whole truth, so that [`judge`] must be asked.
#[must_use]
pub const fn is_doubtful(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 429 | 500..=599)
}

/// Judges the last answer in the light of all. `authority` names the backend whose 404 is the whole
/// truth, where there is one.
#[must_use]
pub fn judge<'b>(
    status: u16,
    backends: impl Iterator<Item = &'b str> + Clone,
    authority: Option<&str>,
    answers: &Answers,
) -> Verdict {
    let all = |wanted: fn(Answer) -> bool| {
        backends.clone().all(|backend| answers.of(backend).is_some_and(wanted))
    };
    let some_hid = || backends.clone().any(|backend| answers.of(backend) == Some(Answer::Missed));
    let authoritative = authority.is_some_and(|name| answers.of(name) == Some(Answer::Missed));
    match status {
        404 if authoritative => Verdict::Pass,
        404 if all(|answer| answer == Answer::Missed) => Verdict::Pass,
        // A refusal that was no miss is an answer: the client's credentials are at stake.
        401 | 403 if !some_hid() || all(|answer| answer == Answer::Missed) => Verdict::Pass,
        429 if all(|answer| matches!(answer, Answer::Limited(_))) => {
            let waits = backends.filter_map(|backend| match answers.of(backend) {
                Some(Answer::Limited(seconds)) => seconds,
                _ => None,
            });
            Verdict::Replace(Trouble::Limited(waits.max()))
        }
        401 | 403 | 404 | 429 | 500..=599 => Verdict::Replace(Trouble::Unavailable),
        _ => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_never_a_404() {
        let limited = |seconds| Verdict::Replace(Trouble::Limited(seconds));
        let unavailable = Verdict::Replace(Trouble::Unavailable);
        #[rustfmt::skip]
        let rows = [
            (200, "", Verdict::Pass, "content"),
            (404, "a missed\nb missed\n", Verdict::Pass, "nobody has it"),
            (404, "b missed\n", unavailable, "a is down"),
            (404, "a missed\n", unavailable, "b is down"),
            (404, "a failed\nb missed\n", unavailable, "a fails"),
            (404, "a limited\nb missed\n", unavailable, "a is limited"),
            (404, "", unavailable, "nothing was noted: rather an outage than a lie"),
            (404, "a missed\nc missed\n", unavailable, "another list's backend"),
            (401, "a missed\nb missed\n", Verdict::Pass, "both hide or miss it"),
            (401, "a missed\n", unavailable, "a hides it, b is down"),
            (401, "", Verdict::Pass, "a refusal"),
            (403, "b failed\n", Verdict::Pass, "a refusal"),
            (429, "a limited 3\nb limited 20\n", limited(Some(20)), "the longest wait"),
            (429, "a limited\nb limited 2\n", limited(Some(2)), "one gave none"),
            (429, "a limited\nb limited\n", limited(None), "none gave one"),
            (429, "b limited 2\n", unavailable, "a is down"),
            (429, "a missed\nb limited 2\n", unavailable, "it may be on b"),
            (503, "a missed\nb failed\n", unavailable, "it may be on b"),
            (500, "", unavailable, "in one form"),
            (400, "", Verdict::Pass, "the client's mistake"),
            (416, "", Verdict::Pass, "the client's mistake"),
        ];
        for (status, answers, expected, reason) in rows {
            let answers = Answers::parse(answers.as_bytes());
            let verdict = judge(status, ["a", "b"].into_iter(), None, &answers);
            assert_eq!(verdict, expected, "{status}: {reason}");
            assert!(is_doubtful(status) || verdict == Verdict::Pass, "{status}");
        }
    }

    #[test]
    fn the_owners_404_is_the_whole_truth() {
        #[rustfmt::skip]
        let rows = [
            ("b missed\n", Verdict::Pass, "a is down, and b owns it"),
            ("a failed\nb missed\n", Verdict::Pass, "a fails, and b owns it"),
            ("a missed\n", Verdict::Replace(Trouble::Unavailable), "b owns it and is down"),
            ("a missed\nb failed\n", Verdict::Replace(Trouble::Unavailable), "b owns it and fails"),
        ];
        for (answers, expected, reason) in rows {
            let answers = Answers::parse(answers.as_bytes());
            let verdict = judge(404, ["a", "b"].into_iter(), Some("b"), &answers);
            assert_eq!(verdict, expected, "{reason}");
        }
    }
}
