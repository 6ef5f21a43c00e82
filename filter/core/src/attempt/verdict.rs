//! The answer to the client that the answers of all backends of a list make together.
//!
//! Envoy passes on the last answer. If that is a 404 while the registry that has the content is
//! down, a client takes an outage for "no such image", and some clients remember it.

use super::answers::{Answer, Answers};
use super::wait::Wait;

/// What the client gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The last answer.
    Pass,
    /// An answer of ours instead.
    Replace(ListFailure),
}

/// What is wrong with a list of backends as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListFailure {
    /// Every backend has had too many requests; the longest wait that one of them asked for.
    Limited(Wait),
    /// Every backend, or the one whose word counts, lacks it; the last attempt was no answer of a
    /// backend.
    Absent,
    /// No backend shows it to the proxy, and that is how they say that they lack it.
    Missing,
    /// A backend refuses it to the proxy, and none has it for all to see.
    Refused,
    /// A backend has it at a place where the policy does not let the proxy go, and none has it
    /// elsewhere.
    RedirectDenied,
    /// A proxy before the last backend wants credentials of this one (RFC 9110 section 15.5.8).
    BehindProxy,
    /// Not every backend could be asked, and those that could do not have the content; the longest
    /// wait that one of them asked for.
    Unavailable(Wait),
}

/// Whether a status may not be the whole truth, so that [`judge`] must be asked: each status that
/// [`Answer::of`] takes for more than an answer to the client.
#[must_use]
pub const fn is_doubtful(status: u16) -> bool {
    matches!(status, 0..=199 | 401..=404 | 407 | 408 | 410 | 421 | 425 | 429 | 451 | 500..)
}

/// Whether the answers of all backends must be looked at to say what this status means. What a list
/// of one (`is_alone`) answers is passed on as it is, but for a refusal that is not the client's to
/// see, and for what [is no answer](is_no_answer).
#[must_use]
pub const fn is_judged(is_alone: bool, status: u16) -> bool {
    if is_alone { is_no_answer(status) || matches!(status, 401 | 403) } else { is_doubtful(status) }
}

/// Whether a status is no answer to anything that is asked of a backend: another protocol, which a
/// proxy before this one would take for a tunnel; a proxy before the backend that asks who this one
/// is; no status of HTTP.
#[must_use]
pub const fn is_no_answer(status: u16) -> bool {
    matches!(status, 0..=199 | 407 | 600..)
}

/// What is judged: the last answer, in the light of all.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The status of the last answer.
    pub status: u16,
    /// The backend that gave it, if that is known.
    pub answered: Option<&'a str>,
    /// The backend whose 404 is the whole truth, where there is one.
    pub authority: Option<&'a str>,
    /// Whether the proxy showed credentials of its own: a refusal is then nothing that the client
    /// could do anything about.
    pub proxy_authenticated: bool,
    /// Whether clients of this front log in to the backends: a refusal may then be a question to
    /// them.
    pub clients_log_in: bool,
}

/// Judges the last answer.
#[must_use]
pub fn judge<'b>(
    case: &Case<'_>,
    backends: &(impl Iterator<Item = &'b str> + Clone),
    answers: &Answers,
) -> Verdict {
    let all = |wanted: fn(Answer) -> bool| {
        backends.clone().all(|backend| answers.of(backend).is_some_and(wanted))
    };
    let any = |wanted| backends.clone().any(|backend| answers.of(backend) == Some(wanted));
    let last = match case.answered {
        Some(backend) => answers.of(backend),
        // Of a list of one.
        None => backends.clone().find_map(|backend| answers.of(backend)),
    };
    let authoritative = case.authority.is_some_and(|name| answers.of(name) == Some(Answer::Missed));
    let is_final = authoritative || all(|answer| answer == Answer::Missed);
    let is_settled = is_final || all(|answer| matches!(answer, Answer::Missed | Answer::Refused));
    let is_refusal = matches!(case.status, 401..=403 | 451);
    let nobody_logs_in = !case.proxy_authenticated && !case.clients_log_in;
    let replace = Verdict::Replace;
    match case.status {
        404 | 410 if is_final => Verdict::Pass,
        // The truth was said before the last attempt, which found nobody, or somebody for the
        // second time.
        0..=199 | 407 | 408 | 421 | 425 | 429 | 500.. if is_final => replace(ListFailure::Absent),
        // A 401 has a challenge (RFC 9110 section 15.5.2), and here is none that a client could
        // answer.
        401 if nobody_logs_in && (last.is_none() || (is_settled && !is_final)) => {
            replace(ListFailure::Refused)
        }
        // A refusal that was noted as nothing is an answer: the client's credentials are at stake.
        401 | 403 if !case.proxy_authenticated && last.is_none() => Verdict::Pass,
        _ if is_refusal && is_final && (case.proxy_authenticated || !case.clients_log_in) => {
            replace(ListFailure::Missing)
        }
        // In the registry's own words: the client showed nothing, or nothing that was wrong.
        _ if is_refusal && !case.proxy_authenticated && is_settled => Verdict::Pass,
        _ if (is_refusal || matches!(case.status, 404 | 410)) && is_settled => {
            replace(ListFailure::Refused)
        }
        // The status is the attempt phase's own then.
        401..=404 | 410 | 429 | 451
            if any(Answer::RedirectDenied)
                && all(|answer| {
                    matches!(answer, Answer::Missed | Answer::Refused | Answer::RedirectDenied)
                }) =>
        {
            replace(ListFailure::RedirectDenied)
        }
        // Of these a token service has said that it limits requests, where it is not the registry.
        401 | 403 | 429 if all(|answer| matches!(answer, Answer::Limited(_))) => {
            replace(ListFailure::Limited(answers.longest_wait()))
        }
        407 => replace(ListFailure::BehindProxy),
        status if is_doubtful(status) => replace(ListFailure::Unavailable(answers.longest_wait())),
        _ => Verdict::Pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::encoding;

    /// From lines such as `a limited 3`.
    fn read(lines: &str) -> Answers {
        let mut property = Vec::new();
        for line in lines.lines() {
            let words = line.split(' ').map(str::as_bytes);
            encoding::write(&mut property, encoding::Kind::Answer, words);
        }
        Answers::parse(&property)
    }

    /// The last answer, where clients log in to the backends and the proxy does not.
    const fn last(status: u16) -> Case<'static> {
        Case {
            status,
            answered: None,
            authority: None,
            proxy_authenticated: false,
            clients_log_in: true,
        }
    }

    /// What becomes of it, where the backends `a` and `b` have answered so.
    fn judged(case: &Case<'_>, answers: &str) -> Verdict {
        judge(case, &["a", "b"].into_iter(), &read(answers))
    }

    #[test]
    fn an_outage_is_never_a_404() {
        let limited = |seconds| Verdict::Replace(ListFailure::Limited(seconds));
        let unavailable = Verdict::Replace(ListFailure::Unavailable(Wait::UNKNOWN));
        let wait = |seconds| Verdict::Replace(ListFailure::Unavailable(Wait::of_seconds(seconds)));
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
            (403, "a refused\nb refused\n", Verdict::Pass, "nobody gives it, in the last one's words"),
            (403, "a missed\nb refused\n", Verdict::Pass, "b does not give it"),
            (403, "b refused\n", unavailable, "b does not give it, and a is down"),
            (404, "a refused\nb missed\n", Verdict::Replace(ListFailure::Refused), "a may have it"),
            (402, "a refused\nb refused\n", Verdict::Pass, "the quotas of both"),
            (451, "a missed\nb refused\n", Verdict::Pass, "the law"),
            (451, "a failed\nb refused\n", unavailable, "a may have it"),
            (410, "a missed\nb missed\n", Verdict::Pass, "nobody has it any more"),
            (410, "b missed\n", unavailable, "a is down"),
            (429, "a limited 3\nb limited 20\n", limited(Wait::of_seconds(20)), "the longest wait"),
            (401, "a limited 3\nb limited 20\n", limited(Wait::of_seconds(20)), "b's token service limits"),
            (403, "a limited 3\nb limited\n", limited(Wait::of_seconds(3)), "the same"),
            (401, "a missed\nb limited 20\n", wait(20), "b may have it"),
            (404, "a limited 20\nb missed\n", wait(20), "a may have it"),
            (429, "a limited\nb limited 2\n", limited(Wait::of_seconds(2)), "one gave none"),
            (429, "a limited\nb limited\n", limited(Wait::UNKNOWN), "none gave one"),
            (429, "b limited 2\n", wait(2), "a is down"),
            (429, "a missed\nb limited 2\n", wait(2), "it may be on b"),
            (404, "a limited 30\nb missed\n", wait(30), "it may be on a"),
            (503, "a missed\nb failed\n", unavailable, "it may be on b"),
            (503, "a failed 120\nb failed 60\n", wait(120), "the longest wait"),
            (503, "a silent\nb failed 60\n", wait(60), "a says nothing"),
            (404, "a silent\nb missed\n", unavailable, "a hangs"),
            (503, "a missed\nb missed\n", Verdict::Replace(ListFailure::Absent), "both lack it, and one was tried again"),
            (520, "a missed\nb failed\n", unavailable, "a delivery network's own"),
            (408, "a failed\nb failed\n", unavailable, "both gave up"),
            (101, "a missed\nb failed\n", unavailable, "b speaks of another protocol"),
            (101, "", unavailable, "the only one does"),
            (421, "a missed\nb failed\n", unavailable, "b serves another host"),
            (425, "a missed\nb failed\n", unavailable, "b wants it once more"),
            (407, "a missed\nb failed\n", Verdict::Replace(ListFailure::BehindProxy), "a proxy before b"),
            (407, "", Verdict::Replace(ListFailure::BehindProxy), "a proxy before the only one"),
            (407, "a missed\nb missed\n", Verdict::Replace(ListFailure::Absent), "both lack it, and one was tried again"),
            (600, "a missed\nb failed\n", unavailable, "no status of HTTP"),
            (600, "", unavailable, "no status of HTTP of the only one"),
            (0, "a missed\nb failed\n", unavailable, "no answer to what was asked"),
            (500, "", unavailable, "in one form"),
            (400, "", Verdict::Pass, "the client's mistake"),
            (416, "", Verdict::Pass, "the client's mistake"),
        ];
        for (status, answers, expected, reason) in rows {
            let verdict = judged(&last(status), answers);
            assert_eq!(verdict, expected, "{status}: {reason}");
            assert!(is_doubtful(status) || verdict == Verdict::Pass, "{status}");
        }
    }

    #[test]
    fn the_owners_404_is_the_whole_truth() {
        let unavailable = Verdict::Replace(ListFailure::Unavailable(Wait::UNKNOWN));
        #[rustfmt::skip]
        let rows = [
            (404, "b missed\n", Verdict::Pass, "a is down, and b owns it"),
            (404, "a failed\nb missed\n", Verdict::Pass, "a fails, and b owns it"),
            (503, "b missed\n", Verdict::Replace(ListFailure::Absent), "a could not be asked after b"),
            (503, "b missed\na failed\n", Verdict::Replace(ListFailure::Absent), "a fails after b"),
            (429, "b missed\na limited\n", Verdict::Replace(ListFailure::Absent), "a is limited"),
            (404, "a missed\n", unavailable, "b owns it and is down"),
            (404, "a missed\nb failed\n", unavailable, "b owns it and fails"),
        ];
        for (status, answers, expected, reason) in rows {
            let case = Case { authority: Some("b"), ..last(status) };
            let verdict = judged(&case, answers);
            assert_eq!(verdict, expected, "{reason}");
        }
    }

    #[test]
    fn verdict_when_a_redirect_is_denied() {
        use ListFailure::RedirectDenied;
        let unavailable = |seconds| ListFailure::Unavailable(seconds);
        let down = unavailable(Wait::UNKNOWN);
        #[rustfmt::skip]
        let rows = [
            (429, "a denied\nb denied\n", RedirectDenied, "both"),
            (404, "a denied\nb missed\n", RedirectDenied, "a has it, and b lacks it"),
            (429, "a missed\nb denied\n", RedirectDenied, "b has it, and a lacks it"),
            (401, "a denied\nb refused\n", RedirectDenied, "a has it, and b may have it"),
            (503, "a denied\nb failed\n", down, "b may deliver it tomorrow"),
            (429, "a denied\nb limited 3\n", unavailable(Wait::of_seconds(3)), "b may deliver it soon"),
            (429, "b denied\n", down, "a is down"),
        ];
        for (status, answers, expected, reason) in rows {
            for proxy_authenticated in [false, true] {
                if status == 401 && !proxy_authenticated {
                    continue;
                }
                let case = Case {
                    proxy_authenticated,
                    clients_log_in: !proxy_authenticated,
                    ..last(status)
                };
                let verdict = judged(&case, answers);
                assert_eq!(verdict, Verdict::Replace(expected), "{status}: {reason}");
            }
        }
    }

    #[test]
    fn verdict_when_the_proxys_credentials_are_refused() {
        use ListFailure::{Missing, Refused};
        let down = ListFailure::Unavailable(Wait::UNKNOWN);
        #[rustfmt::skip]
        let rows = [
            (401, "a refused\nb refused\n", Refused, "both refuse"),
            (403, "a refused\nb missed\n", Refused, "a has it, for others"),
            (404, "a refused\nb missed\n", Refused, "a may have it"),
            (401, "a missed\nb missed\n", Missing, "both hide it"),
            (401, "a failed\nb refused\n", down, "a had no token"),
            (401, "b refused\n", down, "a is down"),
            (404, "a failed\nb missed\n", down, "a had no token"),
        ];
        for (status, answers, expected, reason) in rows {
            let case = Case { proxy_authenticated: true, clients_log_in: false, ..last(status) };
            let verdict = judged(&case, answers);
            assert_eq!(verdict, Verdict::Replace(expected), "{status}: {reason}");
        }
    }

    #[test]
    fn verdict_on_a_front_without_logins() {
        use ListFailure::{Missing, Refused};
        let down = ListFailure::Unavailable(Wait::UNKNOWN);
        #[rustfmt::skip]
        let rows = [
            (401, "", Refused, "the owner, or the only one"),
            (401, "a refused\nb refused\n", Refused, "both want to know who asks"),
            (401, "a missed\nb refused\n", Refused, "b may have it"),
            (404, "a refused\nb missed\n", Refused, "a may have it"),
            (401, "a missed\nb missed\n", Missing, "both hide it"),
            (401, "a failed\nb refused\n", down, "a may have it"),
            (401, "b refused\n", down, "a is down"),
            (503, "a refused\nb failed\n", down, "b may have it"),
        ];
        for (status, answers, expected, reason) in rows {
            let case = Case { clients_log_in: false, ..last(status) };
            let verdict = judged(&case, answers);
            assert_eq!(verdict, Verdict::Replace(expected), "{status}: {reason}");
        }
        let case = Case { clients_log_in: false, ..last(403) };
        for answers in ["", "a refused\nb refused\n"] {
            let verdict = judged(&case, answers);
            assert_eq!(verdict, Verdict::Pass, "in the registry's own words");
        }
    }

    #[test]
    fn a_challenge_behind_a_miss_is_for_the_client() {
        let unavailable = Verdict::Replace(ListFailure::Unavailable(Wait::UNKNOWN));
        #[rustfmt::skip]
        let rows = [
            ("b", "a missed\n", Verdict::Pass, "an open cache lacks it, and b wants to know who asks"),
            ("b", "a failed\n", Verdict::Pass, "a is down, and b wants to know who asks"),
            ("a", "a missed\n", unavailable, "a hides it, and b could not be asked"),
            ("b", "a missed\nb missed\n", Verdict::Pass, "both lack it"),
        ];
        for (backend, answers, expected, reason) in rows {
            let case = Case { answered: Some(backend), ..last(401) };
            assert_eq!(judged(&case, answers), expected, "{reason}");
        }
    }

    #[test]
    fn a_refusal_means_missing_at_registries_with_hides_missing() {
        use ListFailure::Missing;
        #[rustfmt::skip]
        let rows = [
            (401, "a missed", true, Verdict::Pass, "the client may log in, and then see it"),
            (403, "a missed", true, Verdict::Pass, "in the registry's words"),
            (401, "a missed", false, Verdict::Replace(Missing), "nobody can log in"),
            (403, "a missed", false, Verdict::Replace(Missing), "nobody can log in"),
            (404, "a missed", false, Verdict::Pass, "in the registry's words"),
        ];
        for (status, answers, clients_log_in, expected, reason) in rows {
            let case = Case { clients_log_in, ..last(status) };
            assert_eq!(
                judge(&case, &["a"].into_iter(), &read(answers)),
                expected,
                "{status}: {reason}"
            );
        }
    }
}
