//! The names in Envoy of the metrics that the filter itself counts, and the place of the labels in
//! such a name.
//!
//! A filter in `WebAssembly` cannot give labels to Envoy. They are written into the name, and the
//! rendered configuration has Envoy take them out again (`stats_tags`).

use std::fmt::Write;

/// What Envoy puts before every name that a filter counts by.
pub const NAMESPACE: &str = "wasmcustom.";
/// With what each of the names begins.
pub const PREFIX: &str = "portolan.";

/// The name of a metric without its labels.
#[must_use]
pub fn name(metric: &str) -> String {
    format!("{PREFIX}{metric}")
}

/// The name of a metric with these labels, each with its value: names of the policy or words of a
/// fixed set, in which there is no semicolon.
#[must_use]
pub fn labelled(metric: &str, labels: &[(&str, &str)]) -> String {
    let mut name = name(metric);
    for (label, value) in labels {
        // Writing to a `String` cannot fail.
        let _ = write!(name, ";{label}={value}");
    }
    name
}

/// The regular expression (RE2) by which Envoy finds the label in such a name: the first group is
/// what it takes out, the second the value.
#[must_use]
pub fn pattern(label: &str) -> String {
    format!(r"wasmcustom\.portolan\.[a-z_]+(?:;[a-z]+=[^;]*)*?(;{label}=([^;]*))")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_stand_in_the_name() {
        let labels = [("backend", "hub"), ("result", "ok")];
        assert_eq!(labelled("x_total", &labels), "portolan.x_total;backend=hub;result=ok");
        assert_eq!(labelled("x_total", &[]), name("x_total"));
        assert!(pattern("backend").starts_with(&NAMESPACE.replace('.', r"\.")));
        assert!(pattern("backend").contains(&PREFIX.replace('.', r"\.")));
    }
}
