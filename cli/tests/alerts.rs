//! The alerts in `envoy/observability/` are about what the command writes, and do what their test says.
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
