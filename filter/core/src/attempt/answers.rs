//! What the backends of a list answered in one request.

/// What an answer means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has nothing of that name.
    Missed,
    /// It has had too many requests; `Retry-After` in seconds, where it gave one.
    Limited(Option<u32>),
    /// It failed, or refused, in some other way.
    Failed,
}

/// The answers so far, the latest of each backend: one line per backend, its name and a word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(Vec<(String, Answer)>);

/// Longer waits are as good as none to a client, and a day is longer than any outage here.
const LONGEST_WAIT: u32 = 24 * 60 * 60;

impl Answer {
    /// Classifies a status; `None` for an answer that the client may have as it is.
    #[must_use]
    pub fn of(status: u16, hides_missing: bool, retry_after: Option<&[u8]>) -> Option<Self> {
        match status {
            404 => Some(Self::Missed),
            401 | 403 if hides_missing => Some(Self::Missed),
            429 => Some(Self::Limited(retry_after.and_then(read_seconds))),
            500..=599 => Some(Self::Failed),
            _ => None,
        }
    }
}

impl Answers {
    /// Reads the property of the stream; what is not understood is left out.
    #[must_use]
    pub fn parse(property: &[u8]) -> Self {
        let lines = std::str::from_utf8(property).unwrap_or_default().lines();
        Self(lines.filter_map(parse_line).collect())
    }

    /// Notes the latest answer of a backend.
    pub fn note(&mut self, backend: &str, answer: Answer) {
        self.0.retain(|(name, _)| name != backend);
        self.0.push((backend.to_owned(), answer));
    }

    /// The property of the stream.
    #[must_use]
    pub fn print(&self) -> String {
        let line = |(name, answer): &(String, Answer)| match answer {
            Answer::Missed => format!("{name} missed\n"),
            Answer::Failed => format!("{name} failed\n"),
            Answer::Limited(None) => format!("{name} limited\n"),
            Answer::Limited(Some(seconds)) => format!("{name} limited {seconds}\n"),
        };
        self.0.iter().map(line).collect()
    }

    /// The latest answer of a backend.
    #[must_use]
    pub fn of(&self, backend: &str) -> Option<Answer> {
        self.0.iter().find(|(name, _)| name == backend).map(|(_, answer)| *answer)
    }
}

fn parse_line(line: &str) -> Option<(String, Answer)> {
    let (name, word) = line.split_once(' ')?;
    let answer = match word.split_once(' ') {
        Some(("limited", seconds)) => Answer::Limited(seconds.parse().ok()),
        None if word == "missed" => Answer::Missed,
        None if word == "failed" => Answer::Failed,
        None if word == "limited" => Answer::Limited(None),
        _ => return None,
    };
    Some((name.to_owned(), answer))
}

/// `Retry-After` as seconds (RFC 9110 section 10.2.3); its other form, a date, needs a clock.
fn read_seconds(value: &[u8]) -> Option<u32> {
    let text = std::str::from_utf8(value).ok()?.trim();
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        let rows = [
            (200, false, None),
            (206, false, None),
            (307, true, None),
            (400, true, None),
            (401, false, None),
            (401, true, Some(Answer::Missed)),
            (403, true, Some(Answer::Missed)),
            (404, false, Some(Answer::Missed)),
            (416, true, None),
            (429, false, Some(Answer::Limited(Some(7)))),
            (500, false, Some(Answer::Failed)),
            (504, true, Some(Answer::Failed)),
        ];
        for (status, hides, expected) in rows {
            assert_eq!(Answer::of(status, hides, Some(b" 7 ")), expected, "{status} {hides}");
        }
        for odd in [&b""[..], b"-1", b"1.5", b"Wed, 21 Oct 2026 07:28:00 GMT", b"\xff"] {
            assert_eq!(Answer::of(429, false, Some(odd)), Some(Answer::Limited(None)), "{odd:?}");
        }
        let long = Answer::Limited(Some(LONGEST_WAIT));
        assert_eq!(Answer::of(429, false, Some(b"99999999999999")), Some(long));
    }

    #[test]
    fn the_latest_answer_of_each_backend_is_kept() {
        let mut answers = Answers::default();
        answers.note("a", Answer::Failed);
        answers.note("b", Answer::Limited(Some(3)));
        answers.note("c", Answer::Limited(None));
        answers.note("a", Answer::Missed);
        let read = Answers::parse(answers.print().as_bytes());
        assert_eq!(read, answers);
        assert_eq!(read.of("a"), Some(Answer::Missed));
        assert_eq!(read.of("b"), Some(Answer::Limited(Some(3))));
        assert_eq!(read.of("c"), Some(Answer::Limited(None)));
        assert_eq!(read.of("d"), None);
    }

    #[test]
    fn junk_is_no_answer() {
        for junk in [&b""[..], b"a", b"a b c", b"\xff missed", b"missed\n"] {
            assert_eq!(Answers::parse(junk), Answers::default(), "{junk:?}");
        }
    }
}
