//! What the backends of a list answered in one request.

/// What an answer means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has nothing of that name.
    Missed,
    /// It has had too many requests; `Retry-After` in seconds, where it gave one.
    Limited(Option<u32>),
    /// It refused the proxy's own credentials, or that there were none.
    Refused,
    /// It sent the proxy to where the policy does not let it go.
    Astray,
    /// It failed in some other way.
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
    pub fn of(status: u16, shown: Shown, retry_after: Option<&[u8]>) -> Option<Self> {
        match (status, shown) {
            (404, _) | (401 | 403, Shown::ToHider) => Some(Self::Missed),
            (401 | 403, Shown::Proxys) => Some(Self::Refused),
            (429, _) => Some(Self::Limited(retry_after.and_then(read_seconds))),
            // Without what it wants to see it was not asked as it should have been.
            (500..=599, _) | (401 | 403, Shown::LessThanWanted) => Some(Self::Failed),
            _ => None,
        }
    }
}

/// What an attempt showed of who asks, as far as a refusal means something different then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// What the client sent, or nothing: a refusal is for the client to see.
    #[default]
    Clients,
    /// What the proxy has.
    Proxys,
    /// What the proxy has, or nothing, to a backend that hides what it lacks.
    ToHider,
    /// Nothing, since no token could be had.
    LessThanWanted,
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
            Answer::Refused => format!("{name} refused\n"),
            Answer::Astray => format!("{name} astray\n"),
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
        None if word == "refused" => Answer::Refused,
        None if word == "astray" => Answer::Astray,
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
        use Shown::{Clients, LessThanWanted, Proxys, ToHider};
        #[rustfmt::skip]
        let rows = [
            (200, Clients, None, "content"),
            (206, Proxys, None, "a part of it"),
            (307, ToHider, None, "a redirect"),
            (400, ToHider, None, "the client's mistake"),
            (401, Clients, None, "for the client to see"),
            (401, ToHider, Some(Answer::Missed), "it hides what it lacks"),
            (403, ToHider, Some(Answer::Missed), "it hides what it lacks"),
            (401, Proxys, Some(Answer::Refused), "a token that is not good"),
            (403, Proxys, Some(Answer::Refused), "a token that is not good enough"),
            (401, LessThanWanted, Some(Answer::Failed), "its token service is down"),
            (404, Clients, Some(Answer::Missed), "a miss"),
            (404, LessThanWanted, Some(Answer::Missed), "a miss, whoever asks"),
            (416, ToHider, None, "the client's mistake"),
            (429, Clients, Some(Answer::Limited(Some(7))), "limited"),
            (500, Clients, Some(Answer::Failed), "trouble"),
            (504, ToHider, Some(Answer::Failed), "trouble"),
        ];
        for (status, shown, expected, reason) in rows {
            let found = Answer::of(status, shown, Some(b" 7 "));
            assert_eq!(found, expected, "{status} {shown:?}: {reason}");
        }
        for odd in [&b""[..], b"-1", b"1.5", b"Wed, 21 Oct 2026 07:28:00 GMT", b"\xff"] {
            assert_eq!(Answer::of(429, Clients, Some(odd)), Some(Answer::Limited(None)), "{odd:?}");
        }
        let long = Answer::Limited(Some(LONGEST_WAIT));
        assert_eq!(Answer::of(429, Clients, Some(b"99999999999999")), Some(long));
    }

    #[test]
    fn the_latest_answer_of_each_backend_is_kept() {
        let mut answers = Answers::default();
        answers.note("a", Answer::Failed);
        answers.note("b", Answer::Limited(Some(3)));
        answers.note("c", Answer::Limited(None));
        answers.note("a", Answer::Missed);
        answers.note("e", Answer::Astray);
        let read = Answers::parse(answers.print().as_bytes());
        assert_eq!(read, answers);
        assert_eq!(read.of("a"), Some(Answer::Missed));
        assert_eq!(read.of("b"), Some(Answer::Limited(Some(3))));
        assert_eq!(read.of("c"), Some(Answer::Limited(None)));
        assert_eq!(read.of("d"), None);
        assert_eq!(read.of("e"), Some(Answer::Astray));
    }

    #[test]
    fn junk_is_no_answer() {
        for junk in [&b""[..], b"a", b"a b c", b"\xff missed", b"missed\n"] {
            assert_eq!(Answers::parse(junk), Answers::default(), "{junk:?}");
        }
    }
}
