//! The second half of a record: the results of the attempts at backends in their order, as the
//! access log has them in [`LogField::Tried`](super::LogField::Tried).
//!
//! The attempt that answered the client is not among them. Envoy itself logs and counts the times
//! of each attempt. The filter does not note them, because reading the time costs a call.

use std::fmt;

use crate::attempt::Answer;

/// What came of one attempt at a backend, or of a backend in whose place another one was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempted<'a> {
    /// The name of the backend.
    pub backend: &'a str,
    /// What came of it.
    pub result: Tried,
}

/// What came of an attempt that did not answer the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// The backend answered with this status.
    Answered(u16),
    /// It redirected, with this status, to where the policy does not let the proxy go.
    RedirectDenied(u16),
    /// It was asked, and nothing came back.
    Silent,
    /// It had not begun to answer when another one did that was asked too.
    Overtaken,
    /// It was not asked: it was known to be down, or to limit requests.
    Skipped,
}

impl Tried {
    /// By the status that the backend answered with, if it did, and what that means for the others
    /// of its list.
    #[must_use]
    pub const fn of(status: Option<u16>, answer: Answer) -> Self {
        match (status, answer) {
            (Some(status), Answer::RedirectDenied) => Self::RedirectDenied(status),
            (Some(status), _) => Self::Answered(status),
            (None, _) => Self::Silent,
        }
    }
}

const SILENT: &str = "no answer";
const OVERTAKEN: &str = "overtaken";
const SKIPPED: &str = "skipped";
const NOT_FOLLOWED: &str = ", not followed";
const SEPARATOR: &str = "; ";

impl fmt::Display for Attempted<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ", self.backend)?;
        match self.result {
            Tried::Answered(status) => write!(formatter, "{status}"),
            Tried::RedirectDenied(status) => write!(formatter, "{status}{NOT_FOLLOWED}"),
            Tried::Silent => formatter.write_str(SILENT),
            Tried::Overtaken => formatter.write_str(OVERTAKEN),
            Tried::Skipped => formatter.write_str(SKIPPED),
        }
    }
}

impl<'a> Attempted<'a> {
    /// All that a field of the log says, in its order; what is not understood is left out.
    pub fn read(field: &'a str) -> impl Iterator<Item = Self> {
        field.split(SEPARATOR).filter_map(|one| {
            let (backend, result) = one.split_once(' ')?;
            let result = match result {
                SILENT => Tried::Silent,
                OVERTAKEN => Tried::Overtaken,
                SKIPPED => Tried::Skipped,
                _ => match result.strip_suffix(NOT_FOLLOWED) {
                    Some(status) => Tried::RedirectDenied(status.parse().ok()?),
                    None => Tried::Answered(result.parse().ok()?),
                },
            };
            Some(Self { backend, result })
        })
    }

    /// Adds it to a field of the log; whether it was not there yet. Each attempt may find the same
    /// backend skipped.
    pub fn add_to(&self, field: &mut Vec<u8>) -> bool {
        let own = self.to_string();
        let separator = SEPARATOR.as_bytes();
        let is_there = field
            .split(|byte| separator.first() == Some(byte))
            .any(|one| one.trim_ascii() == own.as_bytes());
        if !is_there {
            if !field.is_empty() {
                field.extend_from_slice(separator);
            }
            field.extend_from_slice(own.as_bytes());
        }
        !is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Wait;

    const EVERY: [(Tried, &str); 5] = [
        (Tried::Answered(503), "503"),
        (Tried::RedirectDenied(307), "307, not followed"),
        (Tried::Silent, "no answer"),
        (Tried::Overtaken, "overtaken"),
        (Tried::Skipped, "skipped"),
    ];

    #[test]
    fn the_log_says_what_came_of_each_backend_and_is_read_back() {
        let mut field = Vec::new();
        for (result, word) in EVERY {
            for backend in ["ghcr", "cache@eu"] {
                let one = Attempted { backend, result };
                assert_eq!(one.to_string(), format!("{backend} {word}"));
                assert!(one.add_to(&mut field));
                assert!(!one.add_to(&mut field), "it is said once");
            }
        }
        let field = String::from_utf8(field).unwrap();
        assert!(field.starts_with("ghcr 503; cache@eu 503; ghcr 307, not followed; "), "{field}");
        let expected = EVERY.iter().flat_map(|(result, _)| {
            ["ghcr", "cache@eu"].map(|backend| Attempted { backend, result: *result })
        });
        assert_eq!(Attempted::read(&field).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
    }

    #[test]
    fn results_of_attempts() {
        #[rustfmt::skip]
        let rows = [
            (Some(503), Answer::Failed(Wait::UNKNOWN), Tried::Answered(503)),
            (Some(307), Answer::Failed(Wait::UNKNOWN), Tried::Answered(307)),
            (Some(307), Answer::RedirectDenied, Tried::RedirectDenied(307)),
            (None, Answer::Silent, Tried::Silent),
        ];
        for (status, answer, expected) in rows {
            assert_eq!(Tried::of(status, answer), expected);
        }
    }

    #[test]
    fn a_backend_whose_name_begins_like_another_is_another() {
        let mut field = b"hub-eu skipped".to_vec();
        assert!(Attempted { backend: "hub", result: Tried::Skipped }.add_to(&mut field));
        assert_eq!(field, b"hub-eu skipped; hub skipped");
    }

    #[test]
    fn unknown_notes_are_left_out() {
        for field in ["", "hub", "hub ", "hub x", "hub 70000", "; ;", "hub , not followed"] {
            assert_eq!(Attempted::read(field).count(), 0, "{field}");
        }
    }
}
