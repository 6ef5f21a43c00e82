//! The results of requests and attempts, derived from Envoy's response flags and details.

use portolan_core::attempt::{LATER, Why};
use portolan_core::contract::{StateKey, details};
use portolan_core::record::metric::NO_VALUE;
use portolan_core::record::{AttemptResult, FillResult, Outcome};
use portolan_core::reply::WRONG_CONTENT;
use serde_json::{Value, json};

use super::super::typed::object;
use super::rules::{Change, beginning, input, on_match};

/// What is said of a request: whether the first backend was passed over, by one character; what
/// kind of answer it was; and the status.
pub(super) fn request_format() -> String {
    let later = format!("%FILTER_STATE({}:PLAIN):1%", StateKey::PassedOverWhy.object());
    format!("{later} %RESPONSE_CODE_DETAILS% %RESPONSE_CODE%")
}

/// How requests end. Answers of backends are known by `via_upstream`, those of the filter by their
/// own details. The rest is Envoy's own, such as a request that it could not read.
pub(super) fn of_requests() -> Value {
    let mut rows = Vec::new();
    for (place, served) in [(NO_VALUE, Outcome::Nearest), (LATER, Outcome::Fallback)] {
        let of_backend = [
            ("2", served),
            ("3", served),
            ("404", Outcome::Missing),
            ("410", Outcome::Missing),
            ("429", Outcome::Limited),
            ("4", Outcome::Refused),
        ];
        let upstream =
            of_backend.map(|(status, outcome)| (format!("{place} via_upstream {status}"), outcome));
        let own = Outcome::ALL.map(|outcome| {
            (format!("{place} {}", details::details(outcome.as_str(), "")), outcome)
        });
        // The client left before, or while, it was sent the answer.
        let gone = (format!("{place} downstream_"), Outcome::Gone);
        // The client had the head, and the body broke off, or stood still for too long.
        let broken = ["upstream_reset_after_response_started", "stream_idle_timeout 2"]
            .map(|details| (format!("{place} {details}"), Outcome::Failed));
        rows.extend(upstream.into_iter().chain(own).chain([gone]).chain(broken));
    }
    let rows: Vec<(&str, Change<'_>)> = rows
        .iter()
        .map(|(beginning, outcome)| (beginning.as_str(), Change::Word(outcome.as_str())))
        .collect();
    object([beginning(&rows, None), json!({"on_no_match": {"matcher": by_status()}})])
}

/// How requests end that neither a backend nor the filter answered.
fn by_status() -> Value {
    let rows = [
        (".* 429", Outcome::Limited),
        (".* 4[0-9]{2}", Outcome::Refused),
        (".* [23][0-9]{2}", Outcome::Front),
        (".* 0", Outcome::Gone),
    ];
    let matchers: Vec<Value> = rows
        .iter()
        .map(|(pattern, outcome)| {
            json!({
                "predicate": {"single_predicate": {
                    "input": input(),
                    "value_match": {"safe_regex": {"google_re2": {}, "regex": pattern}},
                }},
                "on_match": on_match(Change::Word(outcome.as_str())),
            })
        })
        .collect();
    json!({
        "matcher_list": {"matchers": matchers},
        "on_no_match": on_match(Change::Word(Outcome::Failed.as_str())),
    })
}

/// What is said of an attempt: the status of the answer, 0 without one, and what went wrong.
pub(super) const ATTEMPT_FORMAT: &str = "%RESPONSE_CODE%%RESPONSE_FLAGS%";

/// How attempts end, by Envoy's response flags (its documentation, "Access logging",
/// `%RESPONSE_FLAGS%`).
pub(super) fn of_attempts() -> Value {
    use AttemptResult::{
        Failed, Gone, Limited, Missing, Ok, Overflow, Redirected, Refused, Rejected, Reset,
        Timeout, Unreachable,
    };
    const ROWS: [(&str, AttemptResult); 30] = [
        ("2", Ok),
        ("304", Ok),
        ("3", Redirected),
        ("404", Missing),
        ("410", Missing),
        ("401", Refused),
        ("402", Refused),
        ("403", Refused),
        ("451", Refused),
        ("429", Limited),
        ("4", Rejected),
        ("5", Failed),
        ("200UC", Reset),
        ("200UR", Reset),
        ("200UPE", Reset),
        ("206UC", Reset),
        ("206UR", Reset),
        ("206UPE", Reset),
        ("0UF", Unreachable),
        ("0UC", Reset),
        ("0UR", Reset),
        ("0LR", Reset),
        ("0UPE", Reset),
        ("0UT", Timeout),
        ("0SI", Timeout),
        ("0DT", Timeout),
        ("0UMSDR", Timeout),
        ("0UO", Overflow),
        ("0DC", Gone),
        // This Envoy ended the attempt, and not because of a time-out.
        ("0-", Gone),
    ];
    let rows = ROWS.map(|(beginning, result)| (beginning, Change::Word(result.as_str())));
    beginning(&rows, Some(Change::Word(Reset.as_str())))
}

/// What is said of a backend that was passed over: why, and the status that the client got.
pub(super) fn why_format() -> String {
    format!(
        "%FILTER_STATE({}:PLAIN)% %RESPONSE_CODE_DETAILS% %RESPONSE_CODE%",
        StateKey::PassedOverWhy.object()
    )
}

/// Only who was served by another backend is counted.
pub(super) fn why() -> Value {
    let served = Why::WORDS.into_iter().flat_map(|word| {
        ["2", "3"].map(|status| (format!("{LATER}{word} via_upstream {status}"), word))
    });
    let served: Vec<(String, &str)> = served.collect();
    let rows: Vec<(&str, Change<'_>)> =
        served.iter().map(|(beginning, word)| (beginning.as_str(), Change::Word(word))).collect();
    beginning(&rows, Some(Change::Nothing))
}

/// What is said of what a node was sent: whether it asked for content, by one character; what kind
/// of answer it was; and the status.
pub(super) fn fill_format() -> String {
    let content = format!("%FILTER_STATE({}:PLAIN):1%", StateKey::Filled.object());
    format!("{content} %RESPONSE_CODE_DETAILS% %RESPONSE_CODE%")
}

/// What the digest of content begins with.
const CONTENT: &str = "s";

/// How fills end. Questions of the filter, and what is none of content, are not counted.
pub(super) fn of_fills() -> Value {
    use FillResult::{Cut, Failed, Gone, Limited, Missing, Ok, Part, Redirected, Refused, Wrong};
    let own = |outcome: Outcome, code: &str| details::details(outcome.as_str(), code);
    let rows: [(String, FillResult); 15] = [
        ("via_upstream 200".to_owned(), Ok),
        ("via_upstream 2".to_owned(), Part),
        ("via_upstream 3".to_owned(), Redirected),
        ("via_upstream 304".to_owned(), Part),
        ("via_upstream 404".to_owned(), Missing),
        ("via_upstream 410".to_owned(), Missing),
        ("via_upstream 429".to_owned(), Limited),
        ("via_upstream 4".to_owned(), Refused),
        (own(Outcome::Failed, WRONG_CONTENT), Wrong),
        (own(Outcome::Missing, ""), Missing),
        (own(Outcome::Refused, ""), Refused),
        (own(Outcome::Limited, ""), Limited),
        ("upstream_reset_after_response_started".to_owned(), Cut),
        ("downstream_".to_owned(), Gone),
        // What else there is of a fill.
        (String::new(), Failed),
    ];
    let rows = rows.map(|(beginning, result)| (format!("{CONTENT} {beginning}"), result));
    let rows: Vec<(&str, Change<'_>)> = rows
        .iter()
        .map(|(beginning, result)| (beginning.as_str(), Change::Word(result.as_str())))
        .collect();
    beginning(&rows, Some(Change::Nothing))
}
