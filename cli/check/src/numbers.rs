//! The result of `check` as metrics for Prometheus: whether the policy on the disk is good, and its
//! fingerprint.

use portolan_command::output::Exit;

use super::report::Report;

const GOOD: &str = "portolan_policy_file_good";
const INFO: &str = "portolan_policy_file_info";

/// The lines, in Prometheus' text format. A policy that is refused has no fingerprint.
pub(super) fn of(reports: &[Report]) -> String {
    let head = |name: &str, help: &str| format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
    let good = reports.iter().map(|report| {
        let value = u8::from(report.exit == Exit::Good);
        format!("{GOOD}{{file=\"{}\"}} {value}\n", escaped(&report.file))
    });
    let info = reports.iter().filter_map(|report| {
        let hash = report.fingerprint.as_ref().filter(|_| report.exit == Exit::Good)?;
        Some(format!("{INFO}{{file=\"{}\",hash=\"{hash}\"}} 1\n", escaped(&report.file)))
    });
    [head(GOOD, "Whether the policy in the file is accepted.")]
        .into_iter()
        .chain(good)
        .chain([head(INFO, "Which policy the file has, by its fingerprint.")])
        .chain(info)
        .collect()
}

/// A value of a label (Prometheus, "Text-based format").
fn escaped(text: &str) -> String {
    text.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(file: &str, exit: Exit, fingerprint: Option<&str>) -> Report {
        let fingerprint = fingerprint.map(str::to_owned);
        Report { file: file.to_owned(), exit, summary: None, fingerprint, diagnostics: Vec::new() }
    }

    #[test]
    fn a_good_policy_has_a_fingerprint() {
        let text = of(&[
            report("a.yaml", Exit::Good, Some("0123")),
            report("b.yaml", Exit::Refused, Some("4567")),
            report(r#"c "d"\e.yaml"#, Exit::Unusable, None),
        ]);
        let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            lines,
            [
                r#"portolan_policy_file_good{file="a.yaml"} 1"#,
                r#"portolan_policy_file_good{file="b.yaml"} 0"#,
                r#"portolan_policy_file_good{file="c \"d\"\\e.yaml"} 0"#,
                r#"portolan_policy_file_info{file="a.yaml",hash="0123"} 1"#,
            ]
        );
        assert_eq!(text.matches("# TYPE").count(), 2);
    }
}
