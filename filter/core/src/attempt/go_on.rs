//! Whether a request goes on to the next backend of its list.
//!
//! Envoy goes on where the attempt phase has put [`MARK`] into an answer, and after an attempt that had
//! no answer at all. No status stands in Envoy's configuration.

use super::answers::{Answer, Answers};

/// The header of an answer by which Envoy goes on. One that a backend sends is taken out before the
/// attempt phase sees the answer, and none reaches a client.
pub const MARK: &str = "x-portolan-go-on";

/// Where the attempt stands in its list.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The names of all backends of the list; none for a list of one.
    pub list: &'a [String],
    /// The backend of this attempt.
    pub backend: &'a str,
    /// Whether its 404 is the whole truth, so that nobody else need be asked.
    pub is_authority: bool,
}

/// Whether the request goes on after `answer` of this attempt; `before` is what others have answered.
///
/// It goes on as long as there is a backend that was not asked. So a plain miss costs one request at
/// each backend, and one that failed requests have taken out is asked before the client is told "no".
#[must_use]
pub fn goes_on(attempt: Attempt<'_>, answer: Answer, before: &Answers) -> bool {
    let is_the_truth = attempt.is_authority && answer == Answer::Missed;
    !is_the_truth && has_unasked(attempt, before)
}

/// Whether a backend other than this attempt's was not asked yet.
fn has_unasked(attempt: Attempt<'_>, before: &Answers) -> bool {
    attempt.list.iter().any(|name| name != attempt.backend && before.of(name).is_none())
}

/// What becomes of an attempt at a backend that has been asked already in this request.
///
/// Envoy goes from place to place and does not know that two of them are one backend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// There may be another place behind it.
    GoOn,
    /// Envoy has been everywhere: what is known by now is the answer.
    Stop,
}

/// Decides it. `is_last_resort` says that this is the backend's second place in the list. Its first one
/// comes up again only when Envoy has been at all places and begins anew.
#[must_use]
pub fn again(attempt: Attempt<'_>, is_last_resort: bool, before: &Answers) -> Again {
    if is_last_resort && has_unasked(attempt, before) { Again::GoOn } else { Again::Stop }
}

#[cfg(test)]
mod tests {
    use super::super::wait::Wait;
    use super::*;

    fn answers(of: &str) -> Answers {
        let mut answers = Answers::default();
        for backend in of.split_whitespace() {
            answers.note(backend, Answer::Missed);
        }
        answers
    }

    #[test]
    fn it_goes_on_while_somebody_was_not_asked() {
        let every = [
            Answer::Missed,
            Answer::Limited(Wait::UNKNOWN),
            Answer::Refused,
            Answer::Astray,
            Answer::Failed(Wait::UNKNOWN),
            Answer::Silent,
        ];
        #[rustfmt::skip]
        let rows = [
            ("a b", "a", "", true, "b was not asked"),
            ("a b", "b", "a", false, "both were"),
            ("a b", "b", "", true, "a was skipped: it may be well by now"),
            ("a b c", "b", "a", true, "c was not asked"),
            ("a b c", "c", "a b", false, "all were"),
            ("", "a", "", false, "a list of one"),
            ("a", "a", "", false, "a list of one, written as a list"),
        ];
        for (list, backend, before, expected, reason) in rows {
            let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            let attempt = |is_authority| Attempt { list: &list, backend, is_authority };
            for answer in every {
                let before = answers(before);
                assert_eq!(goes_on(attempt(false), answer, &before), expected, "{reason}");
                let expected = expected && answer != Answer::Missed;
                assert_eq!(
                    goes_on(attempt(true), answer, &before),
                    expected,
                    "{reason}, authority"
                );
            }
        }
    }

    #[test]
    fn nobody_is_asked_twice() {
        #[rustfmt::skip]
        let rows = [
            ("a", true, "a", Again::GoOn, "b was not asked: its second place may follow"),
            ("b", true, "a b", Again::Stop, "both were"),
            ("b", true, "b", Again::GoOn, "a is out; what Envoy does next shows whether it can be asked"),
            ("a", false, "a", Again::Stop, "Envoy begins anew: b cannot be asked at either place"),
        ];
        let list = ["a".to_owned(), "b".to_owned()];
        for (backend, is_last_resort, before, expected, reason) in rows {
            let attempt = Attempt { list: &list, backend, is_authority: false };
            assert_eq!(again(attempt, is_last_resort, &answers(before)), expected, "{reason}");
        }
    }
}
