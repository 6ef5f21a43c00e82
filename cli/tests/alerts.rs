//! The alerts in `envoy/observability/` are about what the command writes, and do what their test
//! says.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests: to panic is how they say that a test failed"
)]

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

fn observability() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("envoy/observability")
}

#[test]
fn the_age_of_a_credential_is_called_what_the_command_calls_it() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("password"), "p").unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_portolan"))
        .args(["credential", "write", "ecr", "--username", "AWS", "--file", &path("ecr")])
        .args(["--password-file", &path("password"), "--timestamp-file", &path("ecr.prom")])
        .status()
        .unwrap();
    assert!(status.success());
    let written = fs::read_to_string(path("ecr.prom")).unwrap();
    let (metric, _) = written.lines().last().unwrap().split_once('{').unwrap();
    let rules = fs::read_to_string(observability().join("credentials.rules.yaml")).unwrap();
    assert!(rules.contains(&format!("time() - {metric}{{")), "{metric}");
}

/// A desk without `promtool`, which comes with Prometheus, runs the other tests.
#[test]
fn the_alerts_do_what_their_test_says() {
    let rows = [
        ["check", "rules", "credentials.rules.yaml"],
        ["test", "rules", "credentials.rules.test.yaml"],
        ["check", "rules", "geography.rules.yaml"],
        ["test", "rules", "geography.rules.test.yaml"],
        ["check", "rules", "requests.rules.yaml"],
        ["test", "rules", "requests.rules.test.yaml"],
        ["check", "rules", "backends.rules.yaml"],
        ["test", "rules", "backends.rules.test.yaml"],
        ["check", "rules", "process.rules.yaml"],
        ["test", "rules", "process.rules.test.yaml"],
        ["check", "rules", "caches.rules.yaml"],
        ["test", "rules", "caches.rules.test.yaml"],
        ["check", "rules", "policy.rules.yaml"],
        ["test", "rules", "policy.rules.test.yaml"],
    ];
    for arguments in rows {
        let output = Command::new("promtool").args(arguments).current_dir(observability()).output();
        if output.as_ref().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            writeln!(std::io::stderr(), "not run: no promtool; Debian's package is `prometheus`")
                .unwrap();
            return;
        }
        let output = output.unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said));
    }
}

/// The files whose alerts lead to a section of the documentation.
const WITH_RUNBOOK: [&str; 7] =
    ["requests", "backends", "caches", "process", "credentials", "geography", "policy"];

fn documentation(name: &str) -> String {
    let docs = observability().join("../../docs");
    fs::read_to_string(docs.join(name)).unwrap()
}

fn read(name: &str) -> String {
    fs::read_to_string(observability().join(name)).unwrap()
}

/// What stands behind a key, line by line.
fn values<'t>(text: &'t str, key: &str) -> Vec<&'t str> {
    text.lines().filter_map(|line| line.trim().trim_start_matches("- ").strip_prefix(key)).collect()
}

/// GitHub's anchor of a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    words
        .chars()
        .filter(|c| c.is_alphanumeric() || " -".contains(*c))
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn each_alert_says_what_it_means_and_where_to_read_on() {
    let text = documentation("troubleshooting.md");
    let headings: Vec<String> =
        text.lines().filter(|line| line.starts_with("## ")).map(anchor).collect();
    for file in WITH_RUNBOOK {
        let rules = read(&format!("{file}.rules.yaml"));
        let alerts = values(&rules, "alert: ").len();
        let keys =
            ["summary: ", "description: ", "runbook: ", "dashboard: ", "labels: {severity: "];
        for key in keys {
            assert_eq!(values(&rules, key).len(), alerts, "{file}: {key}");
        }
        for place in values(&rules, "runbook: ") {
            let section = place.strip_prefix("docs/troubleshooting.md#").unwrap();
            assert!(headings.iter().any(|heading| heading == section), "{file}: {place}");
        }
        for place in values(&rules, "dashboard: ") {
            let uid = format!("\"uid\": \"{}\"", place.strip_prefix("/d/").unwrap());
            let is_there = |board: &str| read(&format!("dashboards/{board}.json")).contains(&uid);
            assert!(
                ["overview", "backends", "front", "caches"].into_iter().any(is_there),
                "{file}: {place}"
            );
        }
    }
}

#[test]
fn each_alert_is_tested_to_fire_and_not_to_fire() {
    for file in WITH_RUNBOOK {
        let test = read(&format!("{file}.rules.test.yaml"));
        for alert in values(&read(&format!("{file}.rules.yaml")), "alert: ") {
            let fires = format!("    alertname: {alert}\n    exp_alerts:\n    - exp_labels:");
            assert!(test.contains(&fires), "no test in which {alert} fires");
            let alone = format!("alertname: {alert}, exp_alerts: []");
            let silent =
                test.contains(&alone) || test.contains("{expr: 'count(ALERTS) or vector(0)'");
            assert!(silent, "no test in which {alert} does not fire");
        }
    }
}

/// Words of a query that look like metrics and are none.
fn metrics(rules: &str) -> Vec<&str> {
    let words = rules.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("portolan_") || word.starts_with("envoy_")).collect()
}

#[test]
fn alerts_are_about_metrics_that_are_documented() {
    let text = documentation("metrics.md");
    let words: Vec<&str> = text.split('`').collect();
    let families = || words.iter().filter_map(|word| word.strip_suffix('*'));
    let labels = [
        "envoy_cluster_name",
        "envoy_response_code_class",
        "envoy_response_code",
        "envoy_xds_resource_name",
        "envoy_geoip_database",
    ];
    for file in WITH_RUNBOOK {
        let rules = read(&format!("{file}.rules.yaml"));
        for metric in metrics(&rules).into_iter().filter(|word| !labels.contains(word)) {
            let parts = ["_bucket", "_count", "_sum"];
            let whole = parts.iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
            let is_listed = words.contains(&metric) || words.contains(&whole);
            let is_known = is_listed || families().any(|family| metric.starts_with(family));
            assert!(is_known, "{file}: docs/metrics.md does not have {metric}");
        }
    }
}
