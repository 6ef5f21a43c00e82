//! Whether a request goes on to the next backend of its list, and to which cluster.
//!
//! Envoy retries if the attempt phase has put [`GO_ON`](crate::contract::headers::GO_ON) into an
//! answer, or if an attempt had no answer. Envoy's configuration has no list of statuses.
//!
//! The first attempt goes to the cluster of the list, in which Envoy skips backends that are down
//! or ejected. Each later attempt goes to a cluster of the backends that were not asked yet, in
//! which only health checks take a backend out. So no backend is asked twice, and a request asks an
//! ejected backend before it fails.
//!
//! One that refused a token of the proxy's, and would be shown another one, is asked once more when
//! nobody else is left. It may be the only one that has the content.

use super::answers::{Answer, Answers};
use crate::contract::{clusters, headers, name_of};

/// Whether nobody but this Envoy and the filter speaks in this header of an answer; the name in
/// lower case. An answer loses it before anything reads it.
///
/// `x-envoy-immediate-health-check-fail`, which an Envoy before a registry sends by itself while it
/// drains, would take the backend out here, and the whole front in an Envoy before this one.
#[must_use]
pub fn is_internal(name: &[u8]) -> bool {
    let prefixes: [&[u8]; 3] = [b"x-envoy-", headers::PREFIX.as_bytes(), b"x-geo-"];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Where the attempt stands in its list.
#[derive(Clone, Copy, Debug)]
pub struct Attempt<'a> {
    /// The keys of all backends of the list ([`Backend::key`](crate::config::Backend::key)); none
    /// for a list of one.
    pub list: &'a [String],
    /// The keys of those of them that are asked after the others.
    pub spared: &'a [String],
    /// The name of the backend of this attempt.
    pub backend: &'a str,
    /// Whether its 404 is the whole truth, so that nobody else need be asked.
    pub is_authority: bool,
}

/// The cluster of the next attempt after `answer` of this one; `None` if there is nobody to go on
/// to. `before` is what others have answered.
#[must_use]
pub fn goes_on(attempt: Attempt<'_>, answer: Answer, before: &Answers) -> Option<String> {
    if attempt.is_authority && answer == Answer::Missed {
        return None;
    }
    let answer_of = |name: &str| {
        if name == attempt.backend { Some(answer) } else { before.of(name) }
    };
    next(attempt.list.iter().map(String::as_str), attempt.spared, answer_of)
}

/// The cluster of those backends that may be asked next, of a list of keys; `None` for nobody.
/// Those that are `spared` are in it once all others were asked. A cache is asked first or not at
/// all, and what a tag was is asked for last, as long as nobody has answered.
#[must_use]
pub fn next_cluster<'a>(
    list: impl Iterator<Item = &'a str>,
    spared: &[String],
    before: &Answers,
) -> Option<String> {
    next(list, spared, |name| before.of(name))
}

/// Those that were not asked, or else the first that is to be asked again: a cluster of its own has
/// each backend.
fn next<'a>(
    list: impl Iterator<Item = &'a str>,
    spared: &[String],
    answer_of: impl Fn(&str) -> Option<Answer>,
) -> Option<String> {
    let members = list.filter(|key| !clusters::is_cache(key));
    let (stale, registries): (Vec<&str>, Vec<&str>) =
        members.partition(|key| clusters::is_stale(key));
    let answer_of = |key: &str| answer_of(name_of(key));
    let nobody_answers = registries.iter().filter_map(|key| answer_of(key)).all(is_outage);
    let stale = stale.into_iter().filter(|key| nobody_answers && answer_of(key).is_none());
    let unasked = registries.iter().copied().filter(|key| answer_of(key).is_none());
    let (spared, first): (Vec<&str>, Vec<&str>) =
        unasked.partition(|key| spared.iter().any(|spared| spared == key));
    let nobody_is_behind = first.is_empty() || spared.is_empty();
    let mut unasked = if first.is_empty() { spared } else { first };
    unasked.extend(stale.filter(|_| nobody_is_behind));
    if !unasked.is_empty() {
        return Some(clusters::later_attempts(&unasked));
    }
    let again = registries.into_iter().find(|key| answer_of(key) == Some(Answer::Again))?;
    Some(clusters::later_attempts(&[again]))
}

/// Whether an answer says nothing of the content, and not that there were too many requests: the
/// backend could not be asked.
const fn is_outage(answer: Answer) -> bool {
    matches!(answer, Answer::Failed(_) | Answer::Silent)
}

#[cfg(test)]
mod tests {
    use super::super::wait::Wait;
    use super::*;

    #[test]
    fn only_envoy_and_the_filter_speak_in_internal_headers() {
        let own = [headers::GO_ON, headers::DOUBTFUL];
        for name in ["x-envoy-immediate-health-check-fail", "x-geo-country"].into_iter().chain(own)
        {
            assert!(is_internal(name.as_bytes()), "{name}");
        }
        for name in ["x-envoy", "envoy-x", "x-request-id", "docker-content-digest", "retry-after"] {
            assert!(!is_internal(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn retries_go_to_backends_that_were_not_asked() {
        let every = [
            Answer::Missed,
            Answer::Limited(Wait::UNKNOWN),
            Answer::Refused,
            Answer::RedirectDenied,
            Answer::Failed(Wait::UNKNOWN),
            Answer::Silent,
        ];
        #[rustfmt::skip]
        let rows = [
            ("a b", "a", "", Some("b@last"), "b was not asked"),
            ("a b", "b", "a", None, "both were"),
            ("cache@eu a b", "cache@eu", "", Some("a+b@last"), "the registries are next"),
            ("cache@eu a b", "a", "", Some("b@last"), "the cache was skipped, and is not asked later"),
            ("cache@eu a", "a", "", None, "the cache was skipped, and is not asked later"),
            ("a b", "b", "", Some("a@last"), "a was skipped: it may be well by now"),
            ("a b c", "a", "", Some("b+c@last"), "two were not asked"),
            ("a b c", "b", "", Some("a+c@last"), "a was skipped"),
            ("a b c", "b", "a", Some("c@last"), "c was not asked"),
            ("a b c", "c", "a b", None, "all were"),
            ("", "a", "", None, "a list of one"),
            ("a", "a", "", None, "a list of one, written as a list"),
            ("a~1 b~2", "a", "", Some("b~2@last"), "with fingerprints"),
            ("a~1 b~2", "b", "a", None, "both were"),
        ];
        for (list, backend, before, expected, reason) in rows {
            let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            let mut answers = Answers::default();
            for backend in before.split_whitespace() {
                answers.note(backend, Answer::Missed);
            }
            let attempt =
                |is_authority| Attempt { list: &list, spared: &[], backend, is_authority };
            for answer in every {
                let found = |is_authority| goes_on(attempt(is_authority), answer, &answers);
                assert_eq!(found(false).as_deref(), expected, "{reason}");
                let expected = expected.filter(|_| answer != Answer::Missed);
                assert_eq!(found(true).as_deref(), expected, "{reason}, authority");
            }
        }
    }

    #[test]
    fn a_backend_that_would_be_shown_another_token_is_asked_again() {
        let (again, failed) = (Answer::Again, Answer::Failed(Wait::UNKNOWN));
        let (missed, silent) = (Answer::Missed, Answer::Silent);
        #[rustfmt::skip]
        let rows: &[(&str, (&str, Answer), &[(&str, Answer)], Option<&str>, &str)] = &[
            ("a b", ("a", again), &[], Some("b@last"), "the other one first: it needs no wait"),
            ("a b", ("b", missed), &[("a", again)], Some("a@last"), "nobody else is left"),
            ("a b", ("b", failed), &[("a", again)], Some("a@last"), "nobody else is left"),
            ("a b", ("b", silent), &[("a", again)], Some("a@last"), "nobody else is left"),
            ("a b", ("b", again), &[("a", missed)], Some("b@last"), "the same one, at once"),
            ("a b", ("b", again), &[("a", again)], Some("a@last"), "the nearer one of two"),
            ("a b", ("a", missed), &[("a", again), ("b", again)], Some("b@last"), "then the other one"),
            ("a b", ("a", failed), &[("a", again), ("b", missed)], None, "it was asked again"),
            ("a b c", ("c", missed), &[("a", missed), ("b", again)], Some("b@last"), "of three"),
            ("a b c", ("b", missed), &[("a", again)], Some("c@last"), "c was not asked"),
            ("a~1 b~2", ("b", missed), &[("a", again)], Some("a~1@last"), "with fingerprints"),
            ("cache@eu a", ("a", again), &[("cache@eu", missed)], Some("a@last"), "behind a cache"),
            ("a", ("a", again), &[], Some("a@last"), "a list of one, written as a list"),
        ];
        for (list, (backend, answer), before, expected, reason) in rows {
            let list: Vec<String> = list.split_whitespace().map(str::to_owned).collect();
            let mut answers = Answers::default();
            for (name, answer) in *before {
                answers.note(name, *answer);
            }
            let attempt = Attempt { list: &list, spared: &[], backend, is_authority: false };
            assert_eq!(goes_on(attempt, *answer, &answers).as_deref(), *expected, "{reason}");
        }
    }

    #[test]
    fn spared_backends_are_asked_after_the_others() {
        #[rustfmt::skip]
        let rows = [
            ("a b", "a", "b", "", Some("a@last"), "only the spared one is left"),
            ("a b", "a", "a", "", Some("b@last"), "the spared one was asked: the other is down"),
            ("a b c", "a", "b", "", Some("c@last"), "another one is left"),
            ("a b c", "a", "c", "b", Some("a@last"), "only the spared one is left"),
            ("a b c", "b", "a", "", Some("c@last"), "though it is the next of the list"),
            ("a b c d", "a d", "b", "", Some("c@last"), "two are spared"),
            ("a b c d", "a d", "c", "b", Some("a+d@last"), "in the order of the list"),
            ("a b", "a", "b", "a", None, "all were asked"),
            ("cache@eu a b", "a", "cache@eu", "", Some("b@last"), "a cache is asked first"),
        ];
        for (list, spared, backend, before, expected, reason) in rows {
            let keys = |text: &str| -> Vec<String> {
                text.split_whitespace().map(str::to_owned).collect()
            };
            let (list, spared) = (keys(list), keys(spared));
            let mut answers = Answers::default();
            for backend in before.split_whitespace() {
                answers.note(backend, Answer::Missed);
            }
            let attempt = Attempt { list: &list, spared: &spared, backend, is_authority: false };
            let found = goes_on(attempt, Answer::Missed, &answers);
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }

    /// The cache is asked what a tag was as long as nobody has said anything of it.
    #[test]
    fn the_cache_of_a_tag_is_asked_if_nobody_could_be() {
        let [failed, silent] = [Answer::Failed(Wait::UNKNOWN), Answer::Silent];
        let (limited, again) = (Answer::Limited(Wait::UNKNOWN), Answer::Again);
        let [lacks, refuses, denied] = [Answer::Missed, Answer::Refused, Answer::RedirectDenied];
        let (b, a) = (Some("b+stale@cache@last"), Some("a+stale@cache@last"));
        #[rustfmt::skip]
        let rows = [
            ("a b stale@cache", "a", &[][..], failed, b, "a failed"),
            ("a b stale@cache", "a", &[], silent, b, "a said nothing"),
            ("a b stale@cache", "b", &[], silent, a, "a was skipped: it may be well by now"),
            ("a b stale@cache", "a", &[], lacks, Some("b@last"), "a lacks it"),
            ("a b stale@cache", "a", &[], limited, Some("b@last"), "a can be asked later"),
            ("a b stale@cache", "a", &[], refuses, Some("b@last"), "a refuses it"),
            ("a b stale@cache", "a", &[], denied, Some("b@last"), "a has it elsewhere"),
            ("a b stale@cache", "b", &[failed], silent, Some("stale@cache@last"), "nobody is left"),
            ("a b stale@cache", "b", &[lacks], silent, None, "a lacks it"),
            ("a b stale@cache", "b", &[failed], lacks, None, "b lacks it"),
            ("a stale@cache", "a", &[], failed, Some("stale@cache@last"), "an only one"),
            ("a stale@cache", "a", &[], lacks, None, "an only one that lacks it"),
            ("a b stale@cache", "stale@cache", &[failed], failed, Some("b@last"), "b was skipped"),
            ("a stale@cache", "stale@cache", &[failed], failed, None, "the cache has failed too"),
            ("a b stale@cache", "a", &[], again, Some("b@last"), "a is asked once more"),
            ("a b stale@cache", "b", &[again], silent, Some("a@last"), "a is asked once more"),
            ("a stale@cache", "a", &[], again, Some("a@last"), "a is asked once more"),
        ];
        for (list, backend, before, answer, expected, reason) in rows {
            let list: Vec<String> = list.split(' ').map(str::to_owned).collect();
            let mut answers = Answers::default();
            for answer in before {
                answers.note("a", *answer);
            }
            let attempt = Attempt { list: &list, spared: &[], backend, is_authority: false };
            let found = goes_on(attempt, answer, &answers);
            assert_eq!(found.as_deref(), expected, "{reason}");
        }
    }
}
