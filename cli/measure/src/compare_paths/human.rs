//! The report of `compare-paths` as a text.

use portolan_command::quantity::{bit_rate, counted, size, speed, time};
use portolan_command::table::{cells, lay_out, list};

use super::iperf::{Outcome, Trial};
use super::report::{Measured, Report};
use super::way::LEAST_FOR_SPEED;
use crate::statistics::Summary;

/// The whole report.
pub(super) fn describe(report: &Report) -> String {
    let places = report.ways.iter().map(|way| (way.way.as_str(), way.url.clone()));
    let places = list(&places.collect::<Vec<_>>());
    let intro = format!("{places}{}, in turns; medians:\n\n", counted(report.rounds, "round"));
    let parts =
        [intro, table(report), reasons(report), speeds_missing(report), itemise(&report.meaning)];
    let trials = report.iperf.iter().map(describe_trial);
    parts.into_iter().chain(trials).collect()
}

fn table(report: &Report) -> String {
    let header = ["", "ok", "failed", "DNS", "connect", "TLS", "first byte", "speed"];
    let rows = [cells(header)].into_iter().chain(report.ways.iter().map(row));
    lay_out(&rows.collect::<Vec<_>>())
}

fn row(way: &Measured) -> Vec<String> {
    let shown = |summary: Option<Summary>, show: fn(f64) -> String| {
        summary.map_or_else(|| "-".to_owned(), |summary| show(summary.median))
    };
    vec![
        way.way.clone(),
        way.succeeded.to_string(),
        way.failed.to_string(),
        shown(way.dns, time),
        shown(way.connect, time),
        shown(way.tls, time),
        shown(way.first_byte, time),
        shown(way.bytes_per_second, speed),
    ]
}

fn reasons(report: &Report) -> String {
    let lines = report.ways.iter().flat_map(|way| {
        let mut reasons: Vec<&str> =
            way.walks.iter().filter_map(|walk| walk.error.as_deref()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        reasons.into_iter().map(move |reason| format!("{}, failed: {reason}\n", way.way))
    });
    lines.collect()
}

/// Why some ways have no speed, if they were gone at all.
fn speeds_missing(report: &Report) -> String {
    let is_missing = |way: &&Measured| way.succeeded > 0 && way.bytes_per_second.is_none();
    let missing: Vec<&str> =
        report.ways.iter().filter(is_missing).map(|way| way.way.as_str()).collect();
    if missing.is_empty() {
        return String::new();
    }
    format!(
        "no speed of {}: less than {} came; name an image with a larger layer (`--image`), or a larger \
         file, and let `--bytes` be larger\n",
        missing.join(", "),
        size(LEAST_FOR_SPEED)
    )
}

fn itemise(sentences: &[String]) -> String {
    let items: Vec<String> = sentences
        .iter()
        .map(|sentence| {
            format!(
                "* {sentence}
"
            )
        })
        .collect();
    if items.is_empty() {
        String::new()
    } else {
        format!(
            "
{}",
            items.concat()
        )
    }
}

fn describe_trial(trial: &Trial) -> String {
    let rows = trial.outcomes().map(|(mode, outcome)| (mode.title(), rate(outcome)));
    format!("\niperf3 with {}\n{}{}", trial.server, list(&rows), itemise(&trial.meaning))
}

fn rate(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(rate) => {
            let again = rate.retransmits.map(|count| format!(", {count} segments sent again"));
            format!("{}{}", bit_rate(rate.bits_per_second), again.unwrap_or_default())
        }
        Outcome::Failed { error } => format!("failed: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn everything_is_there() {
        let shown = describe(&report());
        let rows = [
            "front        https://front.example/v2/a/blobs/x\n",
            "2 rounds, in turns; medians:\n",
            "             ok  failed      DNS  connect      TLS  first byte      speed\n",
            "front         2       0  1.00 ms  3.00 ms  5.00 ms     6.00 ms  10.0 MB/s\n",
            "upstream      1       1  1.00 ms  3.00 ms  5.00 ms     6.00 ms          -\n",
            "cdn.example   0       2        -        -        -           -          -\n",
            "cdn.example, failed: nobody listens\n",
            "no speed of upstream: less than 1.05 MB came",
            "\n* The front is 2.00 ms away",
            "\niperf3 with iperf.example:5201\n",
            "one stream to the server    100 Mbit/s, 3 segments sent again\n",
            "one stream from the server  failed: iperf3: the server is busy\n",
        ];
        for row in rows {
            assert!(shown.contains(row), "{row:?} in\n{shown}");
        }
    }
}
