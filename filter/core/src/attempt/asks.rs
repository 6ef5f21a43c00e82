//! What a client asks of the content besides the whole of it: a part (`Range`), or only a change
//! (`If-None-Match`). A 206 or 304 that does not fit the request is no answer.

use crate::contract::encoding::{self, Kind};

/// What the headers of a request ask besides the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// For a part of it: `Range` (RFC 9110 section 14.2).
    pub part: bool,
    /// Whether it has changed: `If-None-Match` or `If-Modified-Since` (section 13.1).
    pub change: bool,
}

/// The status of a message that is no answer to the request.
const NO_ANSWER: u16 = 0;

const PART: &[u8] = b"part";
const CHANGE: &[u8] = b"change";

impl Asks {
    /// Whether it asks for nothing besides the content, as nearly every request does.
    #[must_use]
    pub const fn nothing(self) -> bool {
        !self.part && !self.change
    }

    /// Whether what a status means depends on what was asked.
    #[must_use]
    pub const fn decide(status: u16) -> bool {
        matches!(status, 206 | 304)
    }

    /// The status by which an answer is judged. 206 (a part) for who wants the whole, and 304
    /// (unchanged) for who has nothing yet, would leave a client without the content: both answer
    /// nothing that was asked (sections 15.3.7 and 15.4.5), and another backend may do better.
    #[must_use]
    pub const fn meaning_of(self, status: u16) -> u16 {
        match status {
            206 if !self.part => NO_ANSWER,
            304 if !self.change => NO_ANSWER,
            _ => status,
        }
    }

    /// Adds it to the property of the attempts.
    pub fn note(self, property: &mut Vec<u8>) {
        let words = [(self.part, PART), (self.change, CHANGE)];
        let words = words.into_iter().filter_map(|(asks, word)| asks.then_some(word));
        encoding::write(property, Kind::Asks, words);
    }

    /// Reads it from there; nothing where nothing was noted.
    #[must_use]
    pub fn parse(property: &[u8]) -> Self {
        let noted = encoding::records(property).find(|(kind, _)| *kind == Kind::Asks);
        let mut asks = Self::default();
        for word in noted.into_iter().flat_map(|(_, fields)| fields) {
            asks.part |= word == PART;
            asks.change |= word == CHANGE;
        }
        asks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: Asks = Asks { part: false, change: false };
    const PART: Asks = Asks { part: true, change: false };
    const CHANGE: Asks = Asks { part: false, change: true };
    const BOTH: Asks = Asks { part: true, change: true };

    #[test]
    fn an_answer_that_does_not_fit_the_request_is_an_outage() {
        let rows = [
            (206, &[PART, BOTH][..], &[WHOLE, CHANGE][..], "a part"),
            (304, &[CHANGE, BOTH], &[WHOLE, PART], "unchanged"),
            (200, &[WHOLE, PART, CHANGE, BOTH], &[], "the whole is always an answer"),
            (
                412,
                &[WHOLE, PART, CHANGE, BOTH],
                &[],
                "Harbor refuses so what a policy of its own holds back",
            ),
            (416, &[WHOLE, PART, CHANGE, BOTH], &[], "about the request"),
            (404, &[WHOLE, PART, CHANGE, BOTH], &[], "about the content"),
        ];
        for (status, asked, unasked, reason) in rows {
            for asks in asked {
                assert_eq!(asks.meaning_of(status), status, "{status} {asks:?}: {reason}");
            }
            for asks in unasked {
                assert_eq!(asks.meaning_of(status), NO_ANSWER, "{status} {asks:?}: {reason}");
                assert!(Asks::decide(status));
            }
        }
    }

    #[test]
    fn attempts_read_what_was_noted() {
        for asks in [WHOLE, PART, CHANGE, BOTH] {
            let mut property = Vec::new();
            encoding::write(&mut property, Kind::List, [&b"change"[..]].into_iter());
            asks.note(&mut property);
            assert_eq!((Asks::parse(&property), asks.nothing()), (asks, asks == WHOLE));
        }
        assert_eq!(Asks::parse(b""), WHOLE, "nothing was noted");
        assert_eq!(Asks::parse(b"?q\0\0\0\0"), WHOLE, "another version");
    }
}
