//! The meaning of one backend's answer for the other backends of its list.
//!
//! This is the one place that says so. The attempt phase marks what is to go on, Envoy goes on from
//! the mark alone, and [`super::judge`] reads what was noted here.

use super::wait::Wait;
use crate::contract::encoding::{self, Fields, Kind};

/// What an answer means for the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has nothing of that name.
    Missed,
    /// It has had too many requests.
    Limited(Wait),
    /// It refuses this, and the client cannot change that by showing credentials.
    Refused,
    /// It refused what the proxy showed it, and would be shown more if it was asked again: another
    /// token, or one at all.
    Again,
    /// It sent the proxy to where the policy does not let it go.
    RedirectDenied,
    /// It failed in some other way; it may ask for a wait before the next request.
    Failed(Wait),
    /// It was asked, and nothing came back: refused, reset, or too late.
    Silent,
}

/// Whose credentials an attempt sent, as far as a refusal means something different then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SentCredentials {
    /// Nothing, as the client has nothing for the backend. A 401 asks the client to log in; a 403
    /// is no question, and another backend may say yes.
    #[default]
    Nothing,
    /// Nothing, whoever asks: the proxy has nothing for the backend, and no client of the front
    /// logs in there. To ask the client for credentials is to ask the wrong one.
    NothingEver,
    /// What the client sent: a refusal is for the client to see.
    Client,
    /// What the proxy has.
    Proxy,
    /// What the proxy has, or nothing, to a backend that hides what it lacks.
    ProxyToHider,
    /// Nothing, since no token could be had.
    LessThanWanted,
    /// Nothing, since the token service limits requests.
    Limited,
}

impl Answer {
    /// Classifies a status of a read (RFC 9110 section 15, and what registries and delivery
    /// networks send besides); `None` for an answer that the client may have as it is.
    ///
    /// * 404 and 410 (Gone): the backend lacks it.
    /// * 429: the backend is well, and limited.
    /// * 402 (a quota) and 451 (a country's law): the backend refuses it, whoever asks.
    /// * 407: a proxy before the backend refuses this proxy, which is nobody's word about the
    ///   content.
    /// * 408, 421, 425 and every 5xx, those of delivery networks included: the backend did not do
    ///   what it was asked; another one can. So did one that answers 101, as if somebody had asked
    ///   for another protocol (section 15.2.2), or with what is no status of HTTP, which counts as
    ///   a 5xx (section 15).
    /// * 401 and 403 depend on the credentials that were sent.
    /// * Every other status is about the request itself, and would be the same elsewhere.
    #[must_use]
    pub const fn of(status: u16, sent: SentCredentials, wait: Wait) -> Option<Self> {
        match (status, sent) {
            (404 | 410, _) | (401 | 403, SentCredentials::ProxyToHider) => Some(Self::Missed),
            (402 | 451, _)
            | (401 | 403, SentCredentials::Proxy | SentCredentials::NothingEver)
            | (403, SentCredentials::Nothing) => Some(Self::Refused),
            // The token service is a part of its registry.
            (429, _) | (401 | 403, SentCredentials::Limited) => Some(Self::Limited(wait)),
            // Without what it wants to see it was not asked as it should have been.
            (0..=199 | 407 | 408 | 421 | 425 | 500.., _)
            | (401 | 403, SentCredentials::LessThanWanted) => Some(Self::Failed(wait)),
            _ => None,
        }
    }

    /// The same for a cache, which is no registry: whatever it answers but content, or that the
    /// client has it already, sends the request on, and asks nobody to wait.
    #[must_use]
    pub const fn of_cache(status: u16) -> Option<Self> {
        match status {
            200 | 206 | 304 => None,
            404 | 410 => Some(Self::Missed),
            _ => Some(Self::Failed(Wait::UNKNOWN)),
        }
    }

    /// How long the backend asks to wait, if that is what it says.
    #[must_use]
    pub const fn wait(self) -> Wait {
        match self {
            Self::Limited(wait) | Self::Failed(wait) => wait,
            Self::Missed | Self::Refused | Self::RedirectDenied | Self::Silent | Self::Again => {
                Wait::UNKNOWN
            }
        }
    }

    /// The same in the light of what the backend has answered in this request before. It is asked
    /// for a second time only: who refuses that as well has failed.
    #[must_use]
    pub const fn after(self, before: Option<Self>) -> Self {
        match (self, before) {
            (Self::Again, Some(_)) => Self::Failed(Wait::UNKNOWN),
            _ => self,
        }
    }
}

/// Whether [`Answer::of`] needs `Retry-After` to classify a status.
#[must_use]
pub const fn may_ask_to_wait(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

/// The answers so far, the latest of each backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(Vec<(String, Answer)>);

impl Answers {
    /// Reads the property of the stream. The latest answer of a backend counts; what is not
    /// understood is left out.
    #[must_use]
    pub fn parse(property: &[u8]) -> Self {
        let mut answers = Self::default();
        for (kind, fields) in encoding::records(property) {
            if kind == Kind::Answer {
                answers.take(fields);
            }
        }
        answers
    }

    /// Takes in the fields of one record, if they are understood.
    pub(super) fn take(&mut self, fields: Fields<'_>) {
        if let Some((backend, answer)) = read(fields) {
            self.note(backend, answer);
        }
    }

    /// Whether nobody has answered.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Notes the latest answer of a backend.
    pub fn note(&mut self, backend: &str, answer: Answer) {
        self.0.retain(|(name, _)| name != backend);
        self.0.push((backend.to_owned(), answer));
    }

    /// The latest answer of a backend.
    #[must_use]
    pub fn of(&self, backend: &str) -> Option<Answer> {
        self.0.iter().find(|(name, _)| name == backend).map(|(_, answer)| *answer)
    }

    /// The longest wait that a backend asked for.
    #[must_use]
    pub fn longest_wait(&self) -> Wait {
        self.0.iter().map(|(_, answer)| answer.wait()).max().unwrap_or_default()
    }
}

/// Adds what a backend has answered to the property.
pub fn note(property: &mut Vec<u8>, backend: &str, answer: Answer) {
    let seconds = answer.wait().seconds().map(|seconds| seconds.to_string());
    let words = [backend, word(answer)].into_iter().chain(seconds.as_deref());
    encoding::write(property, Kind::Answer, words.map(str::as_bytes));
}

const fn word(answer: Answer) -> &'static str {
    match answer {
        Answer::Missed => "missed",
        Answer::Refused => "refused",
        Answer::RedirectDenied => "denied",
        Answer::Again => "again",
        Answer::Silent => "silent",
        Answer::Failed(_) => "failed",
        Answer::Limited(_) => "limited",
    }
}

fn read(mut fields: Fields<'_>) -> Option<(&str, Answer)> {
    let (backend, word) = (fields.text()?, fields.text()?);
    let wait = match fields.next() {
        None => Wait::UNKNOWN,
        Some(seconds) => Wait::of_seconds(std::str::from_utf8(seconds).ok()?.parse().ok()?),
    };
    let answer = match word {
        "missed" => Answer::Missed,
        "refused" => Answer::Refused,
        "denied" => Answer::RedirectDenied,
        "again" => Answer::Again,
        "silent" => Answer::Silent,
        "failed" => Answer::Failed(wait),
        "limited" => Answer::Limited(wait),
        _ => return None,
    };
    fields.end((backend, answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: Wait = Wait::of_seconds(7);

    /// Every status of an error, with whose credentials were sent and what it means then.
    #[test]
    fn every_status_has_a_row() {
        use SentCredentials::ProxyToHider;
        use SentCredentials::{Client, LessThanWanted, Limited, Nothing, NothingEver, Proxy};
        let everything =
            &[Nothing, NothingEver, Client, Proxy, ProxyToHider, LessThanWanted, Limited][..];
        let (missed, refused) = (Some(Answer::Missed), Some(Answer::Refused));
        let (limited, failed) = (Some(Answer::Limited(WAIT)), Some(Answer::Failed(WAIT)));
        #[rustfmt::skip]
        let rows: &[(std::ops::RangeInclusive<u16>, &[SentCredentials], Option<Answer>, &str)] = &[
            (100..=199, everything, failed, "another protocol, which nobody asked for"),
            (200..=399, everything, None, "content, a part of it, or a redirect"),
            (400..=400, everything, None, "the request makes no sense to a registry"),
            (401..=401, &[Nothing, Client], None, "the client is asked to log in"),
            (401..=401, &[Proxy], refused, "a token that is not good"),
            (401..=401, &[NothingEver], refused, "nobody can log in there"),
            (401..=401, &[ProxyToHider], missed, "it hides what it lacks"),
            (401..=401, &[LessThanWanted], failed, "its token service is down"),
            (401..=401, &[Limited], limited, "its token service limits requests"),
            (402..=402, everything, refused, "the backend's quota is used up"),
            (403..=403, &[Nothing, NothingEver], refused, "a country, a network: nobody logs in to change that"),
            (403..=403, &[Client], None, "the client's credentials are not enough"),
            (403..=403, &[Proxy], refused, "the proxy's credentials are not enough"),
            (403..=403, &[ProxyToHider], missed, "it hides what it lacks"),
            (403..=403, &[LessThanWanted], failed, "its token service is down"),
            (403..=403, &[Limited], limited, "its token service limits requests"),
            (404..=404, everything, missed, "it lacks it"),
            (405..=406, everything, None, "about the request"),
            (407..=407, everything, failed, "a proxy before it wants to know who this proxy is"),
            (408..=408, everything, failed, "it gave up waiting for a request that was sent"),
            (409..=409, everything, None, "about the request"),
            (410..=410, everything, missed, "it has it no more"),
            (411..=420, everything, None, "about the request: its size, its range, its type"),
            (421..=421, everything, failed, "it does not serve this host over this connection"),
            (422..=424, everything, None, "about the request"),
            (425..=425, everything, failed, "it wants the request once more"),
            (426..=428, everything, None, "about the request"),
            (429..=429, everything, limited, "limited"),
            (430..=450, everything, None, "about the request"),
            (451..=451, everything, refused, "the law where the backend is"),
            (452..=499, everything, None, "about the request"),
            (500..=599, everything, failed, "trouble, also 501, 505 to 511, 520 to 530"),
            (600..=999, everything, failed, "no status of HTTP"),
        ];
        for (statuses, sent, expected, reason) in rows {
            for status in statuses.clone() {
                for sent in *sent {
                    let found = Answer::of(status, *sent, WAIT);
                    assert_eq!(found, *expected, "{status} {sent:?}: {reason}");
                    let waits = expected.is_some_and(|answer| answer.wait() == WAIT);
                    let has_none = matches!(status, 0..=199 | 401 | 403 | 407 | 421 | 600..);
                    assert!(!waits || may_ask_to_wait(status) || has_none);
                }
            }
        }
        let rows = rows.iter().flat_map(|(statuses, sent, ..)| {
            statuses.clone().map(|status| sent.len().saturating_mul(usize::from(status)))
        });
        let all: usize = (100..=999).map(|status: usize| everything.len() * status).sum();
        assert_eq!(rows.sum::<usize>(), all, "each status once with each kind of credentials");
    }

    #[test]
    fn the_latest_answer_of_each_backend_is_kept() {
        let notes = [
            ("a", Answer::Failed(Wait::of_seconds(9))),
            ("b", Answer::Limited(Wait::of_seconds(3))),
            ("c", Answer::Limited(Wait::UNKNOWN)),
            ("a", Answer::Missed),
            ("e", Answer::RedirectDenied),
            ("f", Answer::Silent),
            ("g", Answer::Refused),
            ("h", Answer::Again),
        ];
        let mut property = Vec::new();
        encoding::write(&mut property, Kind::Request, [&b"quay"[..], b"missed"].into_iter());
        for (name, answer) in &notes {
            note(&mut property, name, *answer);
        }
        let read = Answers::parse(&property);
        assert_eq!(read.of("a"), Some(Answer::Missed));
        for (name, answer) in &notes[1..] {
            assert!(read.of(name) == Some(*answer) || *name == "a");
        }
        assert_eq!(read.of("d"), None);
        assert_eq!(read.of("quay"), None, "what was prepared is no answer");
        assert_eq!(read.longest_wait().seconds(), Some(3), "a later answer replaces a wait");
        assert_eq!(Answers::default().longest_wait(), Wait::UNKNOWN);
    }

    #[test]
    fn nobody_is_asked_for_a_third_time() {
        let failed = Answer::Failed(Wait::UNKNOWN);
        #[rustfmt::skip]
        let rows = [
            (Answer::Again, None, Answer::Again, "the first refusal"),
            (Answer::Again, Some(Answer::Again), failed, "the second one"),
            (Answer::Again, Some(failed), failed, "it was asked for a second time"),
            (Answer::Missed, Some(Answer::Again), Answer::Missed, "it has said more"),
            (Answer::Silent, Some(Answer::Again), Answer::Silent, "nothing came back"),
            (Answer::Limited(WAIT), None, Answer::Limited(WAIT), "no refusal"),
        ];
        for (answer, before, expected, reason) in rows {
            assert_eq!(answer.after(before), expected, "{reason}");
        }
    }

    #[test]
    fn junk_is_no_answer() {
        let rows: [&[&[u8]]; 7] = [
            &[],
            &[b"a"],
            &[b"a", b"b", b"c"],
            &[b"\xff", b"missed"],
            &[b"missed"],
            &[b"a", b"limited", b"x"],
            &[b"a", b"limited", b"1", b"2"],
        ];
        for fields in rows {
            let mut property = Vec::new();
            encoding::write(&mut property, Kind::Answer, fields.iter().copied());
            assert_eq!(Answers::parse(&property), Answers::default(), "{fields:?}");
        }
        assert_eq!(Answers::parse(b"=a missed\n"), Answers::default(), "another version");
    }
}
