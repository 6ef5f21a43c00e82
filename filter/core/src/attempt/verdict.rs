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
    /// No backend shows it to the proxy, and that is how they say that they lack it.
    Missing,
    /// A backend refuses it to the proxy, and none has it for all to see.
    Refused,
    /// A backend has it at a place where the policy does not let the proxy go, and none has it elsewhere.
    Astray,
    /// Not every backend could be asked, and those that could do not have the content.
    Unavailable,
}

/// Whether a status may not be the whole truth, so that [`judge`] must be asked.
#[must_use]
pub const fn is_doubtful(status: u16) -> bool {
    matches!(status, 401 | 403 | 404 | 429 | 500..=599)
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
    pub proxys_credentials: bool,
}

/// Judges the last answer.
#[must_use]
pub fn judge<'b>(
    case: Case<'_>,
    backends: impl Iterator<Item = &'b str> + Clone,
    answers: &Answers,
) -> Verdict {
    let all = |wanted: fn(Answer) -> bool| {
        backends.clone().all(|backend| answers.of(backend).is_some_and(wanted))
    };
    // A backend that hides what it lacks has its refusal noted as a miss; another's is for the client to see.
    let hid = || match case.answered {
        Some(backend) => answers.of(backend).is_some(),
        None => backends.clone().any(|backend| answers.of(backend) == Some(Answer::Missed)),
    };
    let authoritative = case.authority.is_some_and(|name| answers.of(name) == Some(Answer::Missed));
    let is_final = authoritative || all(|answer| answer == Answer::Missed);
    let replace = Verdict::Replace;
    match case.status {
        404 if is_final => Verdict::Pass,
        401 | 403 if case.proxys_credentials && is_final => replace(Trouble::Missing),
        // A refusal that was no miss is an answer: the client's credentials are at stake.
        401 | 403 if !case.proxys_credentials && (!hid() || is_final) => Verdict::Pass,
        401 | 403 | 404
            if all(|answer| matches!(answer, Answer::Missed | Answer::Refused))
                && case.proxys_credentials =>
        {
            replace(Trouble::Refused)
        }
        // The status is the attempt phase's own then.
        401 | 403 | 404 | 429
            if all(|answer| {
                matches!(answer, Answer::Missed | Answer::Refused | Answer::Astray)
            }) && backends
                .clone()
                .any(|backend| answers.of(backend) == Some(Answer::Astray)) =>
        {
            replace(Trouble::Astray)
        }
        429 if all(|answer| matches!(answer, Answer::Limited(_))) => {
            let waits = backends.filter_map(|backend| match answers.of(backend) {
                Some(Answer::Limited(seconds)) => seconds,
                _ => None,
            });
            replace(Trouble::Limited(waits.max()))
        }
        401 | 403 | 404 | 429 | 500..=599 => replace(Trouble::Unavailable),
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
            let case = Case { status, answered: None, authority: None, proxys_credentials: false };
            let verdict = judge(case, ["a", "b"].into_iter(), &answers);
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
            let case = Case {
                status: 404,
                answered: None,
                authority: Some("b"),
                proxys_credentials: false,
            };
            let verdict = judge(case, ["a", "b"].into_iter(), &answers);
            assert_eq!(verdict, expected, "{reason}");
        }
    }

    #[test]
    fn what_is_where_the_proxy_may_not_go() {
        use Trouble::{Astray, Unavailable};
        #[rustfmt::skip]
        let rows = [
            (429, "a astray\nb astray\n", Astray, "both"),
            (404, "a astray\nb missed\n", Astray, "a has it, and b lacks it"),
            (429, "a missed\nb astray\n", Astray, "b has it, and a lacks it"),
            (401, "a astray\nb refused\n", Astray, "a has it, and b may have it"),
            (503, "a astray\nb failed\n", Unavailable, "b may deliver it tomorrow"),
            (429, "a astray\nb limited 3\n", Unavailable, "b may deliver it soon"),
            (429, "b astray\n", Unavailable, "a is down"),
        ];
        for (status, answers, expected, reason) in rows {
            let answers = Answers::parse(answers.as_bytes());
            for proxys_credentials in [false, true] {
                if status == 401 && !proxys_credentials {
                    continue;
                }
                let case = Case { status, answered: None, authority: None, proxys_credentials };
                let verdict = judge(case, ["a", "b"].into_iter(), &answers);
                assert_eq!(verdict, Verdict::Replace(expected), "{status}: {reason}");
            }
        }
    }

    #[test]
    fn what_is_refused_to_the_proxy_is_not_the_clients_to_mend() {
        use Trouble::{Missing, Refused, Unavailable};
        #[rustfmt::skip]
        let rows = [
            (401, "a refused\nb refused\n", Refused, "both refuse"),
            (403, "a refused\nb missed\n", Refused, "a has it, for others"),
            (404, "a refused\nb missed\n", Refused, "a may have it"),
            (401, "a missed\nb missed\n", Missing, "both hide it"),
            (401, "a failed\nb refused\n", Unavailable, "a had no token"),
            (401, "b refused\n", Unavailable, "a is down"),
            (404, "a failed\nb missed\n", Unavailable, "a had no token"),
        ];
        for (status, answers, expected, reason) in rows {
            let answers = Answers::parse(answers.as_bytes());
            let case = Case { status, answered: None, authority: None, proxys_credentials: true };
            let verdict = judge(case, ["a", "b"].into_iter(), &answers);
            assert_eq!(verdict, Verdict::Replace(expected), "{status}: {reason}");
        }
    }

    #[test]
    fn a_challenge_behind_a_miss_is_for_the_client() {
        let unavailable = Verdict::Replace(Trouble::Unavailable);
        #[rustfmt::skip]
        let rows = [
            ("b", "a missed\n", Verdict::Pass, "an open cache lacks it, and b wants to know who asks"),
            ("b", "a failed\n", Verdict::Pass, "a is down, and b wants to know who asks"),
            ("a", "a missed\n", unavailable, "a hides it, and b could not be asked"),
            ("b", "a missed\nb missed\n", Verdict::Pass, "both lack it"),
        ];
        for (backend, answers, expected, reason) in rows {
            let answers = Answers::parse(answers.as_bytes());
            let answered = Some(backend);
            let case = Case { status: 401, answered, authority: None, proxys_credentials: false };
            assert_eq!(judge(case, ["a", "b"].into_iter(), &answers), expected, "{reason}");
        }
    }
}
