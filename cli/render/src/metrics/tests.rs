//! The rules give each request and each attempt one word, and the documentation lists what there
//! is.

use std::fs;
use std::path::Path;

use portolan_core::record::metric::Values;

use super::super::stats;
use super::*;

/// What Envoy makes of a value by rules; `None` where nothing is counted. Of several beginnings the
/// longest counts.
fn applied(rules: &Value, value: &str) -> Option<String> {
    let tree = &rules["matcher_tree"];
    let exact = tree["exact_match_map"]["map"].get(value);
    let empty = serde_json::Map::new();
    let beginnings = tree["prefix_match_map"]["map"].as_object().unwrap_or(&empty);
    let longest = beginnings.iter().filter(|(key, _)| value.starts_with(key.as_str()));
    let longest = longest.max_by_key(|(key, _)| key.len()).map(|(_, found)| found);
    let listed = rules["matcher_list"]["matchers"].as_array().and_then(|rows| {
        let fits = |row: &&Value| {
            let pattern = &row["predicate"]["single_predicate"]["value_match"]["safe_regex"];
            whole(pattern["regex"].as_str().unwrap(), value)
        };
        rows.iter().find(fits).map(|row| &row["on_match"])
    });
    let found = exact.or(longest).or(listed).unwrap_or(&rules["on_no_match"]);
    if let Some(nested) = found.get("matcher") {
        return applied(nested, value);
    }
    let action = &found["action"]["typed_config"];
    if action.get("drop_stat").is_some() {
        return None;
    }
    Some(action["update_tag"]["new_tag_value"].as_str().unwrap_or(value).to_owned())
}

/// The patterns here are `.*`, a space, and a status with classes of digits.
fn whole(pattern: &str, value: &str) -> bool {
    let status = value.rsplit(' ').next().unwrap();
    match pattern.strip_prefix(".* ").unwrap() {
        "4[0-9]{2}" => status.len() == 3 && status.starts_with('4'),
        "[23][0-9]{2}" => status.len() == 3 && status.starts_with(['2', '3']),
        exactly => status == exactly,
    }
}

#[test]
fn every_request_ends_in_one_way() {
    #[rustfmt::skip]
    let rows = [
        (" via_upstream 200", "nearest", "the first backend answered"),
        (" via_upstream 206", "nearest", "a part of a blob"),
        (" via_upstream 304", "nearest", "the client has it"),
        (" via_upstream 307", "nearest", "a redirect of the backend's, which the client follows"),
        ("+ via_upstream 200", "fallback", "a later one answered"),
        (" via_upstream 404", "missing", "the only backend lacks it"),
        ("+ via_upstream 404", "missing", "all lack it"),
        (" via_upstream 410", "missing", "it is gone"),
        (" via_upstream 401", "refused", "log in"),
        ("+ via_upstream 403", "refused", ""),
        (" via_upstream 416", "refused", "a range that is not there"),
        (" via_upstream 429", "limited", ""),
        (" via_upstream 500", "failed", ""),
        ("+ via_upstream 502", "failed", ""),
        (" portolan_front:ok 200", "front", "a ping"),
        (" portolan_front:health 503", "front", "the front tells that backends are down"),
        (" portolan_redirected:redirect 307", "redirected", ""),
        (" portolan_refused:NAME_UNKNOWN 404", "refused", "the policy serves no such name"),
        ("+ portolan_missing:NAME_UNKNOWN 404", "missing", "nobody shows it"),
        ("+ portolan_failed:UNAVAILABLE 503", "failed", "not all could be asked"),
        ("+ portolan_limited:TOOMANYREQUESTS 429", "limited", ""),
        (" downstream_remote_disconnect 0", "gone", "before the answer"),
        (" downstream_remote_disconnect 200", "gone", "while a blob was sent"),
        ("+ downstream_local_disconnect 200", "gone", ""),
        (" http1.codec_error 400", "refused", "no HTTP"),
        (" request_header_timeout 408", "refused", "too slow"),
        (" stream_idle_timeout 408", "refused", "stands still"),
        (" stream_idle_timeout 200", "failed", "an answer stands still"),
        ("+ stream_idle_timeout 206", "failed", "a part of one does"),
        (" upstream_reset_after_response_started{protocol_error} 200", "failed", "a body that is cut"),
        ("+ upstream_reset_after_response_started{connection_termination} 206", "failed", ""),
        (" overload 503", "failed", "no memory"),
        (" direct_response 200", "front", "CORS"),
        (" health_check_ok 200", "front", "/readyz"),
        (" upstream_reset_before_response_started{connection_failure} 503", "failed", ""),
        (" wasm_fail_stream 503", "failed", "the filter stopped"),
        ("  0", "gone", "nothing is known"),
    ];
    let rules = ends::of_requests();
    for (said, expected, reason) in rows {
        assert_eq!(applied(&rules, said).as_deref(), Some(expected), "{said}: {reason}");
    }
}

#[test]
fn every_attempt_ends_in_one_way() {
    #[rustfmt::skip]
    let rows = [
        ("200-", "ok"), ("201-", "ok"), ("304-", "ok"), ("307-", "redirected"), ("404-", "missing"),
        ("410-", "missing"), ("401-", "refused"), ("403-", "refused"), ("402-", "refused"),
        ("451-", "refused"), ("429-", "limited"), ("400-", "rejected"), ("416-", "rejected"),
        ("500-", "failed"), ("503-", "failed"), ("599-", "failed"), ("200DC", "ok"),
        ("200UC", "reset"), ("206UR", "reset"),
        ("200UPE", "reset"), ("206UPE", "reset"), ("0UF", "unreachable"), ("0UF,URX", "unreachable"),
        ("0UC", "reset"), ("0UR", "reset"), ("0UPE", "reset"), ("0UT", "timeout"), ("0UO", "overflow"),
        ("0DC", "gone"), ("0-", "gone"), ("999-", "reset"),
    ];
    for (said, expected) in rows {
        assert_eq!(applied(&ends::of_attempts(), said).as_deref(), Some(expected), "{said}");
    }
}

#[test]
fn every_fill_ends_in_one_way() {
    #[rustfmt::skip]
    let rows = [
        ("s via_upstream 200", Some("ok"), ""),
        ("s via_upstream 206", Some("part"), "a range that the node passes on"),
        ("s via_upstream 304", Some("part"), "nothing was sent"),
        ("s via_upstream 307", Some("redirected"), "for clients to follow"),
        ("s portolan_failed:wrong_content 200", Some("wrong"), "cut at the end"),
        ("s portolan_failed:wrong_content 502", Some("wrong"), "nothing had gone out"),
        ("s upstream_reset_after_response_started{connection_termination} 200", Some("cut"), ""),
        ("s upstream_reset_before_response_started{connection_failure} 503", Some("failed"), ""),
        ("s downstream_remote_disconnect 200", Some("gone"), ""),
        ("s via_upstream 404", Some("missing"), ""),
        ("s portolan_missing:NAME_UNKNOWN 404", Some("missing"), ""),
        ("s portolan_refused:NAME_UNKNOWN 404", Some("refused"), ""),
        ("s via_upstream 403", Some("refused"), ""),
        ("s via_upstream 429", Some("limited"), ""),
        ("s portolan_limited:TOOMANYREQUESTS 429", Some("limited"), ""),
        ("s via_upstream 502", Some("failed"), ""),
        ("s portolan_failed:UNAVAILABLE 503", Some("failed"), ""),
        ("s response_timeout 504", Some("failed"), ""),
        (" via_upstream 200", None, "a question of the filter"),
        (" portolan_refused:UNSUPPORTED 404", None, "no content was asked for"),
    ];
    for (said, expected, reason) in rows {
        assert_eq!(applied(&ends::of_fills(), said).as_deref(), expected, "{said}: {reason}");
    }
}

#[test]
fn only_served_fallbacks_are_counted() {
    let rows = [
        ("+skipped via_upstream 200", Some("skipped")),
        ("+missing via_upstream 206", Some("missing")),
        ("+silent via_upstream 307", Some("silent")),
        ("+missing via_upstream 404", None),
        ("+failed portolan_failed:UNAVAILABLE 503", None),
        (" via_upstream 200", None),
        ("+skipped downstream_remote_disconnect 200", None),
    ];
    for (said, expected) in rows {
        assert_eq!(applied(&ends::why(), said).as_deref(), expected, "{said}");
    }
}

/// The rules of a label are the end of what a client can say: every word is one of the label's.
#[test]
fn rules_make_no_word_that_a_label_does_not_have() {
    for follows in [false, true] {
        for metric in METRICS {
            for label in metric.labels {
                let tag = Tags { follows, of: Subject::Requests }.of(*label);
                let (Some(rules), Values::Fixed(words)) = (tag.get("rules"), label.values()) else {
                    continue;
                };
                let text = rules.to_string();
                for word in text.split("\"new_tag_value\":\"").skip(1) {
                    let word = word.split('"').next().unwrap();
                    assert!(words.contains(&word) || word.is_empty(), "{}: {word}", label.name());
                }
            }
        }
    }
}

#[test]
fn no_label_is_what_a_client_sends() {
    for follows in [false, true] {
        for metric in METRICS {
            for label in metric.labels {
                let tag = Tags { follows, of: Subject::Fills }.of(*label);
                let format = tag["value_format"].as_str().unwrap();
                for command in ["%REQ(", "%PATH(", "ADDRESS", "%RESP(", "%TRAILER("] {
                    assert!(!format.contains(command), "{} {}", metric.name, label.name());
                }
                // Details and flags are Envoy's, and may have text of a system's in them.
                let is_bounded = !format.contains("DETAILS") && !format.contains("FLAGS");
                assert!(is_bounded || tag["rules"].get("on_no_match").is_some(), "{}", metric.name);
            }
        }
    }
}

fn documentation() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    fs::read_to_string(path).unwrap()
}

#[test]
fn the_documentation_lists_every_metric_and_no_other() {
    let text = documentation();
    let listed: Vec<String> = METRICS
        .iter()
        .map(|metric| {
            let kind = match metric.shape {
                Shape::Counter => "counter",
                Shape::Histogram(_) => "histogram",
                Shape::Gauge => "gauge",
            };
            let labels: Vec<String> =
                metric.labels.iter().map(|label| format!("`{}`", label.name())).collect();
            format!("| `portolan_{}` | {kind} | {} |", metric.name, labels.join(", "))
        })
        .collect();
    for row in &listed {
        assert!(text.contains(row), "docs/metrics.md has no row {row}");
    }
    let rows = text.lines().filter(|line| line.starts_with("| `portolan_"));
    assert_eq!(rows.count(), listed.len(), "docs/metrics.md lists what is not counted");
}

#[test]
fn the_documentation_lists_every_value_of_every_label() {
    let text = documentation();
    for metric in METRICS {
        for label in metric.labels {
            let row = format!("| `{}` |", label.name());
            let row = text.lines().find(|line| line.starts_with(&row));
            let row =
                row.unwrap_or_else(|| panic!("docs/metrics.md has no label {}", label.name()));
            if let Values::Fixed(words) = label.values() {
                for word in words {
                    assert!(row.contains(&format!("`{word}`")), "{}: {word}", label.name());
                }
            }
        }
        if let Shape::Histogram(bounds) = metric.shape {
            let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
            assert!(text.contains(&bounds.join(", ")), "{}: {bounds:?}", metric.name);
        }
    }
}

#[test]
fn the_documentation_lists_what_is_kept_of_envoys_own() {
    let text = documentation();
    let kept = stats::OF_BACKENDS.iter().chain(&stats::OF_FILTERS);
    for name in kept {
        let name = format!("`envoy_cluster_{}`", name.replace('.', "_"));
        assert!(text.contains(&name), "docs/metrics.md does not have {name}");
    }
}
