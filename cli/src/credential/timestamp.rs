//! The age of a credential file, for monitoring.
//!
//! Envoy tells when it read a file last, but for all files of a directory together, and nothing
//! about a helper that does not run any more. So the helper's last success is told by a file for
//! the textfile collector of Prometheus's node exporter.

use std::time::{Duration, SystemTime};

/// The content of a `.prom` file: when the credential was written, in seconds since 1970.
///
/// The collector wants the same `HELP` from every file that has the metric, so nothing in it
/// depends on the credential.
pub(super) fn exposition(name: &str, now: SystemTime) -> String {
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    format!(
        "# HELP portolan_credential_written_timestamp_seconds When the credential was last written.\n\
         # TYPE portolan_credential_written_timestamp_seconds gauge\n\
         portolan_credential_written_timestamp_seconds{{credential=\"{}\"}} {}\n",
        escaped(name),
        since.as_secs()
    )
}

/// A label's value in the text format of Prometheus.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_the_textfile_collector() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_999);
        let text = exposition("ecr", now);
        let lines: Vec<&str> = text.lines().collect();
        assert!(text.ends_with('\n'), "the collector refuses a last line without its end");
        assert_eq!(
            lines,
            [
                "# HELP portolan_credential_written_timestamp_seconds When the credential was last written.",
                "# TYPE portolan_credential_written_timestamp_seconds gauge",
                "portolan_credential_written_timestamp_seconds{credential=\"ecr\"} 1700000000",
            ]
        );
        assert!(exposition("a\"b\\c\nd", now).contains(r#"{credential="a\"b\\c\nd"}"#));
    }
}
